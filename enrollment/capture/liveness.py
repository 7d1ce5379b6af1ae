"""Liveness before the camera of enrolment: the same looks, fused by the same rules, as on the live page."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from recognizer.decisions import LIVENESS_FRAMES, LivenessLook, fuse_looks, is_sharp, liveness_agrees
from recognizer.types import Detection, Face, Liveness, LivenessMode, LivenessVerdict

LivenessCheck = Callable[[Detection], Liveness]
"""Judges one face of the frame that is looked at."""

MOST_LOOKS = 16
"""Looks remembered of one face, the latest."""
FRAMES_LIMIT = 8
"""Frames, skipped ones included, after which a face is judged by the looks that there are."""
LOOK_AGAIN_AFTER = 5
"""Frames until a face that was refused is looked at again, so that a picture left before the camera costs little."""
WORST_FIRST = (
    LivenessVerdict.ATTACK,
    LivenessVerdict.UNCERTAIN,
    LivenessVerdict.BONA_FIDE,
    LivenessVerdict.NOT_CHECKED,
)


class LivenessWatch:
    """What one stream's pictures say about the face before the camera, and whether they let a sample be taken.

    A new face is looked at until its looks agree, and again whenever a sample is taken of it.
    """

    def __init__(self, mode: LivenessMode) -> None:
        self._mode = mode
        self._looks: deque[LivenessLook] = deque(maxlen=MOST_LOOKS)
        self._latest: Face | None = None
        """The face, of one frame, that was looked at last."""
        self._settled = False
        self._frames = 0
        self._rested = 0

    @property
    def required(self) -> bool:
        return self._mode == LivenessMode.REQUIRED

    @property
    def liveness(self) -> Liveness:
        """All looks at this face, or the latest alone where those say worse: the face may have been swapped."""
        return min(
            self._judge(LIVENESS_FRAMES), self._judge(MOST_LOOKS), key=lambda one: WORST_FIRST.index(one.verdict)
        )

    @property
    def refuses(self) -> bool:
        """The face is taken for a picture of one, and the policy minds."""
        return self.required and self._settled and self.liveness.verdict == LivenessVerdict.ATTACK

    def forget(self) -> None:
        """The face has gone."""
        self._looks.clear()
        self._settled, self._frames = False, 0

    def meet(self, face: Face, check: LivenessCheck, *, frames: int) -> None:
        """A frame with a face that could be taken. Looks at it while more looks could change what they say together.

        frames: this one and those that were skipped before it.
        """
        self._frames += frames
        self._rested += frames
        if self.required and (self._rested >= LOOK_AGAIN_AFTER if self.refuses else not self._settled):
            self._look(face, check)

    def agrees_to(self, face: Face, check: LivenessCheck) -> bool:
        """Whether this very frame may become a sample; looks at it, unless that was done. False: wait for another."""
        if self._mode == LivenessMode.OFF:
            return True
        if self._latest is not face:
            self._look(face, check)
        return not self.required or (self._settled and self._judge(1).verdict != LivenessVerdict.ATTACK)

    def _look(self, face: Face, check: LivenessCheck) -> None:
        self._latest, self._rested = face, 0
        found = check(face.detection)
        if found.score is not None:  # else the pack has no models for this, and there is nothing to wait for
            self._looks.append(LivenessLook(found.score, is_sharp(face.quality), found.surrounded))
        scores = [look.score for look in self._looks][-LIVENESS_FRAMES:]
        agree = len(scores) == LIVENESS_FRAMES and liveness_agrees(scores)
        self._settled = agree or found.score is None or self._frames >= FRAMES_LIMIT

    def _judge(self, latest: int) -> Liveness:
        return fuse_looks(list(self._looks)[-latest:])
