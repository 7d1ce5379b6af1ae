"""A new site key: every data key is wrapped again with it. Nothing else is touched, so 100,000 keys take seconds.

The list of site keys says how far it is: the first one wraps, EncryptionState names the one that all keys had before.
A rotation that was stopped goes on where it was, by the command or by the running product.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from security.actors import Actor
from security.audit.actions import Action
from security.audit.recording import record
from security.encryption.data_keys import Model, unwrap, wrap
from security.encryption.site_keys import (
    SiteKeyUnusable,
    current_site_key,
    key_file,
    new_site_key,
    read_site_keys,
    site_key,
    write_site_keys,
)
from security.models import EncryptionState, WrappedKey

BATCH = 200
RETIRE_AFTER = timedelta(minutes=10)
"""So long an old key stays in the file: work that was under way may still have wrapped something with it."""


def key_models() -> list[Model]:
    """The tables of data keys, of every app."""
    return [model for model in apps.get_models() if issubclass(model, WrappedKey)]


def begin_rotation() -> None:
    """Put a new key before the present one, unless a rotation has begun already. Raises SiteKeyUnusable."""
    if rotation_begun():
        return
    path = key_file()
    if path is None:
        raise SiteKeyUnusable(
            "The site key comes from FACESITE_DATA_KEY. Put a new key before it (`openssl rand -base64 32` makes one) "
            "as FACESITE_DATA_KEY=new,old, start every process again, then run this again."
        )
    write_site_keys(path, [new_site_key(), *read_site_keys()])


def rotation_begun() -> bool:
    """Whether some data keys may be wrapped with another site key than the present one. Raises SiteKeyUnusable."""
    current = current_site_key()
    return EncryptionState.objects.get().site_key != current.fingerprint


def count_to_rotate() -> int:
    current = current_site_key()
    return sum(_older(model, current.fingerprint).count() for model in key_models())


def rotate(*, actor: Actor | None = None) -> Iterator[int]:
    """Wrap what is left again, batch by batch; the number of keys after each batch. Raises SiteKeyUnusable."""
    current = current_site_key()
    for model in key_models():
        while number := _rotate_batch(model):
            yield number
    with transaction.atomic():
        finished = EncryptionState.objects.exclude(site_key=current.fingerprint)
        if finished.update(site_key=current.fingerprint, rotated_at=timezone.now()):
            record(Action.SITE_KEY_ROTATED, actor=actor, target=current.fingerprint)


def retire_old_keys() -> bool:
    """Take the old site keys out of the file when nothing needs them any more. Returns whether any went."""
    path, keys = key_file(), read_site_keys()
    if path is None or len(keys) < 2 or rotation_begun() or count_to_rotate():
        return False
    rotated_at = EncryptionState.objects.get().rotated_at
    if rotated_at is None or timezone.now() - rotated_at < RETIRE_AFTER:
        return False
    write_site_keys(path, keys[:1])
    return True


def _older(model: Model, fingerprint: str) -> QuerySet[Any]:
    return model._default_manager.exclude(site_key=fingerprint)


def _rotate_batch(model: Model) -> int:
    current = current_site_key()
    with transaction.atomic():
        rows = list(_older(model, current.fingerprint).select_for_update().order_by("pk")[:BATCH])
        for row in rows:
            key = unwrap(model, row.pk, bytes(row.wrapped), site_key(row.site_key))
            row.wrapped, row.site_key = wrap(model, key, current), current.fingerprint
        model._default_manager.bulk_update(rows, ["wrapped", "site_key"])
    return len(rows)
