"""Uploaded pictures: each one checked by itself, and carried over one more step without being stored.

When a question is open (a possible duplicate, a missing name), the usable crops travel through the operator's own
browser in a signed field of the form: nothing biometric lies in the session, in a cache or on the disk, any process can
take the second step, and nobody can slip in a crop that this server did not cut out of a checked picture.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from enrollment.drafts import SampleDraft, draft_from_face
from enrollment.errors import EnrollmentError
from enrollment.models import FaceSample
from enrollment.reasons import sentence_for
from enrollment.runtime import get_engine
from enrollment.selectors import jpeg_data_url
from recognizer.engine import FaceEngine
from recognizer.errors import FrameTooLarge, ImageError
from recognizer.images import ImageLimits, decode_crop, encode_crop, encode_thumbnail
from recognizer.types import Face, Pose, Quality

MAX_FILES = 10
MEGABYTE = 1024 * 1024
PHOTO_LIMITS = ImageLimits(max_bytes=10 * MEGABYTE, max_pixels=40_000_000)
LIMITS_SENTENCE = (
    f"JPEG, PNG or WebP, at most {PHOTO_LIMITS.max_bytes // MEGABYTE} MB and "
    f"{PHOTO_LIMITS.max_pixels // 1_000_000} megapixels."
)
HOLD_SECONDS = 15 * 60
TOLERATED = frozenset({"face_too_large"})
"""Quality reasons that are advice for somebody before a webcam and no fault of a photograph."""
FAULTS = {
    "face_too_small": "The face is too small. Use a picture taken from closer, or one with more pixels.",
    "face_cut_off": "Part of the face is outside the picture. Use one that shows the whole face.",
    "too_dark": "The face is too dark. Use a picture with more light.",
    "too_bright": "The face is too bright. Use a picture without strong light on the face.",
    "blurred": "The face is blurred. Use a sharper picture.",
    "turned_away": "The face is turned too far to the side, up or down. Use one that looks into the camera.",
    "tilted": "The head is tilted too far. Use a picture with the head upright.",
    "eyes_hidden": "The eyes are hidden. Use a picture without dark glasses or hair over the eyes.",
}
"""The sentences of enrollment.reasons speak to somebody before a webcam; a photograph needs other advice."""


class PhotosExpired(EnrollmentError):
    """The second step came too late, from another login, or with a field that was tampered with."""

    code: ClassVar[str] = "photos_expired"

    def __init__(self) -> None:
        super().__init__("The pictures of the step before are no longer valid. Choose them again.")


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """What became of one file: a draft, or a reason code and the sentence that goes with it."""

    file_name: str
    draft: SampleDraft | None = None
    code: str = ""
    message: str = ""


def check_photos(files: Sequence[UploadedFile[Any]]) -> list[PhotoOutcome]:
    """Look at each file in the engine's pool, in order. Raises PackError when there is no engine."""
    engine = get_engine()
    return [_check_photo(engine, file) for file in files]


def hold_drafts(drafts: Sequence[SampleDraft], operator: AbstractBaseUser) -> str:
    """Signed text for a hidden field, valid for HOLD_SECONDS and for this operator."""
    return signing.dumps([_pack_draft(draft) for draft in drafts], salt=_salt(operator), compress=False)


def release_drafts(held: str, operator: AbstractBaseUser) -> list[SampleDraft]:
    """The drafts again, embedded anew with the pack of now. Empty text: none. Raises PhotosExpired, PackError."""
    if not held:
        return []
    try:
        packed = signing.loads(held, salt=_salt(operator), max_age=HOLD_SECONDS)
    except signing.BadSignature:
        raise PhotosExpired from None
    engine = get_engine()
    return engine.submit(_unpack_drafts, engine, packed).result()


def draft_thumbnail(draft: SampleDraft) -> str:
    """A data URL."""
    return jpeg_data_url(encode_thumbnail(draft.aligned))


def _check_photo(engine: FaceEngine, file: UploadedFile[Any]) -> PhotoOutcome:
    name = file.name or "picture"
    if (file.size or 0) > PHOTO_LIMITS.max_bytes:  # not even read into memory
        return PhotoOutcome(name, code=FrameTooLarge.code, message=too_large(file.size or 0))
    data = file.read()
    try:
        analyzed = engine.submit(lambda: engine.analyze(engine.decode(data, PHOTO_LIMITS))).result()
    except ImageError as error:
        return PhotoOutcome(name, code=error.code, message=str(error))
    if len(analyzed.faces) != 1:
        return _wrong_number(name, len(analyzed.faces))
    face = analyzed.faces[0]
    faults = [reason for reason in face.quality.reasons if reason not in TOLERATED]
    if faults:
        return PhotoOutcome(name, code=faults[0], message=FAULTS.get(faults[0], sentence_for(faults[0])))
    return PhotoOutcome(name, draft=_draft(engine, face))


def _draft(engine: FaceEngine, face: Face) -> SampleDraft:
    return draft_from_face(face, contract_id=engine.contract_id, source=FaceSample.Source.UPLOAD)


def _wrong_number(name: str, number: int) -> PhotoOutcome:
    if number:
        message = f"{number} faces can be seen. Use a picture that shows only this person."
        return PhotoOutcome(name, code="several_faces", message=message)
    return PhotoOutcome(name, code="no_face", message="No face was found. Use a picture that shows the face clearly.")


def too_large(size: int) -> str:
    limit = PHOTO_LIMITS.max_bytes // MEGABYTE
    return f"The file has {size / MEGABYTE:.1f} MB; at most {limit} MB are allowed. Use a smaller picture."


def _salt(operator: AbstractBaseUser) -> str:
    return f"{__name__}.held:{operator.pk}"


def _pack_draft(draft: SampleDraft) -> dict[str, Any]:
    crop = base64.b64encode(encode_crop(draft.aligned)).decode()
    return {"crop": crop, "quality": asdict(draft.quality), "source": draft.source, "pose": draft.pose}


def _unpack_drafts(engine: FaceEngine, packed: list[dict[str, Any]]) -> list[SampleDraft]:
    crops = [decode_crop(base64.b64decode(entry["crop"])) for entry in packed]
    return [
        SampleDraft(
            aligned=crop,
            embedding=embedding,
            contract_id=engine.contract_id,
            quality=_unpack_quality(entry["quality"]),
            source=entry["source"],
            pose=entry["pose"],
        )
        for entry, crop, embedding in zip(packed, crops, engine.embed(crops), strict=True)
    ]


def _unpack_quality(values: dict[str, Any]) -> Quality:
    return Quality(**values | {"pose": Pose(**values["pose"]), "reasons": tuple(values["reasons"])})
