"""What a process holds of a gallery whose vectors lie in the engine: counts, and the people who changed lately."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from enrollment.milvus.client import Table
from enrollment.milvus.comparing import count_templates
from enrollment.milvus.delivering import copy_for
from enrollment.milvus.levels import settled_revision
from enrollment.milvus.shared import shared_client, table_of
from enrollment.models import FaceTemplate, GalleryChange
from enrollment.runtime.gallery import (
    KEPT_REVISIONS,
    Copy,
    Note,
    mark_gallery_stale,
    read_revision,
    recorded_confusions,
    refresh_in_process,
    rows_of,
    unheard,
)
from recognizer.errors import GalleryAway
from recognizer.search.blocks import TemplateRow
from recognizer.search.distant import DistantGallery, LastRead, Proposal
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import Vector

SMALL: Final = 10_000
"""So many templates are searched in this process while the engine has not got everything, as at a first start."""
MOST_RECENT: Final = 20_000
"""People who changed since the engine was told last. Beyond, it must be brought level before anybody is searched."""
BEHIND: Final = _(
    "The engine that holds the gallery (GALLERY_URL) is being brought level with the database. Try again in a moment; "
    "`manage.py gallery status` shows what is missing."
)


@dataclass(frozen=True, slots=True)
class Distant:
    snapshot: DistantGallery
    epoch: UUID
    settled: int
    """The engine is asked about whoever did not change since this revision."""
    day: date
    """Whoever may be found on it is found."""
    recent: dict[str, tuple[int, ...]]
    """Person -> their templates' ids, of everybody who changed since then."""


class Engine:
    """The engine as searches see it: when it goes away, the next search looks for another way at once."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def propose(self, probe: Vector, count: int) -> Sequence[Proposal]:
        try:
            return self._table.propose(probe, count)
        except GalleryAway:
            mark_gallery_stale()
            raise


class Behind(GalleryAway):
    """The engine has not got everything yet."""

    def __init__(self) -> None:
        super().__init__(BEHIND)


def refresh(copy: Copy | None, contract_id: str, dimension: int, note: Note = unheard) -> Copy:
    """What a search may use now: the engine's gallery, or this process's own where the settings say so.

    Raises GalleryAway where a large gallery is not in the engine yet; an engine that is away is noticed by the search.
    """
    if not settings.GALLERY_URL or (settings.GALLERY_FALLBACK and shared_client().is_away):
        return refresh_in_process(copy, contract_id, dimension, note)
    try:
        return _refresh(copy if isinstance(copy, Distant) else None, contract_id, dimension)
    except Behind:
        if settings.GALLERY_FALLBACK or _is_small(contract_id):
            return refresh_in_process(copy, contract_id, dimension, note)
        raise


def _is_small(contract_id: str) -> bool:
    templates = FaceTemplate.objects.filter(contract_id=contract_id).order_by()
    return templates[: SMALL + 1].count() <= SMALL


def _refresh(before: Distant | None, contract_id: str, dimension: int) -> Distant:
    level = copy_for(contract_id, dimension)
    settled = settled_revision(level)
    number, epoch = read_revision()  # after the level: nothing settles that this number does not know
    if level.epoch is None or level.epoch != epoch or number - settled > KEPT_REVISIONS:
        raise Behind
    if before and before.day != timezone.localdate():
        before = None  # midnight: other people may be found, although nobody wrote anything
    if before and (before.epoch, before.snapshot.revision, before.settled) == (epoch, number, settled):
        return before
    if before and (before.epoch != epoch or number - before.snapshot.revision > KEPT_REVISIONS):
        before = None
    recent = _changed_since(settled)
    changed = _changed_since(before.snapshot.revision) if before else set()
    if len(changed) > MOST_RECENT:
        before, changed = None, set()
    if len(recent) > MOST_RECENT:
        raise Behind
    start = before or _begin(contract_id, dimension, epoch)
    return _followed(start, recent, changed, number=number, settled=settled)


def _followed(before: Distant, recent: set[str], changed: set[str], *, number: int, settled: int) -> Distant:
    """The next copy. recent: who changed since `settled`; changed: who changed since the copy before."""
    gallery = before.snapshot
    read = changed | (recent - before.recent.keys())
    rows: dict[str, list[TemplateRow]] = {person: [] for person in read}
    for row in rows_of([UUID(person) for person in read], gallery.contract_id, gallery.dimension, before.day):
        rows[row.person_id].append(row)
    gone = {template for person in before.recent.keys() & read for template in before.recent[person]}
    gone |= {template for person in before.recent.keys() - recent for template in before.recent[person]}
    added = [row for person in read & recent for row in rows[person]]
    small = gallery.recent.updated(added=added, removed=gone - {row.template_id for row in added}, revision=number)
    counts = {**gallery.counts, **{person: len(own) for person, own in rows.items()}}
    for person in read:
        if not counts[person]:
            del counts[person]
    kept = {person: ids for person, ids in before.recent.items() if person in recent and person not in read}
    now = kept | {person: tuple(row.template_id for row in rows[person]) for person in read & recent}
    after = DistantGallery(
        index=gallery.index,
        read=gallery.read,
        counts=counts,
        recent=small,
        changed=now.keys(),
        contract_id=gallery.contract_id,
        dimension=gallery.dimension,
        revision=number,
        templates=sum(counts.values()),
        remembered=gallery.remembered.without(read),
        confusions=recorded_confusions(gallery.contract_id),
    )
    return Distant(after, before.epoch, settled, before.day, now)


def _begin(contract_id: str, dimension: int, epoch: UUID) -> Distant:
    """A copy in which nobody has changed lately."""
    day, counts = timezone.localdate(), count_templates(contract_id, dimension)

    def read(people: Collection[str]) -> list[TemplateRow]:
        with _own_connection():
            return list(rows_of([UUID(person) for person in people], contract_id, dimension, day))

    gallery = DistantGallery(
        index=Engine(table_of(shared_client(), contract_id, epoch)),
        read=read,
        counts=counts,
        recent=GallerySnapshot.build([], contract_id=contract_id, dimension=dimension, revision=0),
        changed=(),
        contract_id=contract_id,
        dimension=dimension,
        revision=0,
        templates=sum(counts.values()),
        remembered=LastRead(),
    )
    return Distant(gallery, epoch, 0, day, {})


def _changed_since(revision: int) -> set[str]:
    """Up to one more than MOST_RECENT."""
    people = GalleryChange.objects.filter(revision__gt=revision).order_by().values_list("person_uuid", flat=True)
    return {str(uuid) for uuid in people.distinct()[: MOST_RECENT + 1]}


@contextmanager
def _own_connection() -> Iterator[None]:
    """For a thread of the engine's pool: what was opened here is closed here. Inside a transaction nothing changes."""
    was_open = connection.connection is not None
    try:
        yield
    finally:
        if not was_open:
            connection.close()
