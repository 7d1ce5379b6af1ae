"""How long each list of a filled site takes, asked through Django's test client: work of `benchmark site`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np

PAGES = {
    "dashboard": "/",
    "people": "/enrollment/people/",
    "people by name": "/enrollment/people/?q=imoton",
    "people typed": "/enrollment/people/search.json?q=ros",
    "people newest first": "/enrollment/people/?sort=newest",
    "people seen last first": "/enrollment/people/?sort=seen",
    "people not seen for longest": "/enrollment/people/?sort=unseen",
    "people of a group": "/enrollment/people/?group={group}&sort=seen",
    "people active": "/enrollment/people/?active=yes&sort=unseen",
    "people outside their days": "/enrollment/people/?active=outside",
    "people without a consent": "/enrollment/people/?active=unrecorded",
    "people as portraits": "/enrollment/people/?view=grid",
    "people as a list": "/enrollment/people/?view=list",
    "history": "/verification/attempts/",
    "history by verdict": "/verification/attempts/?verdict=attack",
    "history by rare name": "/verification/attempts/?q=imoton",
    "history by common name": "/verification/attempts/?q=rosa",
    "history by unknown name": "/verification/attempts/?q=nobody-of-this-name",
    "history by day": "/verification/attempts/?since={day}&until={day}",
    "what if": "/verification/calibration/what-if/?threshold=0.9",
    "unknown faces": "/verification/unknown/",
    "who is in": "/attendance/",
    "attendance day": "/attendance/days/?span=day&on={workday}",
    "attendance late": "/attendance/days/?span=day&show=late&on={workday}",
    "attendance missing": "/attendance/days/?span=day&show=missing&on={workday}",
    "attendance week": "/attendance/days/",
    "attendance month": "/attendance/days/?span=month",
    "attendance month by name": "/attendance/days/?span=month&q=imoton",
    "attendance month of a group": "/attendance/days/?span=month&group={group}",
    "attendance of a person": "/attendance/people/{person}/?span=month",
    "attendance open days": "/attendance/open/",
    "attendance by hand": "/attendance/punches/new/",
    "attendance taken back": "/attendance/punches/{punch}/void/",
    "attendance schedules": "/attendance/schedules/",
    "attendance schedule": "/attendance/schedules/1/",
    "attendance new schedule": "/attendance/schedules/new/",
    "attendance policy": "/attendance/policy/",
    "person": "/enrollment/people/{person}/",
    "person capture": "/enrollment/people/{person}/capture/",
    "person upload": "/enrollment/people/{person}/upload/",
    "person consent": "/enrollment/people/{person}/consent/",
    "person export": "/enrollment/people/{person}/export/",
    "person merge": "/enrollment/people/{person}/merge/",
    "person merge by name": "/enrollment/people/{person}/merge/?q=imoton",
    "erase": "/enrollment/people/{person}/erase/",
    "remove sample": "/enrollment/samples/{sample}/remove/",
    "groups": "/enrollment/groups/",
    "group": "/enrollment/groups/{group}/",
    "attempt": "/verification/attempts/{attempt}/",
    "not this person": "/verification/attempts/{match}/not-this-person/",
    "enrol": "/enrollment/",
    "upload": "/enrollment/upload/",
    "import": "/enrollment/import/",
    "live": "/verification/",
    "photo": "/verification/photo/",
    "account": "/account/",
    "privacy": "/privacy/",
    "site": "/site/",
    "packs": "/site/packs/",
    "consent text": "/site/consent/texts/1/",
    "privacy notice": "/site/privacy-notice/",
    "operator": "/site/operators/1/",
    "new operator": "/site/operators/new/",
    "api keys": "/site/api-keys/",
    "new api key": "/site/api-keys/new/",
    "approvals": "/site/approvals/",
    "webhooks": "/site/webhooks/",
    "new webhook": "/site/webhooks/new/",
    "new kiosk": "/site/kiosks/new/",
    "admin": "/admin/",
    "admin policy": "/admin/verification/verificationpolicy/add/",
    "hygiene": "/enrollment/hygiene/",
    "calibration": "/verification/calibration/",
    "retention": "/site/retention/",
    "consent": "/site/consent/",
    "operators": "/site/operators/",
    "kiosks": "/site/kiosks/",
    "audit": "/audit/",
    "admin people": "/admin/enrollment/person/",
    "admin people by name": "/admin/enrollment/person/?q=imoton",
    "admin templates": "/admin/enrollment/facetemplate/",
    "admin attempts": "/admin/verification/verificationattempt/",
    "admin attempts by name": "/admin/verification/verificationattempt/?q=imoton",
    "admin attempts by verdict": "/admin/verification/verificationattempt/?verdict__exact=attack",
}
"""Address of each page. The last two begin work in the background, which would take from those behind them."""
DEEP = {
    "people": "page={page}",
    "history": "at={place}",
    "admin people": "p={page}",
    "admin templates": "id__lt={template}",
    "admin attempts": "id__lt={attempt}",
}
"""Lists of which a page far back is measured too: how its address says which one."""
EXPORTS = {
    "history of ten days": "/verification/attempts/export.csv?since={ten}",
    "attacks": "/verification/attempts/export.csv?verdict=attack",
}


def measure(rounds: int) -> dict[str, Any]:
    """Milliseconds of each page: median and 95th percentile of so many rounds, after a first one."""
    from datetime import timedelta

    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from attendance.models import Punch
    from enrollment.models import FaceSample, Person, PersonGroup
    from enrollment.runtime.engine import get_engine
    from enrollment.runtime.gallery import current_gallery
    from enrollment.selectors import gallery_counts
    from verification.models import VerificationAttempt

    began = time.perf_counter()
    engine = get_engine()
    started = time.perf_counter()
    gallery = current_gallery(engine)
    loaded = time.perf_counter()
    keeper, _ = User.objects.get_or_create(username="keeper", is_staff=True, is_superuser=True)
    # The names of static files need no folder of collected ones here: it costs the same.
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(keeper)
    today = timezone.localdate()
    days = {"day": today - timedelta(days=20), "ten": today - timedelta(days=10)}
    days["workday"] = today - timedelta(days=max(1, today.weekday() - 4))  # yesterday, or Friday
    attempts_made = VerificationAttempt.objects
    some = {
        "person": Person.objects.earliest("pk").uuid,
        "sample": FaceSample.objects.earliest("pk").uuid,
        "group": PersonGroup.objects.earliest("pk").uuid,
        "punch": Punch.objects.latest("pk").uuid,
        "attempt": attempts_made.latest("pk").uuid,
        "match": attempts_made.filter(verdict="match").latest("pk").uuid,
    }
    counts = gallery_counts()
    pages = {name: _of_page(client, address.format(**days, **some), rounds) for name, address in PAGES.items()}
    attempts = VerificationAttempt.objects.count()
    rows = {
        "people": counts.people,
        "templates": counts.templates,
        "attempts": attempts,
        "punches": Punch.objects.count(),
    }
    far = {
        "page": max(1, min(500, counts.people // 50)),
        "place": f"older-{int((timezone.now() - timedelta(days=45)).timestamp() * 1_000_000)}-1",
        "template": counts.templates // 3,
        "attempt": attempts // 3,
    }
    for name, where in DEEP.items():
        pages[f"{name}, deep"] = _of_page(client, f"{PAGES[name]}?{where.format(**far)}", rounds)
    return {
        "database": connection.vendor,
        **rows,
        "engine_s": round(started - began, 2),
        "gallery_s": round(loaded - started, 2),
        "gallery_templates": gallery.templates,
        "pages_ms": pages,
        "slowest_p95_ms": max(page["p95"] for page in pages.values()),
        "exports": {name: _of_export(client, address.format(**days)) for name, address in EXPORTS.items()},
    }


def _of_page(client: Any, address: str, rounds: int) -> dict[str, float]:
    laps = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        answer = client.get(address)
        laps.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise ValueError(f"{address} was answered {answer.status_code}: its time would say nothing.")
    first, *others = laps
    return {
        "first": round(first, 1),
        "median": round(float(np.median(others)), 1),
        "p95": round(float(np.percentile(others, 95)), 1),
    }


def _of_export(client: Any, address: str) -> dict[str, float]:
    """Read as fast as it comes."""
    from asgiref.sync import async_to_sync

    began = time.perf_counter()
    lines = async_to_sync(_count_lines)(client.get(address).streaming_content)
    seconds = time.perf_counter() - began
    return {"lines": lines, "seconds": round(seconds, 2), "lines_per_second": round(lines / seconds)}


async def _count_lines(chunks: AsyncIterator[bytes]) -> int:
    return sum([chunk.count(b"\n") async for chunk in chunks])
