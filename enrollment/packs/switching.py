"""From one model pack to another without enrolling anybody again: compare them, switch in one step, switch back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext, ngettext

from enrollment.errors import TemplatesMissing
from enrollment.models import PackSwitch
from enrollment.packs.rebuilding import samples_without_template
from enrollment.runtime.engine import SWITCH_CHECK_SECONDS
from enrollment.runtime.pack_choice import chosen_pack_name
from enrollment.runtime.policy import DEFAULT_FMR
from enrollment.samples.site_scores import site_scores
from enrollment.services import bump_gallery_revision, lock_revision
from recognizer.calibration import Rate
from recognizer.errors import PackError
from recognizer.packs.choosing import choose_pack
from recognizer.packs.manifest import Manifest, Pack
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.rights import Right

logger = logging.getLogger("facesite.packs")
SETTLE_SECONDS = SWITCH_CHECK_SECONDS + 2.0
"""Wait between the switch and the last rebuild. Until the running servers have changed their engine, new samples still
come with templates of the old pack."""
ROUNDS = 5
"""Tries to switch. Samples that came during the last round hold the switch up until they have their templates."""


class EnrolledTooFast(PackError):
    code = "pack_switch_overtaken"


@dataclass(frozen=True, slots=True)
class PackMeasure:
    """How one pack does on the site's own pictures, at its threshold for DEFAULT_FMR."""

    pack: str
    threshold: float
    """Cosine from which two faces match."""
    people: int
    samples: int
    fmr: Rate
    """Among the comparisons with a wrong person, those that match."""
    fnmr: Rate
    """Among the comparisons with the right person, those that do not match."""


def pack_in_use() -> Pack | None:
    """The pack that this site recognises with, or would once its engine starts; None: no pack can be used."""
    try:
        return choose_pack(Manifest.load(settings.FACESITE_MODELS_DIR), chosen_pack_name())
    except PackError:
        return None


def measure_pack(pack: Pack) -> PackMeasure:
    """Error rates by leave-one-out over the pack's templates in the database. Blocking, seconds for a large gallery."""
    scores = site_scores(pack.contract_id)
    threshold = pack.thresholds[DEFAULT_FMR].match
    return PackMeasure(
        pack=pack.name,
        threshold=threshold,
        people=scores.people,
        samples=scores.samples,
        fmr=scores.distribution.fmr(threshold),
        fnmr=scores.distribution.fnmr(threshold),
    )


def switch_pack(*, actor: Actor | None, pack: Pack) -> PackSwitch:
    """Make this pack the one in use, by a new PackSwitch. Raises TemplatesMissing.

    Running processes follow within seconds, unless FACESITE_MODEL_PACK names a pack. The revision's row is locked
    first: a sample stored at the same time is either seen here or comes after the switch.
    """
    require(actor, Right.SET_POLICY)
    with transaction.atomic():
        lock_revision(actor)
        missing = samples_without_template(pack.contract_id).count()
        if missing:
            raise TemplatesMissing(
                ngettext(
                    "{count} sample has no template of the pack {pack} yet. "
                    "Run: manage.py rebuild_templates --pack {pack}",
                    "{count} samples have no template of the pack {pack} yet. "
                    "Run: manage.py rebuild_templates --pack {pack}",
                    missing,
                ).format(count=missing, pack=pack.name)
            )
        before = pack_in_use()
        switch = PackSwitch.objects.create(
            pack=pack.name,
            contract_id=pack.contract_id,
            switched_by=actor,  # type: ignore[misc]  # AUTH_USER_MODEL is whatever the login was
        )
        bump_gallery_revision([])
        record(Action.PACK_SWITCHED, actor=actor, target=pack.name, before=_facts(before), after=_facts(pack))
    log_event(logger, "pack_switched", pack=pack.name, actor=actor_id(actor))
    return switch


def switch_when_complete(*, actor: Actor | None, pack: Pack, rebuild: Callable[[], None]) -> None:
    """switch_pack(), and rebuild() again before it where somebody was enrolled meanwhile. Raises EnrolledTooFast."""
    for _ in range(ROUNDS):
        try:
            switch_pack(actor=actor, pack=pack)
        except TemplatesMissing:
            rebuild()
        else:
            return
    raise EnrolledTooFast(gettext("People are being enrolled faster than templates are computed. Try again later."))


def note_new_pack(*, action: Action, pack: Pack, actor: Actor | None, **facts: str | bool) -> None:
    """An audit row about files of packs, which are not in the database: who installs them calls this afterwards."""
    with transaction.atomic():
        record(action, actor=actor, target=pack.name, contract_id=pack.contract_id, **facts)


def _facts(pack: Pack | None) -> dict[str, str]:
    return {"pack": pack.name, "contract_id": pack.contract_id} if pack else {}
