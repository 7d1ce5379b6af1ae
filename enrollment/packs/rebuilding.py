"""Computes templates of another embedding space from the kept crops: after a model change nobody has to come again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from enrollment import services
from enrollment.hooks import hooks
from enrollment.models import FaceSample
from enrollment.sealed import CropUnreadable, read_crops
from recognizer.engine import FaceEngine
from recognizer.errors import ImageError
from recognizer.images import decode_crop
from recognizer.types import Vector

BATCH = 128
"""Samples per transaction: a stop loses the work on this many at most."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample whose crop could not be embedded."""

    sample: str
    """The sample's uuid."""
    person: str
    """The person's uuid, not the name: output may end up in a log."""
    message: str
    """Why, as a sentence."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is, after each batch."""

    done: int
    """Samples looked at in this run so far."""
    total: int
    """Samples that had no such template when the run began; never less than `done`, as more may come meanwhile."""
    written: int
    """Templates written in this batch."""
    failures: tuple[Failure, ...]
    """Samples of this batch that could not be embedded."""


def samples_without_template(contract_id: str) -> QuerySet[FaceSample]:
    """All samples that have no template of this embedding space, also those set aside."""
    return FaceSample.objects.exclude(templates__contract_id=contract_id)


def rebuild_templates(engine: FaceEngine) -> Iterator[Progress]:
    """Give every sample a template of the engine's embedding space, batch by batch; a Progress after each batch.

    Each batch is one transaction, and samples that have their template are passed over: a stopped run can be started
    again. The last step calls hooks.rebuild, so read the iterator to its end.
    """
    missing = samples_without_template(engine.contract_id)
    total, done, last = missing.count(), 0, 0
    while batch := list(missing.filter(pk__gt=last).select_related("person").order_by("pk")[:BATCH]):
        embeddings, failures = _embed_batch(engine, batch)
        written = services.store_templates(actor=None, contract_id=engine.contract_id, embeddings=embeddings)
        done, last = done + len(batch), batch[-1].pk
        yield Progress(done, max(total, done), written, tuple(failures))
    for callback in hooks.rebuild:
        callback(engine)


def _embed_batch(engine: FaceEngine, batch: list[FaceSample]) -> tuple[dict[int, Vector], list[Failure]]:
    crops = read_crops((sample.pk, sample.uuid, sample.crop) for sample in batch)
    jobs = [(sample, engine.submit(_embed_crop, engine, crops.get(sample.pk))) for sample in batch]
    embeddings: dict[int, Vector] = {}
    failures = []
    for sample, job in jobs:
        try:
            embeddings[sample.pk] = job.result()
        except (ImageError, CropUnreadable) as error:
            failures.append(Failure(str(sample.uuid), str(sample.person.uuid), str(error)))
    return embeddings, failures


def _embed_crop(engine: FaceEngine, crop: bytes | None) -> Vector:
    if crop is None:
        raise CropUnreadable
    vector: Vector = engine.embed([decode_crop(crop)])[0]
    return vector
