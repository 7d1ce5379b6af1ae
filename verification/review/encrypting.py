"""Pictures and embeddings that versions before encryption wrote."""

from __future__ import annotations

from collections.abc import Sequence

from security.encryption.data_keys import DataKey, key_for
from security.encryption.older import OlderColumn
from verification.models import (
    ConfusedFace,
    FalseMatch,
    FalseMatchKey,
    PictureKey,
    UnknownFace,
    UnknownKey,
    VerificationAttempt,
)
from verification.sealed import CONFUSED_EMBEDDINGS, THUMBNAILS, UNKNOWN_CROPS, UNKNOWN_EMBEDDINGS


def _places_of_attempts(attempts: Sequence[VerificationAttempt]) -> list[tuple[DataKey, object, str]]:
    return [(key_for(PictureKey, attempt_id=attempt.pk), attempt.uuid, "") for attempt in attempts]


def _places_of_unknown_crops(faces: Sequence[UnknownFace]) -> list[tuple[DataKey, object, str]]:
    return [(key_for(UnknownKey, face_id=face.pk), face.uuid, "") for face in faces]


def _places_of_unknown_embeddings(faces: Sequence[UnknownFace]) -> list[tuple[DataKey, object, str]]:
    return [(key_for(UnknownKey, face_id=face.pk), face.uuid, face.contract_id) for face in faces]


def _places_of_confused(faces: Sequence[ConfusedFace]) -> list[tuple[DataKey, object, str]]:
    uuids = dict(FalseMatch.objects.filter(faces__in=[face.pk for face in faces]).values_list("pk", "uuid"))
    return [
        (key_for(FalseMatchKey, false_match_id=face.false_match_id), uuids[face.false_match_id], face.contract_id)
        for face in faces
    ]


OLDER_COLUMNS = (
    OlderColumn(CONFUSED_EMBEDDINGS, ConfusedFace, _places_of_confused),
    OlderColumn(UNKNOWN_EMBEDDINGS, UnknownFace, _places_of_unknown_embeddings),
    OlderColumn(UNKNOWN_CROPS, UnknownFace, _places_of_unknown_crops),
    OlderColumn(THUMBNAILS, VerificationAttempt, _places_of_attempts),
)
