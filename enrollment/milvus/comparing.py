"""What differs between the engine's rows and the database's templates: one walk along the ids, to show or to mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.utils import timezone

from enrollment.milvus.client import Table
from enrollment.models import FaceTemplate, GalleryCopy
from enrollment.runtime.gallery import CHUNK, owners_of_samples, rows_of, template_chunks
from enrollment.sealed import unreadable_people
from recognizer.search.blocks import TemplateRow
from recognizer.vectors import vector_from_bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one stretch of ids, or of some people."""

    looked_at: int
    """Templates of the database."""
    missing: list[TemplateRow]
    """Templates that the engine lacks, or holds under another person's name."""
    extra: set[int]
    """Template ids of the engine's rows that nobody may find any more."""


def differences(table: Table, copy: GalleryCopy, *, is_empty: bool = False) -> Iterator[Difference]:
    """Of everything, stretch by stretch. People outside their days are in the engine too: whoever reads what it
    proposes leaves them out, so that midnight writes nothing.

    is_empty: the engine holds nothing and is not asked. Raises GalleryAway."""
    owners, last = owners_of_samples(None), 0
    for chunk in template_chunks(copy.contract_id, copy.dimension):
        until = max(last, *(row[0] for row in chunk)) if chunk else last
        there = {} if is_empty else table.rows_between(last, until)
        rows = [
            TemplateRow(pk, owners[sample], vector_from_bytes(data)) for pk, sample, data in chunk if sample in owners
        ]
        yield _compare(rows, there)
        last = until
    if not is_empty:
        yield _compare([], table.rows_between(last, None))


def differences_of(table: Table, copy: GalleryCopy, people: Collection[UUID]) -> Difference:
    """Of these people, those included who are gone. Raises GalleryAway."""
    rows = list(rows_of(people, copy.contract_id, copy.dimension, None))
    return _compare(rows, table.rows_of([str(uuid) for uuid in people]))


def _compare(rows: list[TemplateRow], there: Mapping[int, str]) -> Difference:
    missing = [row for row in rows if there.get(row.template_id) != row.person_id]
    return Difference(len(rows), missing, there.keys() - {row.template_id for row in rows})


def count_templates(contract_id: str, dimension: int) -> dict[str, int]:
    """Person -> number of templates that may be searched today. Reads ids only."""
    owners = owners_of_samples(timezone.localdate())
    unreadable = {str(person.uuid) for person in unreadable_people()}
    templates = FaceTemplate.objects.filter(contract_id=contract_id, dimension=dimension).order_by()
    samples = templates.values_list("sample_id", flat=True).iterator(chunk_size=CHUNK)
    counts: Counter[str] = Counter()
    while some := list(islice(samples, CHUNK)):
        counts.update(owners[sample] for sample in some if sample in owners)
    return {person: count for person, count in counts.items() if person not in unreadable}
