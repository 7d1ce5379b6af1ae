"""The engine's reason codes. Public and stable (docs/protocol.md); the apps have a sentence for each."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # Quality: what is wrong with a face in a picture (stages/quality.py has the rules).
    FACE_TOO_SMALL = "face_too_small"
    FACE_CUT_OFF = "face_cut_off"
    FACE_TOO_LARGE = "face_too_large"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    TILTED = "tilted"
    EYES_HIDDEN = "eyes_hidden"
    TURNED_OVER = "turned_over"
    MOUTH_HIDDEN = "mouth_hidden"
    BLURRED = "blurred"

    # Decisions: why a verdict is what it is. They carry quality codes too, and how a challenge ended.
    BELOW_THRESHOLD = "below_threshold"
    BETWEEN_THRESHOLDS = "between_thresholds"
    MARGIN_TOO_SMALL = "margin_too_small"
    TEMPLATES_DISAGREE = "templates_disagree"
    SIMILAR_TO_MANY = "similar_to_many"
    KNOWN_CONFUSION = "known_confusion"
    THRESHOLD_RAISED = "threshold_raised"
    PACK_NOT_MEASURED = "pack_not_measured"
    FRAMES_DISAGREE = "frames_disagree"
    GALLERY_EMPTY = "gallery_empty"
    PERSON_NOT_ENROLLED = "person_not_enrolled"
    PERSON_ALREADY_MATCHED = "person_already_matched"
    LOW_QUALITY = "low_quality"
    LIVENESS_ATTACK = "liveness_attack"
    LIVENESS_UNCERTAIN = "liveness_uncertain"
    LIVENESS_UNAVAILABLE = "liveness_unavailable"

    # Challenges: how one ended, or why it does not begin.
    CHALLENGE_PASSED = "challenge_passed"
    CHALLENGE_TIMEOUT = "challenge_timeout"
    CHALLENGE_WRONG_MOVEMENT = "challenge_wrong_movement"
    CHALLENGE_FACE_CHANGED = "challenge_face_changed"
    CHALLENGE_FACE_LOST = "challenge_face_lost"
    CHALLENGE_ATTACK = "challenge_attack"
    CHALLENGE_CANCELLED = "challenge_cancelled"
    CHALLENGE_TOO_CLOSE = "challenge_too_close"


CHALLENGE_FAILURES = frozenset(
    {
        Reason.CHALLENGE_TIMEOUT,
        Reason.CHALLENGE_WRONG_MOVEMENT,
        Reason.CHALLENGE_FACE_CHANGED,
        Reason.CHALLENGE_FACE_LOST,
        Reason.CHALLENGE_ATTACK,
    }
)
"""How a challenge fails that had begun: the decision that follows carries one of these."""
