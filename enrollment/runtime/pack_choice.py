"""Which model pack this site uses: a setting, else an operator's switch, else the pack that people are enrolled with.

Installing a stronger pack must not make everybody unknown overnight: it is used once rebuild_templates has switched.
"""

from __future__ import annotations

import logging
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from enrollment.models import FaceTemplate, PackSwitch
from recognizer.packs.manifest import Manifest
from security.events import log_event

logger = logging.getLogger("facesite.packs")


def chosen_pack_name() -> str | None:
    """A pack's name, or None for the best installed one. One query at most where a switch was ever made."""
    if settings.FACESITE_MODEL_PACK:
        return str(settings.FACESITE_MODEL_PACK)
    try:
        switched = newest_switch()
        return switched.pack if switched else _pack_in_use(settings.FACESITE_MODELS_DIR)
    except (
        DatabaseError,
        InterfaceError,
    ):  # before `migrate`, or it is away: start all the same
        log_event(logger, "pack_in_use_unknown", level=logging.DEBUG, exc_info=True)
        return None


def newest_switch() -> PackSwitch | None:
    """The switch in force; None when no operator ever switched packs."""
    return PackSwitch.objects.order_by("-pk").first()


def _pack_in_use(models_dir: Path) -> str | None:
    """The installed pack whose templates came first: later ones may be of a rebuild that has not switched (yet).

    None in an empty gallery, or when that pack is gone.
    """
    first = FaceTemplate.objects.order_by("pk").values_list("contract_id", flat=True).first()
    if first is None:
        return None
    packs = Manifest.load(models_dir).packs.values()
    return next((pack.name for pack in packs if pack.contract_id == first and pack.installed), None)
