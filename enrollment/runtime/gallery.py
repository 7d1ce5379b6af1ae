"""This process's searchable copy of the templates: loaded on first use, patched or loaded anew at a new revision.

The database is the truth. A search asks for current_gallery(), which reads the revision (one row) at most every
REVISION_CHECK_SECONDS, and at once after mark_gallery_stale().
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Protocol
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from enrollment.hooks import hooks
from enrollment.models import FaceSample, FaceTemplate, GalleryChange, GalleryRevision, Person, searched_on
from enrollment.sealed import read_embeddings
from recognizer.engine import FaceEngine
from recognizer.errors import EngineNotReady
from recognizer.search.blocks import TemplateRow
from recognizer.search.confusions import NONE_RECORDED, Confusions
from recognizer.search.galleries import Gallery
from recognizer.search.gallery import GallerySnapshot
from recognizer.vectors import Stored, matrix_from_bytes, vector_from_bytes

REVISION_CHECK_SECONDS = 0.5
FIRST_LOAD_S = 2.0
"""How long a first load lets others wait before they are told to come again."""
FRAME_SECONDS = 0.25
"""What a frame takes at most that began with an older copy, on a busy server."""
KEPT_REVISIONS = 10_000
"""A copy further behind than this is loaded anew: older GalleryChange rows may be gone."""
REBUILD_SHARE = 0.2
"""When more than this share of the people changed, loading anew is cheaper than patching."""
CHUNK = 5_000
"""Rows read at a time. MySQL's driver keeps a whole result in memory, so iterator() alone would not bound it."""


class Copy(Protocol):
    """What a process holds of one embedding space."""

    @property
    def snapshot(self) -> Gallery: ...


@dataclass(frozen=True, slots=True)
class _Loaded:
    snapshot: GallerySnapshot
    epoch: UUID | None
    day: date
    """Who is searched depends on it (models.searched_on)."""
    templates_of: dict[str, tuple[int, ...]]
    """Person uuid -> the ids of their templates in the snapshot."""


def unheard(share: float) -> None:
    """Whoever waits for no first load."""


Note = Callable[[float], None]
"""Is told how much has been read of a gallery that is being loaded, 0..1."""


class GalleryLoading(EngineNotReady):
    """Somebody else's first load goes on; str() says how far it is."""


class GalleryCache:
    """The snapshots of one process, one for each embedding space that was asked for."""

    def __init__(self, refresh: Callable[[Copy | None, str, int, Note], Copy]) -> None:
        """refresh: from the copy so far (None: there is none), contract and dimension to what a search may use now."""
        self.refresh = refresh
        self._lock = threading.Lock()  # held while loading: a second thread waits for that result
        self._loaded: dict[str, Copy] = {}
        self._checked: dict[str, tuple[float, object]] = {}
        """contract_id -> when its revision was last read (time.monotonic()) and the mark that stood then."""
        self._mark = object()  # another object: everything read before is stale
        self._latest: Gallery | None = None
        self.share = 0.0
        """How much has been read of a gallery that is being loaded, 0..1."""
        self._day: date | None = None
        """The last day of which the first search has come."""

    def get(self, contract_id: str, dimension: int) -> Gallery:
        """What a search of this embedding space may use now. Blocking, and slow when it has to be loaded anew.

        Raises GalleryLoading after FIRST_LOAD_S of somebody else's first load: a start may take a minute.
        """
        self._begin_day()
        if not self._lock.acquire(timeout=-1 if contract_id in self._loaded else FIRST_LOAD_S):
            raise GalleryLoading(self.loading)
        try:
            if not self._is_fresh(contract_id):
                # Before the reading: what is announced meanwhile counts as unread.
                checked = (time.monotonic(), self._mark)
                self._loaded[contract_id] = self.refresh(
                    self._loaded.get(contract_id), contract_id, dimension, self._note
                )
                self._checked[contract_id] = checked
            self._latest = self._loaded[contract_id].snapshot
            return self._latest
        finally:
            self.share = 0.0
            self._lock.release()

    @property
    def loading(self) -> str:
        """A sentence about a first load, with how far it is."""
        return _("The gallery is being loaded: {percent}%. Try again in a moment.").format(
            percent=round(100 * self.share)
        )

    def _note(self, share: float) -> None:
        self.share = share

    def if_fresh(self, contract_id: str) -> Gallery | None:
        """The snapshot if it was checked just now, else None. Never blocks."""
        loaded = self._loaded.get(contract_id)
        return loaded.snapshot if loaded and self._is_fresh(contract_id) else None

    def latest(self) -> Gallery | None:
        """What was searched last, however old; None before the first load. Never touches the database."""
        return self._latest

    def age_s(self) -> float | None:
        """Seconds since a copy was last compared with the database; None before the first load.

        It grows while nobody searches: a search looks first.
        """
        checked = [at for at, _ in list(self._checked.values())]  # a copy: another thread may load meanwhile
        return time.monotonic() - max(checked) if checked else None

    def mark_stale(self) -> None:
        """The next get() reads the revision, whenever it was read last."""
        self._mark = object()

    def reset(self) -> None:
        """Forget everything, as a new process would have it."""
        with self._lock:
            self._loaded.clear()
            self._checked.clear()
            self._latest = None
            self._day = None

    def _begin_day(self) -> None:
        """What changes with the date, such as a consent that ends, must hold before the first search of the day."""
        today = timezone.localdate()
        if self._day == today or _in_transaction():
            return
        for callback in hooks.new_day:
            callback()
        self._day = today

    def _is_fresh(self, contract_id: str) -> bool:
        checked_at, mark = self._checked.get(contract_id, (0.0, None))
        return mark is self._mark and time.monotonic() - checked_at < REVISION_CHECK_SECONDS


def current_gallery(engine: FaceEngine) -> Gallery:
    """The snapshot that a search may use now. Blocking, at times slow: call it in a database thread."""
    return gallery_for(engine.contract_id, engine.dimension)


def fresh_gallery(engine: FaceEngine) -> Gallery | None:
    """The snapshot if it was checked just now; None: call current_gallery() in a database thread. Never blocks."""
    return shared.if_fresh(engine.contract_id)


def outlive_old_copies() -> None:
    """Wait until no process searches a copy from before the last commit: each looks at the revision that often.

    Inside a transaction there is nothing to wait for yet: whoever commits it should wait.
    """
    if not _in_transaction():
        time.sleep(REVISION_CHECK_SECONDS + FRAME_SECONDS)


def _in_transaction() -> bool:
    return bool(transaction.get_connection().in_atomic_block)


def read_revision() -> tuple[int, UUID | None]:
    """The gallery's number now, and the epoch that it belongs to."""
    row = GalleryRevision.objects.filter(pk=GalleryRevision.SINGLETON_PK).values_list("number", "epoch").first()
    return row or (0, None)


def refresh_in_process(copy: Copy | None, contract_id: str, dimension: int, note: Note = unheard) -> Copy:
    """All vectors in this process; what `copy` of another kind holds is of no use for it."""
    loaded = copy if isinstance(copy, _Loaded) else None
    # The revision is read before the rows: rows newer than it are read again at the next change, never missed.
    number, epoch = read_revision()
    today = timezone.localdate()
    if loaded and loaded.epoch == epoch and loaded.snapshot.revision == number and loaded.day == today:
        return loaded
    changed = _changed_people(loaded, number, epoch, today)
    if loaded is None or changed is None:
        with no_collections():
            fresh = _load(contract_id, dimension, number, epoch, today, note)
    else:
        fresh = _patch(loaded, changed, contract_id, dimension, number, today)
    return replace(fresh, snapshot=fresh.snapshot.with_confusions(recorded_confusions(contract_id)))


@contextmanager
def no_collections() -> Iterator[None]:
    """For work that makes many objects without a circle among them: to look for circles again and again takes a third
    of the time that a gallery takes to load."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def recorded_confusions(contract_id: str) -> Confusions:
    """The wrong matches that searches of this embedding space must mind."""
    return hooks.confusions(contract_id) if hooks.confusions else NONE_RECORDED


shared = GalleryCache(refresh_in_process)
gallery_for, cached_gallery, gallery_age_s, mark_gallery_stale, reset_gallery = (
    shared.get,
    shared.latest,
    shared.age_s,
    shared.mark_stale,
    shared.reset,
)


def _changed_people(loaded: _Loaded | None, number: int, epoch: UUID | None, today: date) -> Sequence[UUID] | None:
    """Whose templates differ from `loaded`; None when loading anew is necessary or cheaper."""
    if loaded is None or loaded.epoch != epoch or today < loaded.day:
        return None
    behind = number - loaded.snapshot.revision
    if not 0 <= behind <= KEPT_REVISIONS:
        return None
    limit = max(1000, int(REBUILD_SHARE * loaded.snapshot.people))
    changes = GalleryChange.objects.filter(revision__gt=loaded.snapshot.revision)
    people = list(changes.order_by().values_list("person_uuid", flat=True).distinct()[: limit + 1])
    people = list({*people, *_begun_or_over(loaded.day, today)})
    return people if len(people) <= limit else None


def _begun_or_over(last: date, today: date) -> Iterable[UUID]:
    """Whose days began, or ended, since `last`: midnight changes the gallery although nobody writes anything."""
    if last == today:
        return ()
    begun = Q(valid_from__gt=last, valid_from__lte=today)
    over = Q(valid_until__gte=last, valid_until__lt=today)
    return Person.objects.filter(begun | over).order_by().values_list("uuid", flat=True)


def _load(contract_id: str, dimension: int, number: int, epoch: UUID | None, today: date, note: Note) -> _Loaded:
    """A large snapshot is given out before its codes are made: slower searches for seconds, instead of none."""
    owners = owners_of_samples(today)
    ids: list[int] = []
    people: list[str] = []
    # A sample has one template at most. Joining parts at the end would need twice the memory for a while.
    matrix = np.empty((len(owners), dimension), np.float32)
    for chunk in template_chunks(contract_id, dimension):
        searched = [row for row in chunk if row[1] in owners]
        matrix[len(ids) : len(ids) + len(searched)] = matrix_from_bytes((row[2] for row in searched), dimension)
        ids.extend(row[0] for row in searched)
        people.extend(owners[row[1]] for row in searched)
        note(len(ids) / max(1, len(owners)))
    snapshot = GallerySnapshot.build(
        (ids, people, matrix[: len(ids)]), contract_id=contract_id, dimension=dimension, revision=number, coded=False
    )
    if snapshot.lacks_codes:
        # Not a daemon: ending the process while FAISS computes would crash it.
        threading.Thread(target=snapshot.code, name="gallery-codes").start()
    return _Loaded(snapshot, epoch, today, _grouped(zip(people, ids, strict=True)))


def owners_of_samples(day: date | None) -> dict[int, str]:
    """Sample's primary key -> uuid of its person, for people searched on a day (None: on some day) and samples that
    were not set aside.

    Joined here and not in SQL: three scans of what is needed beat a join that opens every row with a crop in it.
    """
    people = Person.objects.filter(searched_on(day)).order_by().values_list("pk", "uuid")
    uuids = {pk: str(uuid) for pk, uuid in people.iterator(chunk_size=CHUNK)}
    samples = FaceSample.objects.filter(set_aside=False).order_by().values_list("pk", "person_id")
    return {pk: uuids[person] for pk, person in samples.iterator(chunk_size=CHUNK) if person in uuids}


def template_chunks(contract_id: str, dimension: int) -> Iterator[list[tuple[int, int, Stored]]]:
    """(template id, sample's primary key, embedding in plain), by id; two short queries per chunk.

    What cannot be read is left out: the person was erased after the backup that this database comes from.
    """
    last = 0
    templates = FaceTemplate.objects.filter(contract_id=contract_id, dimension=dimension)
    rows = templates.order_by("pk").values_list("pk", "sample_id", "embedding")
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        yield _in_plain(chunk, contract_id)
        last = chunk[-1][0]


def _in_plain(rows: Sequence[tuple[int, int, Stored]], contract_id: str) -> list[tuple[int, int, Stored]]:
    plain = read_embeddings([(sample, stored) for _, sample, stored in rows], contract_id)
    return [(pk, sample, data) for (pk, sample, _), data in zip(rows, plain, strict=True) if data is not None]


def _patch(
    loaded: _Loaded, changed: Sequence[UUID], contract_id: str, dimension: int, number: int, today: date
) -> _Loaded:
    now = {row.template_id: row for row in rows_of(changed, contract_id, dimension, today)}
    owner_before = {template: str(uuid) for uuid in changed for template in loaded.templates_of.get(str(uuid), ())}
    # A template that a merge moved is added again: the snapshot then has it under its new owner.
    added = [row for template, row in now.items() if owner_before.get(template) != row.person_id]
    removed = owner_before.keys() - now.keys()
    templates_of = {**loaded.templates_of}
    for uuid in changed:
        templates_of.pop(str(uuid), None)
    templates_of.update(_grouped((row.person_id, row.template_id) for row in now.values()))
    snapshot = loaded.snapshot.updated(added=added, removed=removed, revision=number)
    return _Loaded(snapshot, loaded.epoch, today, templates_of)


def rows_of(people: Collection[UUID], contract_id: str, dimension: int, day: date | None) -> Iterator[TemplateRow]:
    remaining = iter(people)
    while some := list(islice(remaining, 200)):
        samples = FaceSample.objects.filter(searched_on(day, "person__"), person__uuid__in=some, set_aside=False)
        owners = dict(samples.order_by().values_list("pk", "person__uuid"))
        templates = FaceTemplate.objects.filter(sample__in=list(owners), contract_id=contract_id, dimension=dimension)
        rows = list(templates.order_by("pk").values_list("pk", "sample_id", "embedding"))
        for template, sample, embedding in _in_plain(rows, contract_id):
            yield TemplateRow(template, str(owners[sample]), vector_from_bytes(embedding))


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    groups: dict[str, list[int]] = {}
    for person, template in pairs:
        groups.setdefault(person, []).append(template)
    return {person: tuple(templates) for person, templates in groups.items()}
