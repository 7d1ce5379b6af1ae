"""Crops and embeddings of people, which are kept encrypted under each person's own key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from enrollment.models import FaceSample, Person, PersonKey
from recognizer.types import Vector
from recognizer.vectors import vector_from_bytes, vector_to_bytes
from security.encryption.data_keys import DataKey, key_for, store_keys
from security.encryption.sealing import SealedColumn, Stored

CROPS = SealedColumn("enrollment_facesample.crop", PersonKey)
"""Row: the sample's uuid."""
EMBEDDINGS = SealedColumn("enrollment_facetemplate.embedding", PersonKey, vectors=True)
"""Row: the sample's primary key; contract: contract_id."""


class CropUnreadable(Exception):
    """The person's key was erased: a backup brought back somebody who had been erased since."""

    def __init__(self) -> None:
        super().__init__(_("This picture can no longer be read: the person was erased after the backup was made."))


def person_key(person_pk: int) -> DataKey:
    """A new one for somebody without. Call it in a transaction that holds the person's row."""
    return key_for(PersonKey, person_id=person_pk)


def new_person_keys(people: Sequence[Person]) -> list[DataKey]:
    """The same for people who have just been written, and so have none. Call it in that transaction."""
    keys = [DataKey() for _ in people]
    store_keys(PersonKey, keys, [{"person": person} for person in people])
    return keys


def seal_crop(crop: bytes, sample: UUID, key: DataKey) -> bytes:
    return CROPS.seal(crop, key, row=sample)


def read_crop(sample: FaceSample) -> bytes:
    """The crop as PNG bytes. Raises CropUnreadable."""
    crop = CROPS.open(sample.crop, row=sample.uuid)
    if crop is None:
        raise CropUnreadable
    return bytes(crop)


def read_crops(rows: Iterable[tuple[int, UUID, Stored]]) -> dict[int, bytes]:
    """rows: some primary key, the sample's uuid, its stored crop. -> that key: PNG, without what cannot be read."""
    rows = list(rows)
    crops = CROPS.open_all((stored, uuid, "") for _, uuid, stored in rows)
    return {row[0]: bytes(crop) for row, crop in zip(rows, crops, strict=True) if crop is not None}


def seal_embedding(embedding: Vector, sample_id: int, contract_id: str, key: DataKey) -> bytes:
    """embedding: (d,) float32."""
    return EMBEDDINGS.seal(vector_to_bytes(embedding), key, row=sample_id, contract=contract_id)


def read_embeddings(rows: Sequence[tuple[int, Stored]], contract_id: str) -> list[Stored | None]:
    """rows: the sample's primary key, the stored embedding. Little-endian float32; None where it cannot be read."""
    return EMBEDDINGS.open_all((stored, sample, contract_id) for sample, stored in rows)


def read_vectors(rows: Iterable[tuple[int, Stored]], contract_id: str) -> dict[int, Vector]:
    """Sample's primary key -> (d,) float32, without what cannot be read. rows as in read_embeddings()."""
    rows = list(rows)
    plain = read_embeddings(rows, contract_id)
    return {row[0]: vector_from_bytes(data) for row, data in zip(rows, plain, strict=True) if data is not None}


def is_unreadable(person: Person) -> bool:
    """Whether the person's key was erased: a backup brought back somebody who had been erased since."""
    if PersonKey.objects.filter(person=person).exists():
        return False
    crop = FaceSample.objects.filter(_enrolled_with(person)).values_list("crop", flat=True).first()
    return crop is not None and CROPS.is_sealed(crop)


def unreadable_people() -> list[Person]:
    """Everybody whom a backup brought back after they had been erased.

    Nobody is looked at one by one who has no picture: a list of thousands may have been imported without any.
    """
    pictured = Exists(FaceSample.objects.filter(_enrolled_with(OuterRef("pk"))))
    return [person for person in Person.objects.filter(pictured, key=None).order_by("pk") if is_unreadable(person)]


def _enrolled_with(person: Person | OuterRef) -> Q:
    """A person's own samples, wherever a merge has taken them."""
    return Q(merged_from=person) | Q(person=person, merged_from=None)
