"""The long history of `benchmark records`, and its retention: work on the site's database, in processes of their own.

`python -m benchmarks.history fill COUNT BYTES` or `erase`; the answer is one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

RULE = "attempt_pictures"
DAYS = 30
CHUNK = 2000


def fill(count: int, picture_bytes: int) -> dict[str, Any]:
    """Attempts of 40 days ago, with pictures of that size (0: without), and an operator who may export them."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    from security.roles.groups import give_roles
    from security.roles.table import Role

    for start in range(0, count, CHUNK):
        _fill_chunk(min(CHUNK, count - start), picture_bytes)
    officer, made = User.objects.get_or_create(username="privacy-officer")
    if made:
        give_roles(officer, [Role.PRIVACY_OFFICER])
    client = Client()
    client.force_login(officer)
    name = settings.SESSION_COOKIE_NAME
    return {"cookie": f"{name}={client.cookies[name].value}"}


def _fill_chunk(count: int, picture_bytes: int) -> None:
    from datetime import timedelta

    from django.db import transaction
    from django.utils import timezone

    from security.encryption.data_keys import DataKey, wrap
    from security.encryption.site_keys import current_site_key
    from verification.models import PictureKey, VerificationAttempt
    from verification.sealed import THUMBNAILS

    then, site = timezone.now() - timedelta(days=40), current_site_key()
    keys = [DataKey() for _ in range(count)]
    attempts = [
        VerificationAttempt(
            mode="identify",
            verdict="match",
            comparison_score=0.62,
            match_threshold=0.31,
            fmr=1e-4,
            frames_agreed=3,
            frames_seen=4,
            contract_id="benchmark",
        )
        for _ in keys
    ]
    if picture_bytes:
        for attempt, key in zip(attempts, keys, strict=True):
            attempt.thumbnail = THUMBNAILS.seal(b"\xff\xd8" + os.urandom(picture_bytes), key, row=attempt.uuid)
    with transaction.atomic():
        stored = VerificationAttempt.objects.bulk_create(attempts)
        VerificationAttempt.objects.filter(pk__in=[attempt.pk for attempt in stored]).update(created_at=then)
        if picture_bytes:
            PictureKey.objects.bulk_create(
                PictureKey(id=key.id, wrapped=wrap(PictureKey, key, site), site_key=site.fingerprint, attempt=attempt)
                for attempt, key in zip(stored, keys, strict=True)
            )


def erase() -> dict[str, Any]:
    """As security/retention/runner.py does it for one rule."""
    return {"seconds": list(_batches())}


def _batches() -> Iterator[float]:
    """Seconds of each batch, with the pauses of a run between them."""
    from django.utils import timezone

    from security.retention.rules import retention_rules
    from security.retention.runner import FIRST_BATCH, PAUSE_S, next_size

    rule, now = retention_rules.by_key[RULE], timezone.now()
    size = min(FIRST_BATCH, rule.most_at_once)
    while True:
        time.sleep(PAUSE_S)
        began = time.monotonic()
        gone = rule.erase_batch(now, DAYS, size)
        seconds = time.monotonic() - began
        if not gone:
            return
        yield seconds
        size = next_size(size, seconds, rule.most_at_once)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
    import django

    django.setup()
    task, *numbers = sys.argv[1:]
    print(json.dumps(fill(*map(int, numbers)) if task == "fill" else erase()))  # noqa: T201
