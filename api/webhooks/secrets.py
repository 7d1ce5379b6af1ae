"""A webhook's signing secrets in the database: encrypted with a key of its own under the site key, as faces are."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from api.models import Webhook, WebhookKey
from security.encryption.data_keys import key_for
from security.encryption.sealing import SealedColumn

OVERLAP: Final = timedelta(days=1)
"""How long the secret before a rotation signs too."""
_SECRETS: Final = SealedColumn("api_webhook.secret", WebhookKey)


def store_secret(webhook: Webhook, secret: str) -> None:
    """Set the secret of a saved webhook and save it. Call it in a transaction that holds its row."""
    key = key_for(WebhookKey, webhook_id=webhook.pk)
    webhook.secret = _SECRETS.seal(secret.encode(), key, row=webhook.uuid)
    webhook.save(update_fields=["secret"])


def rotate_secret(webhook: Webhook, secret: str) -> None:
    """The present secret signs for OVERLAP beside the new one."""
    webhook.older_secret, webhook.older_until = webhook.secret, timezone.now() + OVERLAP
    webhook.save(update_fields=["older_secret", "older_until"])
    store_secret(webhook, secret)


def secrets_of(webhook: Webhook) -> list[str]:
    """The newest first; none where the key is gone (a restored backup without keys). Raises SiteKeyUnusable."""
    stored = [webhook.secret]
    if webhook.older_until and webhook.older_until > timezone.now():
        stored.append(webhook.older_secret)
    opened = _SECRETS.open_all((value, webhook.uuid, "") for value in stored)
    return [bytes(value).decode() for value in opened if value is not None]
