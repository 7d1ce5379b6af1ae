"""The guided capture: looks at a stream of frames, says what to do next and takes samples by itself.

It knows no socket and reads no database. A GuidedCapture belongs to one stream and must get one frame at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from enrollment.capture.liveness import LivenessCheck, LivenessWatch
from enrollment.models import FaceSample
from enrollment.reasons import EnrollmentReason
from enrollment.samples.drafts import SampleDraft, draft_from_face, pose_bucket
from recognizer.engine import FaceEngine
from recognizer.images import encode_thumbnail
from recognizer.reasons import Reason
from recognizer.stopwatch import Stopwatch
from recognizer.types import Detection, Face, Image, Liveness, LivenessMode, LivenessVerdict, Vector

Guidance = Reason | EnrollmentReason
"""What is wrong with the face, or what to do next: a code with a sentence in reasons.GUIDANCE."""
FRONT, LEFT, RIGHT = FaceSample.PoseBucket.FRONT, FaceSample.PoseBucket.LEFT, FaceSample.PoseBucket.RIGHT
AIMS = (FRONT, LEFT, RIGHT, FRONT, FRONT)
"""The poses that the guidance asks for, in this order."""
AIM_CODES: dict[str, Guidance] = {
    FRONT: Reason.TURNED_AWAY,
    LEFT: EnrollmentReason.TURN_LEFT,
    RIGHT: EnrollmentReason.TURN_RIGHT,
}
"""What to say while the head is not in the pose that is asked for."""

STEADY_FRAMES = 3
"""The shutter waits until the face has kept its place for this many frames. Frames skipped under load count too."""
STEADY_SHIFT = 0.06
"""The box's centre may move this far between two frames, as a share of the face's size (held still: at most 0.02)."""
STEADY_GROWTH = 0.1
"""The face's size may change this much between two frames, as a share of that size."""
SMALLEST_FACE = 50.0
"""Pixels. Recognition takes smaller faces too, but a person in front of the camera can come closer."""
BACKGROUND_SIZE = 0.3
"""A second face smaller than this share of the main face counts as somebody who passes far behind."""
CENTRE_X, CENTRE_Y = (0.2, 0.8), (0.15, 0.85)
"""Where the middle of the face may be, as shares of the picture."""
MAX_FACES = 6
"""Faces measured in a frame at most, so that the work on one frame stays bounded."""


# The next three are cosines to the most similar sample taken so far. Measured on the clip real_male (pack `mobile`):
# one frame and the next mostly 0.96 to 0.99; the first frame and the last of 62, in nearly the same pose, 0.80.
ALIKE_IN_POSE = 0.93
"""For a pose that still lacks samples. Above this no sample is taken: it would be nearly the same picture again."""
ALIKE_AT_LAST = 0.98
"""Instead of ALIKE_IN_POSE once both sides are taken and only front samples are missing."""
ALIKE_OUT_OF_AIM = 0.75
"""For a pose that has its samples. Above this no further sample is taken; below it the picture shows something new."""
ALIKE_NEVER = -1.0
"""Instead of ALIKE_OUT_OF_AIM while liveness is in doubt: the places of the two sides are kept for them."""


NOBODY_ALONE = (EnrollmentReason.NO_FACE, EnrollmentReason.SEVERAL_FACES)
"""After these the next face is a new one, of which nothing is known yet."""


@dataclass(frozen=True, slots=True)
class Models:
    """What the capture asks of the engine about the frame that it looks at."""

    embed: Callable[[Sequence[Image]], Vector]
    """n aligned crops, each (112, 112, 3) uint8 BGR -> (n, d) float32, L2-normalised."""
    check_liveness: LivenessCheck


@dataclass(frozen=True, slots=True, eq=False)
class CapturedSample:
    """A sample that was taken and is not stored yet."""

    number: int
    """Counted within the stream, from 1; never used twice."""
    draft: SampleDraft
    liveness: Liveness
    """Of the face before the camera when it was taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What one frame led to."""

    image_size: tuple[int, int]
    """width, height in pixels."""
    faces: tuple[Face, ...]
    guidance: Guidance
    taken: CapturedSample | None
    thumbnail: bytes
    """JPEG of the sample that was taken; empty without one."""
    timings_ms: Mapping[str, float]


class GuidedCapture:
    """Takes up to `needed` samples of one person: front, slight left, slight right and front again.

    references: embeddings, each (d,) float32, of a person who is enrolled already. A face that stays below
    `same_person_threshold` (a cosine) with all references and all samples so far is somebody else and is not taken.
    liveness: the policy's mode. Where it is required, a face that looks like a picture is not taken.
    """

    def __init__(
        self,
        *,
        contract_id: str,
        same_person_threshold: float,
        liveness: LivenessMode,
        needed: int = len(AIMS),
        references: Sequence[Vector] = (),
    ) -> None:
        self.needed = needed
        self._contract_id = contract_id
        self._same_person_threshold = same_person_threshold
        self._references = tuple(references)
        self._liveness = LivenessWatch(liveness)
        self._samples: list[CapturedSample] = []
        self._aims: list[str] = list(AIMS[:needed])
        self._last_number = 0
        self._last_face: Face | None = None
        self._last_size = (0, 0)
        self._steady_frames = 0

    @property
    def captured(self) -> int:
        """Number of samples taken so far, less those discarded."""
        return len(self._samples)

    @property
    def liveness(self) -> Liveness:
        """Of the face that was before the camera last."""
        return self._liveness.liveness

    @property
    def doubtful(self) -> bool:
        """The policy requires liveness and pictures taken so far do not show it, nor has the head turned both ways."""
        if not self._liveness.required:
            return False
        unsure = any(sample.liveness.verdict != LivenessVerdict.BONA_FIDE for sample in self._samples)
        return unsure and not {LEFT, RIGHT} <= {sample.draft.pose for sample in self._samples}

    def samples(self) -> list[CapturedSample]:
        return list(self._samples)

    def drafts(self) -> list[SampleDraft]:
        return [sample.draft for sample in self._samples]

    def discard(self, number: int) -> bool:
        """Drop the captured sample of this number. False: there is none."""
        before = len(self._samples)
        self._samples = [sample for sample in self._samples if sample.number != number]
        self._steady_frames = 0  # else the same picture would be taken again at once
        return len(self._samples) < before

    def skip_pose(self) -> None:
        """Whoever cannot turn the head that way is asked for one more front picture instead, in the end."""
        aim = next(iter(self._missing()), FRONT)
        if aim != FRONT:
            self._aims.remove(aim)
            self._aims.append(FRONT)

    def look(
        self,
        faces: Sequence[Face],
        image_size: tuple[int, int],
        models: Models,
        *,
        skipped: int = 0,
    ) -> tuple[Guidance, CapturedSample | None]:
        """Look at one frame. Returns the guidance code and, if the shutter went, the sample.

        faces: largest first, not embedded yet. image_size: width, height in pixels. models: called only when the face
        could be taken, or was refused for liveness. skipped: frames dropped since the last call.
        """
        if image_size != self._last_size:  # a phone was turned: no face is where it was
            self._last_size, self._last_face, self._steady_frames = image_size, None, 0
        fault = self._find_fault(faces, image_size)
        if fault:
            self._last_face, self._steady_frames = None, 0
            if fault in NOBODY_ALONE:
                self._liveness.forget()
            return fault, None
        face = faces[0]
        self._follow(face, skipped)
        if self.captured >= self.needed:
            return EnrollmentReason.DONE, None
        self._liveness.meet(face, models.check_liveness, frames=1 + skipped)
        if self._liveness.refuses:
            return Reason.LIVENESS_ATTACK, None
        if self._steady_frames < STEADY_FRAMES:
            return self._guide(face), None
        return self._try_to_take(face, models)

    def _find_fault(self, faces: Sequence[Face], image_size: tuple[int, int]) -> Guidance | None:
        if not faces:
            return EnrollmentReason.NO_FACE
        main = faces[0]
        if any(face.quality.face_size > BACKGROUND_SIZE * main.quality.face_size for face in faces[1:]):
            return EnrollmentReason.SEVERAL_FACES
        if main.quality.reasons:
            return main.quality.reasons[0]
        if main.quality.face_size < SMALLEST_FACE:
            return Reason.FACE_TOO_SMALL
        x, y = _centre(main) / image_size
        if not (CENTRE_X[0] <= x <= CENTRE_X[1] and CENTRE_Y[0] <= y <= CENTRE_Y[1]):
            return EnrollmentReason.FACE_OFF_CENTRE
        return None

    def _follow(self, face: Face, skipped: int) -> None:
        """Count for how many frames the face has kept its place. Skipped frames count, unless the face has moved."""
        if self._last_face is not None and not _keeps_place(self._last_face, face):
            self._steady_frames = 0
            skipped = 0
        self._steady_frames += 1 + skipped
        self._last_face = face

    def _try_to_take(self, face: Face, models: Models) -> tuple[Guidance, CapturedSample | None]:
        vector = models.embed([face.aligned])[0]
        own = [sample.draft.embedding for sample in self._samples]
        known = [*own, *self._references]
        if known and max(float(vector @ other) for other in known) < self._same_person_threshold:
            return EnrollmentReason.DIFFERENT_PERSON, None
        likeness = max((float(vector @ other) for other in own), default=-1.0)
        if likeness > self._likeness_allowed(pose_bucket(face.quality.pose.yaw)):
            return self._guide(face), None
        refusal = self._refuse_for_liveness(face, models.check_liveness)
        if refusal:
            return refusal, None
        self._last_number += 1
        draft = draft_from_face(
            replace(face, embedding=vector), contract_id=self._contract_id, source=FaceSample.Source.WEBCAM
        )
        taken = CapturedSample(self._last_number, draft, self.liveness)
        self._samples.append(taken)
        self._steady_frames = 0  # the face must hold still again before the next sample
        return self._guide(face), taken

    def _refuse_for_liveness(self, face: Face, check: LivenessCheck) -> Guidance | None:
        """Why the face that is about to be taken is not, or not yet; None: liveness has nothing against it."""
        watch = self._liveness
        agreed = watch.agrees_to(face, check)
        if watch.refuses:
            return Reason.LIVENESS_ATTACK
        if not agreed:
            return EnrollmentReason.HOLD_STILL
        return Reason.FACE_TOO_LARGE if watch.required and not watch.liveness.surrounded else None

    def _likeness_allowed(self, pose: str) -> float:
        missing = self._missing()
        if pose not in missing:
            return ALIKE_NEVER if self.doubtful else ALIKE_OUT_OF_AIM
        return ALIKE_AT_LAST if set(missing) == {FRONT} and self.captured >= len(set(self._aims)) else ALIKE_IN_POSE

    def _missing(self) -> list[str]:
        """The poses that are aimed at and still lack a sample, in their order."""
        missing = list(self._aims)
        for sample in self._samples:
            if sample.draft.pose in missing:
                missing.remove(sample.draft.pose)
        return missing

    def _guide(self, face: Face) -> Guidance:
        """What to do next, for a face that has no fault."""
        if self.captured >= self.needed:
            return EnrollmentReason.DONE
        aim = next(iter(self._missing()), FRONT)
        if pose_bucket(face.quality.pose.yaw) == aim:
            return EnrollmentReason.HOLD_STILL
        return AIM_CODES[aim]


def observe_frame(engine: FaceEngine, capture: GuidedCapture, payload: bytes, *, skipped: int = 0) -> Observation:
    """One frame's bytes through the engine and the capture: ONE job for the engine's pool. Raises ImageError."""
    watch = Stopwatch()
    image = engine.decode(payload)
    watch.lap("decode")
    detections = engine.detect(image)
    watch.lap("detect")
    faces = tuple(_measured(engine, image, detection) for detection in detections[:MAX_FACES])
    watch.lap("quality")
    size = (image.shape[1], image.shape[0])

    def embed(crops: Sequence[Image]) -> Vector:
        with watch.measure("embed"):
            return engine.embed(crops)

    def check_liveness(detection: Detection) -> Liveness:
        with watch.measure("liveness"):
            return engine.check_liveness(image, detection)

    guidance, taken = capture.look(faces, size, Models(embed, check_liveness), skipped=skipped)
    thumbnail = encode_thumbnail(taken.draft.aligned) if taken else b""
    shown = tuple(replace(face, liveness=capture.liveness) for face in faces[:1])
    return Observation(size, (*shown, *faces[1:]), guidance, taken, thumbnail, watch.timings())


def same_person_threshold(engine: FaceEngine) -> float:
    """The pack's most lenient uncertain threshold, a cosine: a head that turns must not count as somebody else."""
    return min(threshold.uncertain for threshold in engine.pack.thresholds.values())


def _measured(engine: FaceEngine, image: Image, detection: Detection) -> Face:
    aligned = engine.align(image, detection)
    return Face(detection, aligned, engine.measure_quality(image, detection, aligned))


def _centre(face: Face) -> Vector:
    box = face.detection.box_xyxy
    return (box[:2] + box[2:]) * np.float32(0.5)


def _keeps_place(before: Face, now: Face) -> bool:
    size = before.quality.face_size
    shift = float(np.hypot(*(_centre(now) - _centre(before))))
    return shift <= STEADY_SHIFT * size and abs(now.quality.face_size - size) <= STEADY_GROWTH * size
