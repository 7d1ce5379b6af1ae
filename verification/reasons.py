"""The sentence for each code of a decision or a challenge; all other codes have theirs in enrollment/reasons.py."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from enrollment import reasons
from recognizer.reasons import Reason
from recognizer.tracking.challenge import Prompt

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class VerificationReason(StrEnum):
    CHALLENGE_WAIT = "challenge_wait"
    """Not before the engine: an operator's session has failed too often (live/challenges.py)."""


DECISIONS: dict[str, _StrOrPromise] = {
    Reason.BELOW_THRESHOLD: _("The face is not similar enough to anybody it was compared with."),
    Reason.BETWEEN_THRESHOLDS: _(
        "The face is neither clearly similar nor clearly different. Face the camera in better light."
    ),
    Reason.MARGIN_TOO_SMALL: _("Two people are almost equally similar. Check the identity in another way."),
    Reason.TEMPLATES_DISAGREE: _(
        "Only one of the person's pictures is similar. Add more pictures of them, or try again."
    ),
    Reason.SIMILAR_TO_MANY: _(
        "Similar to many people: cannot be told apart reliably. Check the identity in another way."
    ),
    Reason.KNOWN_CONFUSION: _(
        "This face resembles one that was taken for this person by mistake. Check in another way."
    ),
    Reason.THRESHOLD_RAISED: _(
        "More was asked of this face, as it resembles one that was taken for this person by mistake."
    ),
    Reason.PACK_NOT_MEASURED: _(
        "Nobody has measured this model pack, so a search names nobody. The calibration page can measure it."
    ),
    Reason.FRAMES_DISAGREE: _("The frames do not agree with each other. Hold still and look into the camera."),
    Reason.LOW_QUALITY: _(
        "No frame was good enough to decide on. Come closer, face the camera and turn on more light."
    ),
    Reason.GALLERY_EMPTY: _("Nobody is enrolled yet, so there was nobody to compare with."),
    Reason.PERSON_NOT_ENROLLED: _(
        "The claimed person has no picture to compare with. Add pictures on the person's page."
    ),
    Reason.PERSON_ALREADY_MATCHED: _("Another face in the picture was already recognised as this person."),
    Reason.LIVENESS_UNCERTAIN: _("It could not be made sure that this is a live face. Move a little and try again."),
    Reason.LIVENESS_UNAVAILABLE: _("The model pack cannot check liveness. Install one that can, or change the policy."),
}
CHALLENGE: dict[str, _StrOrPromise] = {
    Reason.CHALLENGE_PASSED: _("The head movements that were asked for were made: this is a live face."),
    Reason.CHALLENGE_TIMEOUT: _("The movement was not made in time. Try again, and follow each prompt at once."),
    Reason.CHALLENGE_WRONG_MOVEMENT: _("Another movement was made than the one asked for. Try again."),
    Reason.CHALLENGE_FACE_CHANGED: _("The face changed during the movements. The same person must make all of them."),
    Reason.CHALLENGE_FACE_LOST: _("The face was lost from the picture. Stay in view and try again."),
    Reason.CHALLENGE_ATTACK: _("This looks like a picture or a screen. Head movements cannot change that."),
    Reason.CHALLENGE_CANCELLED: _("The head movements were cancelled."),
    Reason.CHALLENGE_TOO_CLOSE: _("Move a little away from the camera first, then try again."),
    VerificationReason.CHALLENGE_WAIT: _("Too many attempts have failed. Wait a little before the next one."),
}
SENTENCES: dict[str, _StrOrPromise] = {**reasons.SENTENCES, **DECISIONS, **CHALLENGE}
"""Every code of the product."""

PROMPTS: dict[Prompt | None, _StrOrPromise] = {
    None: _("Look straight into the camera."),
    Prompt.TURN_LEFT: _("Turn your head to your left."),
    Prompt.TURN_RIGHT: _("Turn your head to your right."),
    Prompt.LOOK_UP: _("Look up: raise your chin."),
    Prompt.COME_CLOSER: _("Come closer to the camera."),
}
"""What a running challenge asks for."""

CLAIMS: dict[str, _StrOrPromise] = {
    Reason.BELOW_THRESHOLD: _("The face is not similar enough to the pictures of this person."),
    Reason.BETWEEN_THRESHOLDS: _(
        "The face is neither clearly like this person nor clearly another one. Face the camera in better light."
    ),
}
"""Where the face was held against one person alone, no sentence may speak of anybody else."""

PHOTOGRAPHS: dict[str, _StrOrPromise] = {
    **reasons.PHOTOGRAPHS,
    Reason.BETWEEN_THRESHOLDS: _("The face is neither clearly similar nor clearly different. Use a better picture."),
    Reason.TEMPLATES_DISAGREE: _(
        "Only one of the person's pictures is similar. Add more of them, or use another picture."
    ),
    Reason.LOW_QUALITY: _("The picture is not good enough to decide on."),
}


def sentence_for(code: str) -> str:
    """Never raises: a code without a sentence (which a test forbids) is shown as it is. Spoken now: no lazy string."""
    return str(SENTENCES.get(code, code))


def sentence_for_claim(code: str) -> str:
    """The same where a claim was checked."""
    return str(CLAIMS.get(code, sentence_for(code)))


def sentence_for_photo(code: str) -> str:
    """The same about a picture that was taken before: nobody can come closer in it."""
    return str(PHOTOGRAPHS.get(code, sentence_for(code)))
