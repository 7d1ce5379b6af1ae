"""The chain in the database: read from its beginning in bounded memory, and checked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db.models import Max, Q

from security.audit import problems
from security.audit.chain import NO_HASH, Broken, ChainCheck, Problem, Report, Row, Seal, time_text
from security.audit.signing import VerifyingKey, known_public_key
from security.models import AuditCheck, AuditEvent, AuditHead, AuditSeal

CHUNK = 2_000
"""Rows in memory at a time."""


def verify_stored(more_keys: Iterable[VerifyingKey] = (), *, progress: Callable[[int], None] | None = None) -> Report:
    """Check every row, seal and the chain's end, and keep the result for the page. Writers need not wait.

    more_keys: public keys that this site signed with before. progress: called with the number of rows looked at.
    """
    # In this order: rows that are written meanwhile come behind the end that is read here.
    sealed = AuditSeal.objects.aggregate(last=Max("number"))["last"] or 0
    number, end_hash = AuditHead.objects.values_list("number", "hash").filter(pk=AuditHead.SINGLETON_PK).first() or (
        0,
        NO_HASH,
    )
    check = ChainCheck(_keys(more_keys))
    try:
        check.walk(stored_items(through=max(number, sealed), progress=progress))
        check.end(number, end_hash)
        _refuse_rows_behind(number)
    except Broken as broken:
        check.report.problem = broken.problem
    _remember(check.report, whole=True)
    return check.report


def check_since(last: AuditSeal | None, end: AuditHead) -> Problem | None:
    """Check the rows behind the last seal up to `end`; the result is kept for the page."""
    check = ChainCheck({}, after=(last.number, last.hash) if last else None)
    try:
        if last is None:
            check.keys = _keys(())
        check.walk(stored_items(through=end.number) if last is None else _rows(after=last.number, through=end.number))
        check.end(end.number, end.hash)
    except Broken as broken:
        check.report.problem = broken.problem
    _remember(check.report, whole=last is None)
    return check.report.problem


def stored_items(*, through: int, progress: Callable[[int], None] | None = None) -> Iterator[Row | Seal]:
    """Rows by rising number, each followed by its seals; before the first one the anchor that it hangs on."""
    seals: deque[Seal] | None = None
    for done, row in enumerate(_rows(after=-1, through=through), start=1):
        if seals is None:
            seals = deque(_seals(first=row.number - 1, through=through))
        while seals and seals[0].number < row.number:
            yield seals.popleft()
        yield row
        while seals and seals[0].number == row.number:
            yield seals.popleft()
        if progress and done % CHUNK == 0:
            progress(done)
    yield from _seals(first=0, through=through) if seals is None else seals


def _rows(*, after: int, through: int) -> Iterator[Row]:
    """Read in chunks by number: MySQL's driver would fetch everything at once from one query."""
    fields = ("number", "at", "action", "actor", "target", "facts", "source", "previous_hash", "hash")
    rows = AuditEvent.objects.order_by("number").values_list(*fields)
    while chunk := list(rows.filter(number__gt=after, number__lte=through)[:CHUNK]):
        after = chunk[-1][0]
        for number, at, *rest in chunk:
            yield Row(number, time_text(at), *rest)


def _seals(*, first: int, through: int) -> Sequence[Seal]:
    """Those of the rows behind `first`, and every anchor: the newest one says what retention took away."""
    wanted = Q(kind=Seal.ANCHOR) | Q(number__gt=first)
    rows = AuditSeal.objects.filter(wanted, number__lte=through).order_by("number", "pk")
    return [Seal(seal.kind, seal.number, seal.hash, time_text(seal.at), seal.key, seal.signature) for seal in rows]


def _refuse_rows_behind(number: int) -> None:
    """A row behind the chain's end that the end, read again, still does not know was not written by the product."""
    last = AuditEvent.objects.aggregate(last=Max("number"))["last"] or 0
    end = AuditHead.objects.filter(pk=AuditHead.SINGLETON_PK).values_list("number", flat=True).first() or 0
    if last > max(end, number):
        row = max(end, number) + 1
        raise Broken("inserted", row, problems.BEHIND_THE_END.format(row=row))


def _keys(more: Iterable[VerifyingKey]) -> dict[str, VerifyingKey]:
    own = known_public_key()
    return {key.key_id: key for key in (*more, *([own] if own else []))}


def _remember(report: Report, *, whole: bool) -> None:
    problem = report.problem.sentence[:300] if report.problem else ""
    AuditCheck.objects.create(whole=whole, rows=report.rows, through=report.through, problem=problem)
