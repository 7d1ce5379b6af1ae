"""Brings the engine level with the database: with what changed since it was told last, or else with everything.

One process of the site does so at a time (a lease in the database). Whatever it sends can be sent again: a process that
dies between the engine's answer and the note about it leaves work that the next one finds done.
"""

from __future__ import annotations

import logging
import time
from itertools import islice
from typing import Final
from uuid import UUID

import numpy as np

from enrollment.milvus import levels
from enrollment.milvus.client import Table
from enrollment.milvus.comparing import Difference, count_templates, differences, differences_of
from enrollment.milvus.shared import shared_client, table_of
from enrollment.models import FaceTemplate, GalleryChange, GalleryCopy, GalleryRevision
from enrollment.runtime.gallery import KEPT_REVISIONS, read_revision
from security.events import log_event
from security.leases import HeldLease, lease

LEASE: Final = "gallery"
PEOPLE_AT_ONCE: Final = 200
logger = logging.getLogger("facesite.gallery")


def work_is_due() -> bool:
    """Whether the engine lacks something, or something is to be noted. Costs two short queries."""
    number, epoch = read_revision()
    return any(
        copy.epoch is None or copy.epoch != epoch or copy.revision != number or levels.wants_a_mark(copy)
        for copy in copies()
    )


def copies() -> list[GalleryCopy]:
    """One for each embedding space that somebody searched at this place."""
    return list(GalleryCopy.objects.filter(place=shared_client().address.place).order_by("pk"))


def copy_for(contract_id: str, dimension: int) -> GalleryCopy:
    place = shared_client().address.place
    return GalleryCopy.objects.get_or_create(place=place, contract_id=contract_id, defaults={"dimension": dimension})[0]


def deliver() -> int:
    """Tell the engine what it lacks. Returns how many rows were written or removed.

    Call it outside of a transaction. Raises GalleryAway, LeaseTaken, LeaseLost.
    """
    with lease(LEASE) as held:
        return sum(_bring_level(copy, held) for copy in copies())


def check_rows() -> None:
    """Whether the engine has as many rows as it was told; where not, compare all. Raises as deliver() does.

    Numbers in the database cannot know of an engine that was put back from an older backup, or lost a collection.
    """
    with lease(LEASE) as held:
        for copy in copies():
            if copy.epoch is None or read_revision() != (copy.revision, copy.epoch):
                continue  # it is brought level anyway
            table = table_of(shared_client(), copy.contract_id, copy.epoch)
            wanted = sum(count_templates(copy.contract_id, copy.dimension).values())
            if not table.exists() or table.count() != wanted:
                _compare_all(copy, held)


def level_everything() -> dict[str, int]:
    """Compare every row and mend what differs; drop what no embedding space needs. Raises as deliver() does."""
    for contract_id, dimension in FaceTemplate.objects.order_by().values_list("contract_id", "dimension").distinct():
        copy_for(contract_id, dimension)
    with lease(LEASE) as held:
        done = {"written": 0, "removed": 0}
        for copy in copies():
            if not FaceTemplate.objects.filter(contract_id=copy.contract_id).exists():
                _drop_table(copy)
                copy.delete()
                continue
            written, removed = _compare_all(copy, held)
            done = {"written": done["written"] + written, "removed": done["removed"] + removed}
        return done


def _bring_level(copy: GalleryCopy, held: HeldLease) -> int:
    number, epoch = read_revision()
    if copy.epoch is None or copy.epoch != epoch or number - copy.revision > KEPT_REVISIONS:
        return sum(_compare_all(copy, held))
    if number == copy.revision and not levels.wants_a_mark(copy):
        return 0
    table = table_of(shared_client(), copy.contract_id, copy.epoch)
    if not table.exists():  # somebody dropped it
        return sum(_compare_all(copy, held))
    changes = GalleryChange.objects.filter(revision__gt=copy.revision, revision__lte=number).order_by()
    people, done = iter(changes.values_list("person_uuid", flat=True).distinct()), 0
    while some := list(islice(people, PEOPLE_AT_ONCE)):
        done += sum(_mend(table, copy, differences_of(table, copy, some)))
        held.beat()
    levels.note_sent(copy, number)
    if done:
        log_event(logger, "gallery_delivered", level=logging.DEBUG, revision=number, rows=done)
    return done


def _compare_all(copy: GalleryCopy, held: HeldLease) -> tuple[int, int]:
    """Every row of the engine against every template. Returns how many were written and removed."""
    number, epoch = _certain_revision()
    if copy.epoch not in (None, epoch):  # the database was restored: ids begin again
        _drop_table(copy)
        levels.forget(copy)
    table = table_of(shared_client(), copy.contract_id, epoch)
    is_new = not table.exists()
    table.create(copy.dimension)
    written = removed = 0
    for difference in differences(table, copy, is_empty=is_new):
        more, less = _mend(table, copy, difference)
        written, removed = written + more, removed + less
        held.beat()
    if written or removed:
        time.sleep(levels.SETTLE_S)
    copy.epoch = epoch
    levels.note_settled(copy, number)
    log_event(logger, "gallery_levelled", revision=number, written=written, removed=removed)
    return written, removed


def _mend(table: Table, copy: GalleryCopy, difference: Difference) -> tuple[int, int]:
    rows = difference.missing
    if difference.extra:
        table.remove(difference.extra)
    if rows:
        matrix = np.stack([row.embedding for row in rows])
        table.write([row.template_id for row in rows], [row.person_id for row in rows], copy.contract_id, matrix)
    return len(rows), len(difference.extra)


def _certain_revision() -> tuple[int, UUID]:
    """As read_revision(); a database that was flushed has lost its row."""
    row, _ = GalleryRevision.objects.get_or_create(pk=GalleryRevision.SINGLETON_PK)
    return row.number, row.epoch


def _drop_table(copy: GalleryCopy) -> None:
    if copy.epoch is not None:
        table_of(shared_client(), copy.contract_id, copy.epoch).drop()
