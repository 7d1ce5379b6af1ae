"""What operators should know when the model pack in use is the starter pack or cannot check liveness."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings

from enrollment.runtime.engine import engine_if_ready
from enrollment.runtime.pack_choice import chosen_pack_name
from enrollment.runtime.policy import current_policy, default_liveness
from recognizer.errors import RecognizerError
from recognizer.packs.choosing import choose_pack, stronger_pack
from recognizer.packs.manifest import Manifest, Pack
from recognizer.types import LivenessMode

register = template.Library()


@register.inclusion_tag("enrollment/_pack_note.html")
def pack_note(pack: Pack | None = None) -> dict[str, Any]:
    """Empty for a pack that needs no note, and when no pack can be used (the pages say that elsewhere).

    pack: the pack in use, if the page knows it already. It spares the two queries that are needed while no engine runs.
    """
    engine = engine_if_ready()
    try:
        manifest = Manifest.load(settings.FACESITE_MODELS_DIR)
        pack = engine.pack if engine else pack or choose_pack(manifest, chosen_pack_name())
        if not pack.starter and pack.checks_liveness:
            return {}
        liveness = current_policy(engine).liveness if engine else default_liveness(pack)
        stronger = stronger_pack(manifest, pack)
    except RecognizerError:
        return {}
    return {"pack": pack, "stronger": stronger, "liveness_required": liveness == LivenessMode.REQUIRED}
