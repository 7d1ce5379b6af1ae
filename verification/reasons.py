"""The sentence for each code of a decision or a challenge; all other codes have theirs in enrollment/reasons.py."""

from __future__ import annotations

from enum import StrEnum

from enrollment import reasons
from recognizer.reasons import Reason
from recognizer.tracking.challenge import Prompt


class VerificationReason(StrEnum):
    CHALLENGE_WAIT = "challenge_wait"
    """Not before the engine: an operator's session has failed too often (live/challenges.py)."""


DECISIONS: dict[str, str] = {
    Reason.BELOW_THRESHOLD: "The face is not similar enough to anybody it was compared with.",
    Reason.BETWEEN_THRESHOLDS: (
        "The face is neither clearly similar nor clearly different. Face the camera in better light."
    ),
    Reason.MARGIN_TOO_SMALL: "Two people are almost equally similar. Check the identity in another way.",
    Reason.TEMPLATES_DISAGREE: (
        "Only one of the person's pictures is similar. Add more pictures of them, or try again."
    ),
    Reason.SIMILAR_TO_MANY: (
        "Similar to many people: cannot be told apart reliably. Check the identity in another way."
    ),
    Reason.KNOWN_CONFUSION: (
        "This face resembles one that was taken for this person by mistake. Check in another way."
    ),
    Reason.THRESHOLD_RAISED: (
        "More was asked of this face, as it resembles one that was taken for this person by mistake."
    ),
    Reason.PACK_NOT_MEASURED: (
        "Nobody has measured this model pack, so a search names nobody. The calibration page can measure it."
    ),
    Reason.FRAMES_DISAGREE: "The frames do not agree with each other. Hold still and look into the camera.",
    Reason.LOW_QUALITY: ("No frame was good enough to decide on. Come closer, face the camera and turn on more light."),
    Reason.GALLERY_EMPTY: "Nobody is enrolled yet, so there was nobody to compare with.",
    Reason.PERSON_NOT_ENROLLED: (
        "The claimed person has no picture to compare with. Add pictures on the person's page."
    ),
    Reason.PERSON_ALREADY_MATCHED: "Another face in the picture was already recognised as this person.",
    Reason.LIVENESS_UNCERTAIN: ("It could not be made sure that this is a live face. Move a little and try again."),
    Reason.LIVENESS_UNAVAILABLE: ("The model pack cannot check liveness. Install one that can, or change the policy."),
}
CHALLENGE: dict[str, str] = {
    Reason.CHALLENGE_PASSED: "The head movements that were asked for were made: this is a live face.",
    Reason.CHALLENGE_TIMEOUT: "The movement was not made in time. Try again, and follow each prompt at once.",
    Reason.CHALLENGE_WRONG_MOVEMENT: "Another movement was made than the one asked for. Try again.",
    Reason.CHALLENGE_FACE_CHANGED: ("The face changed during the movements. The same person must make all of them."),
    Reason.CHALLENGE_FACE_LOST: "The face was lost from the picture. Stay in view and try again.",
    Reason.CHALLENGE_ATTACK: "This looks like a picture or a screen. Head movements cannot change that.",
    Reason.CHALLENGE_CANCELLED: "The head movements were cancelled.",
    Reason.CHALLENGE_TOO_CLOSE: "Move a little away from the camera first, then try again.",
    VerificationReason.CHALLENGE_WAIT: "Too many attempts have failed. Wait a little before the next one.",
}
SENTENCES = reasons.SENTENCES | DECISIONS | CHALLENGE
"""Every code of the product."""

PROMPTS: dict[Prompt | None, str] = {
    None: "Look straight into the camera.",
    Prompt.TURN_LEFT: "Turn your head to your left.",
    Prompt.TURN_RIGHT: "Turn your head to your right.",
    Prompt.LOOK_UP: "Look up: raise your chin.",
    Prompt.COME_CLOSER: "Come closer to the camera.",
}
"""What a running challenge asks for."""

CLAIMS: dict[str, str] = {
    Reason.BELOW_THRESHOLD: "The face is not similar enough to the pictures of this person.",
    Reason.BETWEEN_THRESHOLDS: (
        "The face is neither clearly like this person nor clearly another one. Face the camera in better light."
    ),
}
"""Where the face was held against one person alone, no sentence may speak of anybody else."""

PHOTOGRAPHS: dict[str, str] = reasons.PHOTOGRAPHS | {
    Reason.BETWEEN_THRESHOLDS: "The face is neither clearly similar nor clearly different. Use a better picture.",
    Reason.TEMPLATES_DISAGREE: (
        "Only one of the person's pictures is similar. Add more of them, or use another picture."
    ),
    Reason.LOW_QUALITY: "The picture is not good enough to decide on.",
}


def sentence_for(code: str) -> str:
    """Never raises: a code without a sentence (which a test forbids) is shown as it is."""
    return SENTENCES.get(code, code)


def sentence_for_claim(code: str) -> str:
    """The same where a claim was checked."""
    return CLAIMS.get(code, sentence_for(code))


def sentence_for_photo(code: str) -> str:
    """The same about a picture that was taken before: nobody can come closer in it."""
    return PHOTOGRAPHS.get(code, sentence_for(code))
