"""The dashboard, and the part of it that follows the day. (Health checks live in facesite/health.py.)"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import conditional_page, require_safe

from enrollment import selectors as enrollment
from enrollment.reasons import sentence_of
from enrollment.runtime.engine import engine_if_ready
from enrollment.runtime.gallery import cached_gallery, current_gallery
from enrollment.runtime.pack_choice import chosen_pack_name
from facesite import health
from facesite.alerts import Asking, alerts_for
from facesite.checklist import checklist_for
from facesite.today import seen_today, trend
from facesite.warmup import is_warm, warmup
from recognizer.decisions import policy_for_gallery
from recognizer.errors import GalleryAway, PackError
from recognizer.packs.choosing import choose_pack, stronger_pack
from recognizer.packs.manifest import Manifest, Pack
from recognizer.search.galleries import Gallery
from recognizer.types import DecisionPolicy, LivenessMode
from security.allowing import is_allowed
from security.retention.status import retention_status
from security.rights import Right
from security.web import actor_of
from verification import selectors as verification
from verification.cards import rate_in_words
from verification.policy import current_policy, false_alarms_per_1000

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

RECENT_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class PackStatus:
    pack: Pack | None
    problem: str = ""
    """Why no pack can be used and which command helps; empty when one can."""
    stronger: Pack | None = None
    """See recognizer.packs.choosing.stronger_pack."""


LIVENESS: dict[LivenessMode, _StrOrPromise] = {
    LivenessMode.REQUIRED: _("required"),
    LivenessMode.ADVISORY: _("advisory"),
    LivenessMode.OFF: pgettext_lazy("liveness", "off"),
}
"""How the dashboard calls them."""


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    policy: DecisionPolicy
    """The one that searches use: stricter than the site's in a gallery of many people."""
    rate: str
    """Of false matches, in words: "1 in 10,000 comparisons on LFW"."""
    people: int
    """In the gallery."""
    false_alarms: float
    """How many of 1,000 strangers a search among these people is expected to name."""

    @property
    def liveness(self) -> str:
        """The policy's word about it."""
        return str(LIVENESS[self.policy.liveness])


@login_required
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    warmup.start()
    checks = health.run_checks()
    counts = enrollment.gallery_counts()
    status = pack_status()
    context = today_context(request) | {
        "counts": counts,
        "checklist": checklist_for(
            actor_of(request),
            has_pack=status.pack is not None,
            people=counts.active_people,
            secure=request.is_secure(),
        ),
        "pack_status": status,
        "gallery": (gallery := searched_gallery()),
        "policy": policy_status(gallery.people if gallery else counts.active_people),
        "database_vendor": database_vendor(),
        "database_name": database_name(),
        "checks": checks,
        "health_sentence": health.explain(checks),
    }
    return render(request, "facesite/dashboard.html", context)


@conditional_page
@login_required
@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """What an open dashboard asks for again and again; 304 while nothing has changed."""
    return render(request, "facesite/_today.html", today_context(request))


def today_context(request: HttpRequest) -> dict[str, Any]:
    """People, alerts and attempts of today, and the last two weeks; faces only for those who may see the history."""
    [count] = verification.attempts_per_day(1)
    retention = retention_status()
    alerts = alerts_for(Asking(actor_of(request), count, retention))
    context: dict[str, Any] = {"today": count, "retention": retention, "alerts": alerts}
    if is_allowed(request.user, Right.SEE_HISTORY):
        recent = verification.recent_attempts(RECENT_ATTEMPTS)
        context |= {"recent": recent, "thumbnails": verification.thumbnail_urls(recent), "seen": seen_today()}
    return context | {"trend": trend(count)}


def searched_gallery() -> Gallery | None:
    """The gallery that a search would use now.

    Before this process is warm it is the gallery loaded last, if any: the page does not wait for the first load.
    """
    engine = engine_if_ready()
    with suppress(GalleryAway):
        return current_gallery(engine) if engine and is_warm() else cached_gallery()
    return cached_gallery()


def policy_status(people: int) -> PolicyStatus | None:
    """The policy in use. None before the engine runs, because only its pack says what a rate means.

    people: among how many is searched.
    """
    engine = engine_if_ready()
    if engine is None:
        return None
    site = current_policy(engine)
    policy = policy_for_gallery(site, people)
    rate = rate_in_words(policy.fmr, policy.population)
    return PolicyStatus(policy, rate, people, false_alarms_per_1000(site, people))


def pack_status() -> PackStatus:
    """The running engine's pack, else the pack that would be chosen. Reads the manifest at most; loads no model."""
    engine = engine_if_ready()
    try:
        manifest = Manifest.load(settings.FACESITE_MODELS_DIR)
        pack = engine.pack if engine else choose_pack(manifest, chosen_pack_name())
        return PackStatus(pack, stronger=stronger_pack(manifest, pack))
    except PackError as error:
        return PackStatus(engine.pack) if engine else PackStatus(None, sentence_of(error))


def database_vendor() -> str:
    if connection.vendor == "mysql":
        return "MariaDB" if getattr(connection, "mysql_is_mariadb", False) else "MySQL"
    return connection.display_name


def database_name() -> str:
    """The name of SQLite's file without its folders, or of MySQL's schema."""
    name = str(connection.settings_dict["NAME"])
    return Path(name).name if connection.vendor == "sqlite" else name
