"""Uploaded pictures: each is checked by itself, and usable crops are carried over one more step without being stored.

A question may be open: a possible duplicate, a missing name, which face of a group picture. Then the usable crops
travel through the operator's browser in a signed field of the form. So nothing biometric lies in the session, in a
cache or on the disk, and any process can take the second step. The signature keeps out crops that this server did not
cut from a checked picture.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from enrollment.errors import EnrollmentError
from enrollment.models import FaceSample
from enrollment.reasons import EnrollmentReason, sentence_for_photo, sentence_of
from enrollment.runtime.engine import get_engine
from enrollment.samples.drafts import SampleDraft, draft_from_face, quality_from_json, quality_to_json
from enrollment.thumbnails import jpeg_data_url
from recognizer.engine import FaceEngine
from recognizer.errors import FrameTooLarge, ImageError
from recognizer.images import UPLOAD_LIMITS, decode_crop, encode_crop, encode_thumbnail
from recognizer.reasons import Reason
from recognizer.types import Face, Image

MAX_FILES = 10
MEGABYTE = 1024 * 1024
PHOTO_LIMITS = UPLOAD_LIMITS
LIMITS_SENTENCE = format_lazy(
    _("{formats}, at most {megabytes} MB and {megapixels} megapixels."),
    formats=_("JPEG, PNG, WebP or BMP"),
    megabytes=PHOTO_LIMITS.max_bytes // MEGABYTE,
    megapixels=PHOTO_LIMITS.max_pixels // 1_000_000,
)
TOO_LARGE = gettext_noop("The file has {megabytes} MB; at most {limit} MB are allowed. Use a smaller picture.")
HOLD_SECONDS = 15 * 60
"""How long the signed field is valid."""
MAX_GROUPS, MAX_GROUP_FACES = 3, 10
"""Group pictures that wait for a choice at most, and faces offered of each: the form stays below 2.5 MB."""
PREVIEW_SIDE = 800
"""Pixels: the longer side of the preview in which a face is chosen; smaller pictures are not enlarged."""
TOLERATED = frozenset({Reason.FACE_TOO_LARGE})
"""Quality reasons that advise a person before a webcam, but are no fault of a photograph."""


class PhotosExpired(EnrollmentError):
    """The second step came too late, from another login, or with a field that somebody changed."""

    code: ClassVar[str] = "photos_expired"

    def __init__(self) -> None:
        super().__init__(gettext("The pictures of the step before are no longer valid. Choose them again."))


@dataclass(frozen=True, slots=True)
class GroupFace:
    """One face of a group picture; its box in pixels of the preview."""

    left: float
    top: float
    width: float
    height: float
    packed: dict[str, Any] | None
    """The draft as JSON, as _pack_draft() makes it; None: this face cannot be used."""
    message: str = ""
    """Why it cannot be used; empty where it can."""

    @property
    def thumbnail(self) -> str:
        """A data URL; empty for a face that cannot be used."""
        return f"data:image/png;base64,{self.packed['crop']}" if self.packed else ""


@dataclass(frozen=True, slots=True)
class GroupPicture:
    """A picture with several faces; the operator chooses one of them or none."""

    file_name: str
    preview: str
    """The picture as a data URL."""
    width: int
    """width and height: of the preview, in pixels."""
    height: int
    faces: tuple[GroupFace, ...]
    """The MAX_GROUP_FACES largest, from left to right."""


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """What became of one file: a draft, a group to choose from, or else a reason code with its sentence."""

    file_name: str
    draft: SampleDraft | None = None
    group: GroupPicture | None = None
    code: str = ""
    message: str = ""


def check_photos(files: Sequence[UploadedFile[Any]]) -> list[PhotoOutcome]:
    """One outcome for each file, in order; the engine's pool does the work. Raises PackError without an engine."""
    engine = get_engine()
    return [_check_photo(engine, file) for file in files]


def look_at_photo(engine: FaceEngine, data: bytes) -> PhotoOutcome:
    """What becomes of one picture that was sent by itself; one job for the engine's pool. Raises ImageError."""
    return _look_at(engine, "picture", data)


def hold_drafts(drafts: Sequence[SampleDraft], operator: AbstractBaseUser) -> str:
    """The drafts as signed text for a hidden field. It is valid for HOLD_SECONDS and for this operator only."""
    return _hold([_pack_draft(draft) for draft in drafts], "held", operator)


def hold_groups(groups: Sequence[GroupPicture], operator: AbstractBaseUser) -> str:
    """The group pictures as signed text, valid as that of hold_drafts()."""
    return _hold([asdict(group) for group in groups], "groups", operator)


def release_groups(held: str, operator: AbstractBaseUser) -> list[GroupPicture]:
    """Get the group pictures back from the text of hold_groups(). Empty text gives none. Raises PhotosExpired."""
    return [
        GroupPicture(**entry | {"faces": tuple(GroupFace(**face) for face in entry["faces"])})
        for entry in _release(held, "groups", operator)
    ]


def choose_faces(
    groups: Sequence[GroupPicture], answers: Mapping[str, str]
) -> tuple[list[SampleDraft], list[GroupPicture]]:
    """The chosen faces, embedded again, and the groups for which no valid choice was made. Raises PackError.

    answers: "face-<number of the group, from 0>" -> the number of a face that can be used, from 0, or "none".
    """
    chosen, still_open = [], []
    for number, group in enumerate(groups):
        answer = answers.get(f"face-{number}", "")
        offered = {str(at): face.packed for at, face in enumerate(group.faces) if face.packed}
        if packed := offered.get(answer):
            chosen.append(packed)
        elif answer != "none":
            still_open.append(group)
    if not chosen:
        return [], still_open
    engine = get_engine()
    return engine.submit(_unpack_drafts, engine, chosen).result(), still_open


def release_drafts(held: str, operator: AbstractBaseUser) -> list[SampleDraft]:
    """Get the drafts back from the text of hold_drafts(). Empty text gives none. Raises PhotosExpired, PackError.

    They are embedded again: the pack in use may have changed since they were held.
    """
    packed = _release(held, "held", operator)
    if not packed:
        return []
    engine = get_engine()
    return engine.submit(_unpack_drafts, engine, packed).result()


def draft_thumbnail(draft: SampleDraft) -> str:
    """The draft's crop as a data URL."""
    return jpeg_data_url(encode_thumbnail(draft.aligned))


def _check_photo(engine: FaceEngine, file: UploadedFile[Any]) -> PhotoOutcome:
    name = file.name or "picture"
    if (file.size or 0) > PHOTO_LIMITS.max_bytes:  # not even read into memory
        return PhotoOutcome(name, code=FrameTooLarge.code, message=too_large(file.size or 0))
    data = file.read()
    try:
        return engine.submit(_look_at, engine, name, data).result()
    except ImageError as error:
        return PhotoOutcome(name, code=error.code, message=sentence_of(error))


def _look_at(engine: FaceEngine, name: str, data: bytes) -> PhotoOutcome:
    """What becomes of one picture; one job for the engine's pool. Raises ImageError."""
    image, detections = engine.turn_upright(engine.decode(data, PHOTO_LIMITS))
    faces = engine.analyze(image, detections).faces
    if not faces:
        message = gettext("No face was found. Use a picture that shows the face clearly.")
        return PhotoOutcome(name, code=EnrollmentReason.NO_FACE, message=message)
    if len(faces) > 1:
        return _group_outcome(engine, name, image, faces)
    fault = _fault_of(faces[0])
    if fault:
        return PhotoOutcome(name, code=fault, message=sentence_for_photo(fault))
    return PhotoOutcome(name, draft=_draft(engine, faces[0]))


def _group_outcome(engine: FaceEngine, name: str, image: Image, faces: Sequence[Face]) -> PhotoOutcome:
    if all(_fault_of(face) for face in faces):
        message = ngettext(
            "{count} face can be seen, and not clearly enough. Use another picture.",
            "{count} faces can be seen, and none of them clearly enough. Use another picture.",
            len(faces),
        ).format(count=len(faces))
        return PhotoOutcome(name, code=EnrollmentReason.SEVERAL_FACES, message=message)
    height, width = image.shape[:2]
    scale = min(1.0, PREVIEW_SIDE / max(height, width))
    offered = [_group_face(engine, face, scale) for face in faces[:MAX_GROUP_FACES]]
    group = GroupPicture(
        file_name=name,
        preview=jpeg_data_url(encode_thumbnail(image, PREVIEW_SIDE)),
        width=round(width * scale),
        height=round(height * scale),
        faces=tuple(sorted(offered, key=lambda face: face.left)),
    )
    return PhotoOutcome(name, group=group)


def _group_face(engine: FaceEngine, face: Face, scale: float) -> GroupFace:
    left, top, right, bottom = (round(float(value) * scale, 1) for value in face.detection.box_xyxy)
    fault = _fault_of(face)
    return GroupFace(
        left=left,
        top=top,
        width=right - left,
        height=bottom - top,
        packed=None if fault else _pack_draft(_draft(engine, face)),
        message=sentence_for_photo(fault) if fault else "",
    )


def _fault_of(face: Face) -> str:
    """The reason code why this face cannot be used; empty: it can."""
    return next((reason for reason in face.quality.reasons if reason not in TOLERATED), "")


def _draft(engine: FaceEngine, face: Face) -> SampleDraft:
    return draft_from_face(face, contract_id=engine.contract_id, source=FaceSample.Source.UPLOAD)


def too_large(size: int) -> str:
    """The sentence that refuses a file of `size` bytes."""
    limit = PHOTO_LIMITS.max_bytes // MEGABYTE
    return gettext(TOO_LARGE).format(megabytes=number_format(round(size / MEGABYTE, 1), 1), limit=limit)


def _salt(operator: AbstractBaseUser, kind: str = "held") -> str:
    return f"{__name__}.{kind}:{operator.pk}"


def _hold(entries: Sequence[dict[str, Any]], kind: str, operator: AbstractBaseUser) -> str:
    return signing.dumps(entries, salt=_salt(operator, kind), compress=False)


def _release(held: str, kind: str, operator: AbstractBaseUser) -> list[dict[str, Any]]:
    if not held:
        return []
    try:
        entries: list[dict[str, Any]] = signing.loads(held, salt=_salt(operator, kind), max_age=HOLD_SECONDS)
    except signing.BadSignature:
        raise PhotosExpired from None
    return entries


def _pack_draft(draft: SampleDraft) -> dict[str, Any]:
    crop = base64.b64encode(encode_crop(draft.aligned)).decode()
    return {"crop": crop, "quality": quality_to_json(draft.quality), "source": draft.source, "pose": draft.pose}


def _unpack_drafts(engine: FaceEngine, packed: list[dict[str, Any]]) -> list[SampleDraft]:
    crops = [decode_crop(base64.b64decode(entry["crop"])) for entry in packed]
    return [
        SampleDraft(
            aligned=crop,
            embedding=embedding,
            contract_id=engine.contract_id,
            quality=quality_from_json(entry["quality"]),
            source=entry["source"],
            pose=entry["pose"],
        )
        for entry, crop, embedding in zip(packed, crops, engine.embed(crops), strict=True)
    ]
