"""What a large history costs: `manage.py benchmark records`.

A site is made for this. First its server goes on with the live page while retention erases the pictures of many old
attempts, in batches as long as a run makes them. Then somebody downloads a longer history as CSV.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import raw
from benchmarks.sample import DEFAULT_FACES, read_pictures
from benchmarks.site import ROOT, Server, prepare_site, running_server, site_environment
from benchmarks.watch import Waits, watching
from enrollment.runtime.engine import start_engine
from enrollment.runtime.pack_choice import chosen_pack_name

RULE = "attempt_pictures"
DAYS = 30
PICTURE_BYTES = 3000
"""What a small picture of an attempt takes."""
CHUNK = 2000


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--faces", type=Path, default=DEFAULT_FACES, help="folder with pictures (default: %(default)s)")
    parser.add_argument("--pictures", type=int, default=100_000, help="that retention erases (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the history to export (default: %(default)s)")


def run(*, faces: Path, pictures: int, rows: int, **options: Any) -> dict[str, Any]:
    """Batches of retention and one export. Raises PackError, ValueError (no pictures), OSError (no answer)."""
    if not 0 < pictures <= rows:
        raise ValueError("Measure with at least one picture, and with at least as many rows as pictures.")
    face = read_pictures(faces, 1)[0]
    engine = start_engine(chosen_pack_name())
    models_dir, pack = engine.config.models_dir, engine.pack.name
    engine.close()
    with tempfile.TemporaryDirectory(prefix="facesite-records-") as name:
        picture = Path(name) / "face.jpg"
        picture.write_bytes(face)
        environment = site_environment(Path(name), models_dir=models_dir, pack=pack)
        (cookie,) = prepare_site(environment, operators=1, people=100, pictures=[picture])
        _in_process(environment, "fill", pictures, PICTURE_BYTES)
        with running_server(environment) as server:
            with watching(server.port, cookie, picture) as calm:
                time.sleep(8)
            with watching(server.port, cookie, picture) as waits:
                batches = _in_process(environment, "erase")["seconds"]
            retention = _of_batches(batches) | _of(waits)
            officer = _in_process(environment, "fill", rows - pictures, 0)["cookie"]
            export = _export(server, officer, cookie, picture)
    return {
        "benchmark": "records",
        "pack": pack,
        "cores": os.cpu_count(),
        "without_either": _of(calm),
        "retention": {"pictures": pictures, **retention},
        "export": export,
    }


def _of_batches(seconds: list[float]) -> dict[str, Any]:
    laps = 1000 * np.array(seconds)
    return {
        "batches": len(seconds),
        "batch_p50_ms": round(float(np.median(laps)), 1),
        "batch_p95_ms": round(float(np.percentile(laps, 95)), 1),
        "batch_longest_ms": round(float(laps.max()), 1),
    }


def _of(waits: Waits) -> dict[str, float]:
    return {f"live_p{percent}_ms": waits.percentile(percent) for percent in (50, 95)}


def _export(server: Server, officer: str, cookie: str, picture: Path) -> dict[str, Any]:
    """The whole history over HTTP, read as fast as it comes."""
    server.forget_peak()
    before, lines, size = server.memory_mb(), 0, 0
    with watching(server.port, cookie, picture) as waits, raw.connect(server.port) as client:
        began = time.perf_counter()
        head = [f"Cookie: {officer}", "Connection: close"]
        client.sendall(raw.head("GET", "/verification/attempts/export.csv", *head, host=f"127.0.0.1:{server.port}"))
        while piece := client.recv(1 << 20):
            lines, size = lines + piece.count(b"\n"), size + len(piece)
        seconds = time.perf_counter() - began
    return {
        "lines": lines,
        "megabytes": round(size / raw.MEGABYTE, 1),
        "seconds": round(seconds, 1),
        "server_memory_mb": round(max(0.0, server.memory_mb("VmHWM") - before), 1),
        **_of(waits),
    }


def _in_process(environment: dict[str, str], task: str, *numbers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.records", task, *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError("The measuring process ended early: what it said stands above.")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


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
