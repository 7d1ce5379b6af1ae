"""A sample before it is stored: what the capture, the upload and the folder import hand to the services."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

from enrollment.models import FaceSample
from recognizer.engine import FaceEngine
from recognizer.types import Face, Image, Pose, Quality, Vector

QUALITY_FIELDS = tuple(field.name for field in fields(Quality))
SIDE_YAW = 12.0
"""Degrees: a head turned further than this counts as slight left or slight right, below it as front."""


@dataclass(frozen=True, eq=False)
class SampleDraft:
    aligned: Image
    """(112, 112, 3) uint8 BGR."""
    embedding: Vector
    """(d,) float32, L2-normalised."""
    contract_id: str
    quality: Quality
    source: str
    """One of FaceSample.Source."""
    pose: str
    """One of FaceSample.PoseBucket."""

    @cached_property
    def digest(self) -> str:
        """sha256 (hexadecimal) of the crop's pixels."""
        return hashlib.sha256(self.aligned.tobytes()).hexdigest()


def draft_from_face(face: Face, *, contract_id: str, source: str) -> SampleDraft:
    """`face` must have been embedded."""
    if face.embedding is None:
        raise ValueError("a face without an embedding cannot become a sample")
    return SampleDraft(
        aligned=face.aligned,
        embedding=face.embedding,
        contract_id=contract_id,
        quality=face.quality,
        source=source,
        pose=pose_bucket(face.quality.pose.yaw),
    )


def drafts_for(engine: FaceEngine, drafts: Sequence[SampleDraft]) -> list[SampleDraft]:
    """The drafts in the engine's embedding space: those that began before a switch of packs are embedded again."""
    old = [draft for draft in drafts if draft.contract_id != engine.contract_id]
    if not old:
        return list(drafts)
    vectors = engine.submit(engine.embed, [draft.aligned for draft in old]).result()
    fresh = {id(draft): vector for draft, vector in zip(old, vectors, strict=True)}
    return [
        replace(draft, embedding=fresh[id(draft)], contract_id=engine.contract_id) if id(draft) in fresh else draft
        for draft in drafts
    ]


def quality_to_json(quality: Quality) -> dict[str, Any]:
    """All fields, rounded to what the measurements are worth; `quality_from_json` reads it."""
    values = {name: getattr(quality, name) for name in QUALITY_FIELDS} | {"pose": asdict(quality.pose)}
    pose = {axis: round(float(angle), 1) for axis, angle in values.pop("pose").items()}
    reasons, score = list(values.pop("reasons")), round(float(values.pop("score")), 4)
    numbers = {name: round(float(value), 2) for name, value in values.items()}
    return {"score": score, "reasons": reasons, "pose": pose, **numbers}


def quality_from_json(values: dict[str, Any]) -> Quality:
    """What `quality_to_json` wrote. Raises KeyError or TypeError for anything else."""
    return Quality(**values | {"pose": Pose(**values["pose"]), "reasons": tuple(values["reasons"])})


def pose_bucket(yaw: float) -> str:
    """yaw in degrees, positive towards the person's own left."""
    if yaw > SIDE_YAW:
        return FaceSample.PoseBucket.LEFT
    if yaw < -SIDE_YAW:
        return FaceSample.PoseBucket.RIGHT
    return FaceSample.PoseBucket.FRONT
