"""Pictures of attempts, unknown faces and recorded wrong matches: encrypted, each under a key of its own."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from recognizer.types import Vector
from recognizer.vectors import vector_from_bytes, vector_to_bytes
from security.encryption.data_keys import DataKey, store_key
from security.encryption.sealing import SealedColumn, Stored
from security.statements import insert_row
from security.tables import in_chunks
from verification.models import (
    ConfusedFace,
    FalseMatchKey,
    PictureKey,
    UnknownFace,
    UnknownKey,
    VerificationAttempt,
)

THUMBNAILS = SealedColumn("verification_verificationattempt.thumbnail", PictureKey)
"""Row: the attempt's uuid."""
UNKNOWN_CROPS = SealedColumn("verification_unknownface.crop", UnknownKey)
"""Row: the face's uuid."""
UNKNOWN_EMBEDDINGS = SealedColumn("verification_unknownface.embedding", UnknownKey, vectors=True)
"""Row: the face's uuid; contract: contract_id."""
CONFUSED_EMBEDDINGS = SealedColumn("verification_confusedface.embedding", FalseMatchKey, vectors=True)
"""Row: the false match's uuid; contract: contract_id."""


def save_with_picture(attempt: VerificationAttempt, jpeg: bytes) -> None:
    """Save a new, checked attempt with its picture (empty: without one), in one transaction."""
    key = DataKey()
    attempt.thumbnail = THUMBNAILS.seal(jpeg, key, row=attempt.uuid) if jpeg else b""
    insert_row(attempt)
    if jpeg:
        store_key(PictureKey, key, attempt_id=attempt.pk)


def read_picture(attempt: VerificationAttempt) -> bytes:
    """The attempt's JPEG; empty when it was erased."""
    return read_pictures([(attempt.pk, attempt.uuid, attempt.thumbnail)]).get(attempt.pk, b"")


def read_pictures(rows: Iterable[tuple[int, UUID, Stored]]) -> dict[int, bytes]:
    """rows: primary key, uuid and thumbnail of attempts. -> primary key: JPEG, without those that were erased."""
    rows = [row for row in rows if row[2]]
    pictures = THUMBNAILS.open_all((stored, uuid, "") for _, uuid, stored in rows)
    return {row[0]: bytes(jpeg) for row, jpeg in zip(rows, pictures, strict=True) if jpeg is not None}


def erase_thumbnails(attempts: QuerySet[VerificationAttempt]) -> int:
    """Erase the pictures of these attempts and the keys to them. Returns how many had one. Call it in a transaction."""
    found = list(attempts.exclude(thumbnail=b"").order_by("pk").values_list("pk", flat=True))
    for some in in_chunks(found, 500):
        PictureKey.objects.filter(attempt__in=some).delete()
        VerificationAttempt.objects.filter(pk__in=some).update(thumbnail=b"")
    return len(found)


def save_unknown(face: UnknownFace, *, embedding: Vector, crop: bytes) -> None:
    """Check and save a new unknown face. embedding: (d,) float32; crop: PNG."""
    key = DataKey()
    face.embedding = UNKNOWN_EMBEDDINGS.seal(vector_to_bytes(embedding), key, row=face.uuid, contract=face.contract_id)
    face.crop = UNKNOWN_CROPS.seal(crop, key, row=face.uuid)
    face.full_clean(exclude={"attempt", "handled_by"}, validate_unique=False)
    face.save(force_insert=True)
    store_key(UnknownKey, key, face=face)


def read_unknown_crops(faces: Iterable[UnknownFace]) -> dict[int, bytes]:
    """Face's primary key -> PNG, without what cannot be read. The crops must be loaded."""
    faces = list(faces)
    crops = UNKNOWN_CROPS.open_all((face.crop, face.uuid, "") for face in faces)
    return {face.pk: bytes(crop) for face, crop in zip(faces, crops, strict=True) if crop is not None}


def read_unknown_vectors(faces: Iterable[UnknownFace]) -> dict[int, Vector]:
    """Face's primary key -> (d,) float32, without what cannot be read."""
    faces = list(faces)
    plain = UNKNOWN_EMBEDDINGS.open_all((face.embedding, face.uuid, face.contract_id) for face in faces)
    return {face.pk: vector_from_bytes(data) for face, data in zip(faces, plain, strict=True) if data is not None}


def seal_unknown_embedding(face: UnknownFace, embedding: Vector, contract_id: str, key: DataKey) -> bytes:
    """embedding: (d,) float32."""
    return UNKNOWN_EMBEDDINGS.seal(vector_to_bytes(embedding), key, row=face.uuid, contract=contract_id)


def seal_confused(face: ConfusedFace, embedding: Vector, key: DataKey) -> bytes:
    """embedding: (d,) float32."""
    row = face.false_match.uuid
    return CONFUSED_EMBEDDINGS.seal(vector_to_bytes(embedding), key, row=row, contract=face.contract_id)


def read_confused(rows: Iterable[tuple[Stored, UUID]], contract_id: str) -> list[Vector | None]:
    """rows: the stored embedding, the false match's uuid. (d,) float32; None where it cannot be read."""
    plain = CONFUSED_EMBEDDINGS.open_all((stored, uuid, contract_id) for stored, uuid in rows)
    return [None if data is None else vector_from_bytes(data) for data in plain]
