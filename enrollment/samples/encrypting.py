"""Crops and embeddings that versions before encryption wrote."""

from __future__ import annotations

from collections.abc import Sequence

from enrollment.models import FaceSample, FaceTemplate
from enrollment.sealed import CROPS, EMBEDDINGS, person_key
from security.encryption.data_keys import DataKey
from security.encryption.older import OlderColumn


def _places_of_samples(samples: Sequence[FaceSample]) -> list[tuple[DataKey, object, str]]:
    keys = _keys_of([sample.pk for sample in samples])
    return [(keys[sample.pk], sample.uuid, "") for sample in samples]


def _places_of_templates(templates: Sequence[FaceTemplate]) -> list[tuple[DataKey, object, str]]:
    keys = _keys_of([template.sample_id for template in templates])
    return [(keys[template.sample_id], template.sample_id, template.contract_id) for template in templates]


def _keys_of(samples: Sequence[int]) -> dict[int, DataKey]:
    """Sample's primary key -> the key of the person who was enrolled with it."""
    rows = FaceSample.objects.filter(pk__in=samples).values_list("pk", "person_id", "merged_from_id")
    owners = {pk: origin or person for pk, person, origin in rows}
    keys = {owner: person_key(owner) for owner in sorted(set(owners.values()))}
    return {pk: keys[owner] for pk, owner in owners.items()}


OLDER_COLUMNS = (
    OlderColumn(EMBEDDINGS, FaceTemplate, _places_of_templates),
    OlderColumn(CROPS, FaceSample, _places_of_samples),
)
