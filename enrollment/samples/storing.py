"""How drafts become rows: checked first, each picture once, at most MAX_SAMPLES per person."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from enrollment.errors import NoSamples, PackChanged, SampleInvalid
from enrollment.models import FaceSample, FaceTemplate, Person
from enrollment.samples.drafts import SampleDraft, quality_to_json
from enrollment.samples.variety import least_telling
from enrollment.sealed import new_person_keys, person_key, read_vectors, seal_crop, seal_embedding
from recognizer.images import encode_crop
from recognizer.search.blocks import NORM_TOLERANCE
from recognizer.types import Vector
from security.actors import Actor
from security.encryption.data_keys import DataKey
from security.statements import insert_row, insert_rows

MAX_SAMPLES = 20
"""Kept per person. More hardly help a search that takes the best of them, and each one costs time."""


def checked_drafts(samples: Sequence[SampleDraft]) -> list[SampleDraft]:
    """The drafts, each picture once. Raises NoSamples, PackChanged (two embedding spaces) and SampleInvalid.

    SampleInvalid: a vector that is not (d,), not finite or not of length one.
    """
    if not samples:
        raise NoSamples
    contract_id, dimension = samples[0].contract_id, samples[0].embedding.shape
    for draft in samples:
        if draft.contract_id != contract_id:
            raise PackChanged
        vector = draft.embedding
        # NaN fails this comparison too.
        if (
            vector.ndim != 1
            or vector.shape != dimension
            or not abs(float(np.linalg.norm(vector)) - 1.0) <= NORM_TOLERANCE
        ):
            raise SampleInvalid
    return list({draft.digest: draft for draft in samples}.values())


def store_drafts(
    person: Person, drafts: Sequence[SampleDraft], actor: Actor | None, *, outliers: Collection[str] = ()
) -> tuple[list[FaceSample], bool]:
    """The samples that were new, and whether anything was written (a known sample may lack this pack's template).

    outliers: digests of new samples that are kept, but set aside.
    """
    same = person.samples.filter(digest__in=[draft.digest for draft in drafts])
    rows = list(same.values_list("digest", "pk", "merged_from_id"))
    known = {digest: pk for digest, pk, _ in rows}
    with_template = set(
        FaceTemplate.objects.filter(sample__in=known.values(), contract_id=drafts[0].contract_id).values_list(
            "sample_id", flat=True
        )
    )
    # A merged sample keeps the key of the person who was enrolled with it.
    origins = {pk: origin or person.pk for _, pk, origin in rows}
    keys = {owner: person_key(owner) for owner in sorted({person.pk, *origins.values()})}
    stored: list[FaceSample] = []
    templates: list[FaceTemplate] = []
    for draft in drafts:
        sample_id = known.get(draft.digest)
        if sample_id is None:
            stored.append(_save_sample(person, draft, actor, keys[person.pk], outlier=draft.digest in outliers))
            sample_id = stored[-1].pk
        if sample_id not in with_template:
            key = keys[origins.get(sample_id, person.pk)]
            templates.append(template_for(sample_id, draft.embedding, draft.contract_id, key))
    FaceTemplate.objects.bulk_create(templates)
    return stored, bool(templates)


def store_first_drafts(
    newcomers: Sequence[tuple[Person, Sequence[SampleDraft], Collection[str]]], actor: Actor | None
) -> list[list[FaceSample]]:
    """store_drafts() for people who were written just now: nothing to look up. At most MAX_SAMPLES drafts of each.

    newcomers: a person, drafts, and the digests of those that are kept, but set aside.
    """
    keys = new_person_keys([person for person, *_ in newcomers])
    samples = [
        [_unsaved_sample(person, draft, actor, key, outlier=draft.digest in outliers) for draft in drafts]
        for (person, drafts, outliers), key in zip(newcomers, keys, strict=True)
    ]
    insert_rows([sample for those in samples for sample in those])
    templates = [
        template_for(sample.pk, draft.embedding, draft.contract_id, key)
        for (_, drafts, _), those, key in zip(newcomers, samples, keys, strict=True)
        for sample, draft in zip(those, drafts, strict=True)
    ]
    insert_rows(templates)
    return samples


def _save_sample(person: Person, draft: SampleDraft, actor: Actor | None, key: DataKey, *, outlier: bool) -> FaceSample:
    sample = _unsaved_sample(person, draft, actor, key, outlier=outlier)
    insert_row(sample)
    return sample


def _unsaved_sample(
    person: Person, draft: SampleDraft, actor: Actor | None, key: DataKey, *, outlier: bool
) -> FaceSample:
    """Nobody typed any of it in: fields are not checked one by one."""
    sample = FaceSample(
        person=person,
        source=draft.source,
        pose=draft.pose,
        quality_score=draft.quality.score,
        quality=quality_to_json(draft.quality),
        digest=draft.digest,
        set_aside=outlier,
        set_aside_reason=FaceSample.AsideReason.OUTLIER if outlier else "",
        created_by=actor,  # type: ignore[misc]
    )
    sample.crop = seal_crop(encode_crop(draft.aligned), sample.uuid, key)
    return sample


def template_for(sample_id: int, embedding: Vector, contract_id: str, key: DataKey) -> FaceTemplate:
    """An unsaved template. embedding: (d,) float32; key: of the person who was enrolled with the sample."""
    return FaceTemplate(
        sample_id=sample_id,
        contract_id=contract_id,
        embedding=seal_embedding(embedding, sample_id, contract_id, key),
        dimension=len(embedding),
    )


def keep_to_cap(person: Person, contract_id: str, *, erase: bool = True) -> set[int]:
    """Take the least telling samples above MAX_SAMPLES out of searches. Returns their primary keys.

    They are erased, unless `erase` is off or a merge may still be undone: its samples may have to go back, so they are
    set aside instead. Samples that were set aside before do not count. A sample that an operator took back stays, and
    so does the best front sample.
    """
    searched = person.samples.filter(set_aside=False).order_by("pk")
    samples = list(searched.values_list("pk", "quality_score", "pose", "taken_back"))
    if len(samples) <= MAX_SAMPLES:
        return set()
    rows = FaceTemplate.objects.filter(sample__in=[pk for pk, *_ in samples], contract_id=contract_id)
    vectors = read_vectors(rows.values_list("sample_id", "embedding"), contract_id)
    protected = {pk for pk, _, _, taken_back in samples if taken_back}
    fronts = [
        (quality, pk) for pk, quality, pose, _ in samples if pose == FaceSample.PoseBucket.FRONT and pk in vectors
    ]
    if fronts:
        protected.add(max(fronts)[1])
    qualities = [(pk, quality) for pk, quality, *_ in samples]
    dropped = least_telling(qualities, vectors, len(samples) - MAX_SAMPLES, protected=protected)
    found = FaceSample.objects.filter(pk__in=dropped)
    if erase and not person.samples.exclude(merged_from=None).exists():
        found.delete()
    found.update(set_aside=True, set_aside_reason=FaceSample.AsideReason.SURPLUS)
    return dropped
