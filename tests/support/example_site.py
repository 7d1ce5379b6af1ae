"""Rows for every page of a site that has people: run in its database by `manage.py shell`, see fill_site()."""

from __future__ import annotations

import json
import sys
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.server import LiveServer


def fill_site(server: LiveServer) -> dict[str, str]:
    """Make the rows. Returns what the addresses of tests/support/pages.py have in braces -> uuid.

    Somebody must be enrolled.
    """
    said = server.manage("shell", "--no-imports", "-c", f"from {__name__} import fill; fill()")
    filled: dict[str, str] = json.loads(said.splitlines()[-1])
    return filled


def fill() -> None:
    """In the process of the command."""
    import numpy as np
    from django.contrib.auth.models import User
    from django.utils import timezone

    from api.webhooks.services import create_webhook
    from attendance.kiosks.services import create_kiosk
    from attendance.models import Schedule
    from attendance.punches.services import punch_by_hand
    from attendance.schedules.services import save_schedule
    from enrollment.groups.actions import create_group
    from enrollment.models import FaceSample
    from enrollment.sealed import read_crops
    from enrollment.services import erase_person, set_active
    from recognizer.images import decode_crop, encode_thumbnail
    from tests.verification.rows import make_person
    from verification.models import UnknownFace, VerificationAttempt
    from verification.review.unknowns import save_unknown_policy
    from verification.sealed import save_unknown, save_with_picture
    from verification.sightings import note_seen

    boss = User.objects.order_by("pk")[0]
    sample = FaceSample.objects.order_by("pk")[0]
    crop = read_crops([(sample.pk, sample.uuid, sample.crop)])[sample.pk]
    thumbnail = encode_thumbnail(decode_crop(crop))
    contract_id = sample.templates.get().contract_id
    attempts = []
    for number, verdict in enumerate(("match", "match", "non_match", "attack", "uncertain", "match")):
        attempt = VerificationAttempt(
            mode="identify",
            verdict=verdict,
            created_at=timezone.now() - timedelta(days=2 * number),
            matched_person=sample.person if verdict == "match" else None,
            comparison_score=0.62 if verdict == "match" else 0.2,
            runner_up=0.1,
            match_threshold=0.31,
            fmr=1e-4,
            frames_agreed=3,
            frames_seen=4,
            reasons={"attack": ["attack"], "uncertain": ["similar_to_many"], "non_match": ["below_threshold"]}.get(
                verdict, []
            ),
            operator=boss,
            contract_id=contract_id,
        )
        save_with_picture(attempt, thumbnail if verdict in ("match", "non_match") else b"")
        note_seen(attempt)
        attempts.append(attempt)
    save_unknown_policy(actor=boss, keep=True, days=7)
    face = UnknownFace(contract_id=contract_id, attempt=attempts[2], quality=sample.quality, quality_score=0.8)
    save_unknown(face, embedding=np.eye(1, sample.templates.get().dimension, dtype=np.float32)[0], crop=crop)
    gone, resting = make_person("Somebody Who Left"), make_person("Somebody Who Rests")
    set_active(actor=boss, people=[resting], active=False)
    receipt, _ = erase_person(actor=boss, person=gone)
    webhook, _ = create_webhook(actor=boss, url="https://example.com/hook", events=["attempt.decided"])
    now = timezone.now() - timedelta(minutes=5)
    punch = punch_by_hand(actor=boss, person=sample.person, direction="in", at=now, reason="Forgot to look.")
    kiosk, _ = create_kiosk(actor=boss, name="Front door", place="Reception", mode="check", sound=True)
    hours = Schedule(name="Office hours", weekdays="12345", starts_at=time(9), ends_at=time(17))
    save_schedule(actor=boss, schedule=hours)
    group = create_group(actor=boss, name="Laboratory")
    rows: dict[str, Any] = {
        "group": group,
        "person": sample.person,
        "sample": sample,
        "attempt": attempts[0],
        "unknown": face,
        "punch": punch,
    }
    made = {name: str(row.uuid) for name, row in rows.items()}
    made |= {"receipt": str(receipt.person_uuid), "webhook": str(webhook.uuid), "kiosk": str(kiosk.uuid)}
    sys.stdout.write(json.dumps(made))


def people_folder(folder: Path, pictures: dict[str, Path]) -> Path:
    """A folder as `enroll_folder` takes it: with a folder for each person."""
    for name, picture in pictures.items():
        (folder / name).mkdir(parents=True)
        (folder / name / picture.name).write_bytes(picture.read_bytes())
    return folder
