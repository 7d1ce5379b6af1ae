"""One frame of a stream, as the tracker passes it on."""

from __future__ import annotations

from dataclasses import dataclass

from recognizer.decisions import Question
from recognizer.types import DecisionPolicy, Image


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What is the same for every face of one frame."""

    image: Image
    """H x W x 3 uint8 BGR."""
    question: Question
    """Gallery, policy and claim; the policy is the one for a gallery of this size."""
    now: float
    """Seconds of a clock that never goes back."""
    number: int
    """The stream's frame count, skipped frames included."""
    skipped: int = 0
    """Frames lost between the last one and this."""

    @property
    def policy(self) -> DecisionPolicy:
        return self.question.policy

    @property
    def born(self) -> int:
        """The count at which a face that is new in this frame may first have been in the picture."""
        return self.number - self.skipped
