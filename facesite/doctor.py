"""What is wrong with a site and what to do about it: the steps of `manage.py doctor`.

Each step looks at one thing, changes nothing and answers with a Finding. One that fails never hides the others.
"""

from __future__ import annotations

import base64
import math
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import requests
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from api.mqtt.publishing import broker_problem
from attendance.kiosks.selectors import kiosks_not_seen, kiosks_with_other_camera, paired_kiosks
from enrollment.milvus.shared import shared_client
from enrollment.milvus.status import engine_status
from enrollment.models import FaceSample
from enrollment.runtime.engine import get_engine
from enrollment.runtime.pack_choice import chosen_pack_name
from enrollment.sealed import read_crops
from facesite.charset import wrong_charset
from facesite.checks import LOCAL_HOSTS
from facesite.health import database_answers, disk_is_full, has_pending_migrations, redis_answers
from recognizer.errors import ImageError, PackError, RecognizerError
from recognizer.images import UPLOAD_LIMITS, decode_crop, read_file
from recognizer.packs.choosing import choose_pack, stronger_pack, verify_pack
from recognizer.packs.manifest import Manifest
from recognizer.types import LivenessMode, LivenessVerdict
from security.encryption.sealing import Stored
from security.encryption.site_keys import site_key_problem
from verification.policy import current_policy

PATIENCE_S: Final = 5.0
READING_S: Final = 20.0
"""How long stored pictures are read, newest first, unless all of them are asked for."""
CROPS_AT_ONCE: Final = 200
NAMED: Final = 20
"""How many broken pictures a finding names."""


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found. advice: what to do; empty where there is nothing to do."""

    name: str
    state: State
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator gave beside the command's name."""

    url: str = ""
    """The address that browsers open, through the proxy where there is one."""
    live: Path | None = None
    """A picture of somebody before the site's camera."""
    attack: Path | None = None
    """A picture of a printed photograph or of a screen, before the same camera."""
    all_pictures: bool = False
    """Read every stored picture, however long that takes."""


Step = Callable[[Asked], Iterator[Finding]]


def examine(asked: Asked) -> Iterator[Finding]:
    """All findings, in the order in which an operator would mend them."""
    for name, step in STEPS.items():
        try:
            for finding in step(asked):
                yield Finding(name, finding.state, finding.message, finding.advice)
        except (DatabaseError, InterfaceError):
            yield Finding(name, State.SKIPPED, "Not looked at: the database does not answer.")
        except RecognizerError as error:
            yield Finding(name, State.SKIPPED, f"Not looked at: {error}")


def _ok(message: str) -> Finding:
    return Finding("", State.OK, message)


def _warning(message: str, advice: str) -> Finding:
    return Finding("", State.WARNING, message, advice)


def _problem(message: str, advice: str) -> Finding:
    return Finding("", State.PROBLEM, message, advice)


def _skipped(message: str) -> Finding:
    return Finding("", State.SKIPPED, message)


def database(asked: Asked) -> Iterator[Finding]:
    if not database_answers():
        yield _problem("The database does not answer.", "Start its server, or correct DATABASE_URL.")
        return
    if disk_is_full():
        yield _problem("The disk of the database is full.", "Free some space: nothing can be stored until then.")
    if connection.vendor == "mysql" and (wrong := wrong_charset()):
        message, _, advice = wrong.partition(";")
        yield _problem(f"{message}.", advice.strip().capitalize())
    if has_pending_migrations():
        yield _problem("The tables are those of another version.", "Run: manage.py migrate")
        return
    yield _ok(f"{connection.display_name} answers; its tables are of this version and keep every letter.")


def site_key(asked: Asked) -> Iterator[Finding]:
    if problem := site_key_problem():
        yield _problem(problem, "Bring back the key from the copy that was kept apart from the backups.")
    else:
        yield _ok("The key of the stored faces is there and fits the database.")


def redis(asked: Asked) -> Iterator[Finding]:
    if not settings.REDIS_URL:
        yield _skipped("REDIS_URL is not set: one process needs no Redis.")
    elif redis_answers(settings.REDIS_URL):
        yield _ok("Redis answers.")
    else:
        yield _warning(
            "No Redis answers at REDIS_URL: other processes notice changes half a second later.",
            "Start Redis, or correct REDIS_URL.",
        )


def gallery(asked: Asked) -> Iterator[Finding]:
    if not settings.GALLERY_URL:
        yield _skipped("GALLERY_URL is not set: searches find the vectors in this process.")
        return
    client = shared_client()
    if not client.answers():
        yield _problem(
            f"No Milvus server answers at {client.address.place}, or it does not take the token.",
            "Start the server, or correct GALLERY_URL.",
        )
        return
    status = engine_status(thorough=False)
    behind = [space.contract_id for space in status.spaces if not space.is_level]
    if behind:
        yield _warning(f"The engine at {status.place} is behind the database.", "Run: manage.py gallery sync")
    else:
        yield _ok(f"The engine at {status.place} answers, and has as many rows as it should.")
    local = client.address.host in {"localhost", "127.0.0.1", "::1"}
    if not client.address.tls and not local:
        yield _warning(f"Vectors travel to {client.address.host} without encryption.", "Add ?tls=on to GALLERY_URL.")


def mqtt(asked: Asked) -> Iterator[Finding]:
    if not settings.FACESITE_MQTT_URL:
        yield _skipped("FACESITE_MQTT_URL is not set: no broker is told anything.")
    elif problem := broker_problem(settings.FACESITE_MQTT_URL):
        yield _warning(f"The MQTT broker cannot be used: {problem}.", "Start the broker, or correct FACESITE_MQTT_URL.")
    else:
        yield _ok("The MQTT broker answers and takes this site's login.")


def camera(asked: Asked) -> Iterator[Finding]:
    """Browsers give a page the camera over https and on localhost only."""
    others = sorted(set(settings.ALLOWED_HOSTS) - LOCAL_HOSTS)
    if not others:
        yield _ok(
            "The camera works in browsers on this machine, at http://127.0.0.1:8000. For others set ALLOWED_HOSTS and "
            "FACESITE_HTTPS (docs/deployment.md)."
        )
    elif settings.FACESITE_HTTPS == "off":
        yield _problem(
            f"Browsers open this site as {others[0]} over plain http, and give it no camera there.",
            "Set FACESITE_HTTPS to on (Daphne has the certificate) or proxy (a proxy in front has it).",
        )
    else:
        yield _ok(f"Browsers open this site over https, as {', '.join(others)}.")


def proxy(asked: Asked) -> Iterator[Finding]:
    if settings.FACESITE_HTTPS == "proxy":
        trusted = {urlsplit(origin).hostname for origin in settings.CSRF_TRUSTED_ORIGINS}
        others = sorted(set(settings.ALLOWED_HOSTS) - LOCAL_HOSTS - {"*"})
        missing = [host.lstrip(".") for host in others if host.lstrip(".") not in trusted]
        if missing:
            yield _warning(
                f"CSRF_TRUSTED_ORIGINS does not name {missing[0]}: where the proxy does not pass the host on, every "
                "form answers 403.",
                f"Set CSRF_TRUSTED_ORIGINS=https://{missing[0]}",
            )
    if not asked.url:
        yield _skipped("The way in was not tried: add --url with the address that browsers open.")
        return
    yield from _way_in(asked.url.rstrip("/"))


def _way_in(url: str) -> Iterator[Finding]:
    try:
        answer = requests.get(f"{url}/readyz", timeout=PATIENCE_S, allow_redirects=False)
        ready = answer.json()["ready"]
    except requests.exceptions.SSLError:
        yield _problem(
            f"{url} has no certificate that this machine trusts.", "Renew it, or give the proxy its whole chain."
        )
        return
    except (requests.RequestException, ValueError, KeyError, TypeError):
        yield _problem(
            f"No facesite answers at {url}/readyz.",
            "See that the server runs, that the proxy leads to it, and that FACESITE_BASE_PATH is the address's path.",
        )
        return
    if not ready:
        yield _warning(
            f"The site at {url} says that it is not ready: {answer.json().get('message')}", "Wait, or mend that first."
        )
    login = requests.get(f"{url}/accounts/login/", timeout=PATIENCE_S, allow_redirects=False)
    if login.status_code == 400:
        yield _problem(f"The site refuses the name in {url}.", f"Add {urlsplit(url).hostname} to ALLOWED_HOSTS.")
        return
    if login.is_redirect and settings.FACESITE_HTTPS != "off":
        yield _problem(
            f"{url} leads from https to https in a circle." if url.startswith("https") else f"{url} leads to https.",
            "Let the proxy set X-Forwarded-Proto to https." if url.startswith("https") else "Try --url with https.",
        )
        return
    status = _socket_status(url)
    if status in {101, 403}:
        yield _ok(f"{url} answers, and passes sockets on.")
    else:
        yield _problem(
            f"{url} answers, but the socket of the live page is not passed on (status {status}).",
            "Let the proxy pass on Upgrade and Connection, as docs/deployment.md shows for nginx.",
        )


def _socket_status(url: str) -> int:
    """The status of a websocket's handshake. 101: accepted (and closed again, without a login); 403: refused by us."""
    parts = urlsplit(url)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Origin": f"{parts.scheme}://{parts.netloc}",
    }
    with requests.get(f"{url}/ws/verification/", headers=headers, timeout=PATIENCE_S, stream=True) as answer:
        return answer.status_code


def packs(asked: Asked) -> Iterator[Finding]:
    try:
        manifest = Manifest.load(settings.FACESITE_MODELS_DIR)
        pack = choose_pack(manifest, chosen_pack_name())
        verify_pack(pack)
        engine = get_engine()
    except PackError as error:
        yield _problem(str(error), "Run: manage.py packs install")
        return
    if stronger := stronger_pack(manifest, pack):
        yield _warning(
            f"The pack {pack.name} works; {stronger.name} recognises better.",
            f"Run: manage.py packs install {stronger.name}, then manage.py rebuild_templates --pack {stronger.name}",
        )
    if problem := engine.device_problem:
        yield _warning(problem, "Install that package and its driver, or take FACESITE_DEVICE away.")
    where = "on the CPU" if engine.device == "cpu" else f"on {engine.device}"
    yield _ok(f"The pack {pack.name} is whole and runs {where}, with {settings.FACESITE_THREADS} threads.")


def liveness(asked: Asked) -> Iterator[Finding]:
    engine = get_engine()
    mode = current_policy(engine).liveness
    if not engine.pack.checks_liveness:
        yield _warning(
            f"The pack {engine.pack.name} cannot check liveness: a photograph of an enrolled person is accepted.",
            "Install one that can: manage.py packs list says which.",
        )
    elif mode is LivenessMode.REQUIRED:
        yield _ok("Liveness is required: photographs and screens are refused.")
    else:
        yield _warning(
            f"Liveness is {mode.value}: a photograph of an enrolled person is accepted as that person.",
            "Set it to required, on the calibration page or with FACESITE_LIVENESS.",
        )


def pictures(asked: Asked) -> Iterator[Finding]:
    """Whether this site's own camera and light let the check tell a person from a picture."""
    if asked.live is None and asked.attack is None:
        yield _skipped(
            "The check of live faces was not tried: add --live and --attack with a picture each from your camera."
        )
    for path, good in ((asked.live, LivenessVerdict.BONA_FIDE), (asked.attack, LivenessVerdict.ATTACK)):
        if path is not None:
            yield _judged(path, good)


def _judged(path: Path, good: LivenessVerdict) -> Finding:
    engine = get_engine()
    try:
        image, detections = engine.turn_upright(engine.decode(read_file(path), UPLOAD_LIMITS))
    except OSError as error:
        return _problem(f"{path} cannot be read ({error.strerror}).", "Name a picture that is there.")
    except ImageError as error:
        return _problem(f"{path}: {error}", "Take another picture.")
    faces = engine.analyze(image, detections, embed=False, liveness=True).faces
    if not faces:
        return _problem(f"{path} shows no face.", "Take a picture with one face, as near as at the site's camera.")
    verdict, score = faces[0].liveness.verdict, faces[0].liveness.score
    if verdict is LivenessVerdict.NOT_CHECKED or score is None:
        return _warning("This pack cannot check whether faces are live.", "Install one that can: manage.py packs list")
    said = f"{path} was judged {verdict.value.replace('_', ' ')} (liveness score {score:.2f})"
    if verdict is good:
        return _ok(f"{said}, as it should be.")
    if verdict is LivenessVerdict.UNCERTAIN:
        return _warning(f"{said}.", "One picture may be: the live page looks at several. Try another, in better light.")
    return _problem(
        f"{said}, which is wrong.", "Change light or camera; do not rely on liveness here until it is right."
    )


def stored_faces(asked: Asked) -> Iterator[Finding]:
    """The stored pictures, the newest first, read as the pages read them."""
    stored, read = FaceSample.objects.count(), 0
    broken: list[str] = []
    deadline = math.inf if asked.all_pictures else time.monotonic() + READING_S
    for batch in _stored_crops():
        crops = read_crops((pk, uuid, crop) for pk, uuid, _, crop in batch)
        broken += [f"{uuid} (person {person})" for pk, uuid, person, _ in batch if not _can_be_shown(crops.get(pk))]
        read += len(batch)
        if time.monotonic() > deadline:
            break
    looked, rest = f"{read:,} stored pictures were read", ""
    if read < stored:
        looked, rest = f"The newest {read:,} of {stored:,} stored pictures were read", " (--all-pictures reads all)"
    if not broken:
        yield _ok(f"{looked}{rest}; all can be shown.")
        return
    more = f" and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
    yield _problem(
        f"{looked}{rest}; {len(broken):,} cannot be shown: {', '.join(broken[:NAMED])}{more}.",
        "Open the pages of those people (/enrollment/people/ID/) and remove these samples, or restore a backup.",
    )


def _stored_crops() -> Iterator[list[tuple[int, UUID, UUID, Stored]]]:
    """Primary key, uuid, person and stored crop, some at a time: no memory for all of them at once."""
    rows = FaceSample.objects.order_by("-pk").values_list("pk", "uuid", "person__uuid", "crop")
    batch = list(rows[:CROPS_AT_ONCE])
    while batch:
        yield batch
        batch = list(rows.filter(pk__lt=batch[-1][0])[:CROPS_AT_ONCE])


def _can_be_shown(crop: bytes | None) -> bool:
    try:
        return crop is not None and bool(decode_crop(crop).size)
    except ImageError:
        return False


def name(asked: Asked) -> Iterator[Finding]:
    """Whether the names of the site lead anywhere from this machine."""
    for host in sorted(set(settings.ALLOWED_HOSTS) - LOCAL_HOSTS):
        if host.startswith((".", "*")):
            continue
        try:
            socket.getaddrinfo(host, None)
        except OSError:
            yield _warning(
                f"{host} of ALLOWED_HOSTS is not known to this machine's name service.", "Add it to the site's DNS."
            )
            return
    yield _ok("The names in ALLOWED_HOSTS are known.")


def kiosks(asked: Asked) -> Iterator[Finding]:
    """Whether the devices at doors are heard of, and look through their own cameras."""
    paired = paired_kiosks().count()
    if not paired:
        yield _skipped("No kiosk is paired.")
        return
    missed = [kiosk.name for kiosk in kiosks_not_seen()]
    flagged = [kiosk.name for kiosk in kiosks_with_other_camera()]
    if missed:
        yield _warning(
            f"Not heard of for five minutes: {', '.join(missed)}.", "Look whether the device is on and has a network."
        )
    if flagged:
        yield _warning(
            f"Came with another camera: {', '.join(flagged)}.", "Look at the device, then agree under Site, Kiosks."
        )
    if not missed and not flagged:
        yield _ok(f"All {paired} paired kiosks are heard of." if paired > 1 else "The paired kiosk is heard of.")


STEPS: Final[dict[str, Step]] = {
    "database": database,
    "site key": site_key,
    "redis": redis,
    "gallery engine": gallery,
    "mqtt": mqtt,
    "names": name,
    "camera": camera,
    "proxy": proxy,
    "packs": packs,
    "liveness": liveness,
    "pictures": pictures,
    "stored faces": stored_faces,
    "kiosks": kiosks,
}
