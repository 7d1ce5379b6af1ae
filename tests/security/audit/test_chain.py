"""Which row broke the chain? Every way in which rows can be changed, removed or inserted, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from security.audit.chain import Broken, ChainCheck, Problem, Row, Seal, time_text
from security.audit.signing import SigningKey

KEY = SigningKey(b"k" * 32)
OTHER_KEY = SigningKey(b"o" * 32)
FIELDS = ["at", "action", "actor", "target", "facts", "source"]


def a_chain(rows: int = 8, first: int = 1, previous: str = "") -> list[Row]:
    chain: list[Row] = []
    for number in range(first, first + rows):
        before = chain[-1].hash if chain else previous
        row = Row(
            number, "2026-01-01T00:00:00.000000+00:00", "policy.saved", "product", "", {"n": number}, "", before, ""
        )
        chain.append(replace(row, hash=row.digest()))
    return chain


def rehashed(row: Row, **values) -> Row:
    changed = replace(row, **values)
    return replace(changed, hash=changed.digest())


def problem_of(items, *, number: int | None = None, row_hash: str | None = None) -> Problem | None:
    rows = [item for item in items if isinstance(item, Row)]
    check = ChainCheck({KEY.public.key_id: KEY.public})
    try:
        check.walk(items)
        check.end(rows[-1].number if number is None else number, rows[-1].hash if row_hash is None else row_hash)
    except Broken as broken:
        return broken.problem
    return None


def found(items, **end) -> tuple[str, int]:
    problem = problem_of(items, **end)
    assert problem is not None
    assert f"{problem.number}" in problem.sentence
    return problem.kind, problem.number


class TestAWholeChain:
    def test_is_whole(self):
        assert problem_of(a_chain()) is None

    def test_needs_no_row(self):
        assert problem_of([], number=0, row_hash="") is None

    def test_tells_what_was_seen(self):
        chain = a_chain(3)
        check = ChainCheck({KEY.public.key_id: KEY.public})
        check.walk([*chain, KEY.seal(Seal.DAY, 3, chain[2].hash)])
        report = check.report
        assert (report.rows, report.first, report.through, report.seals, report.sealed_through) == (3, 1, 3, 1, 3)


class TestARowThatWasChanged:
    @pytest.mark.parametrize("field", FIELDS)
    def test_is_named_whichever_field_it_was(self, field):
        chain = a_chain()
        values: dict[str, Any] = {field: {"n": 5} if field == "facts" else "2026-02-01T00:00:00.000000+00:00"}
        chain[3] = replace(chain[3], **values)
        assert found(chain) == ("changed", 4)

    def test_is_named_with_a_hash_that_fits_it(self):
        chain = a_chain()
        chain[3] = rehashed(chain[3], actor="operator:1")
        assert found(chain) == ("changed", 4)

    def test_is_named_when_it_is_the_last_one(self):
        chain = a_chain()
        assert found([*chain[:-1], rehashed(chain[-1], actor="x")], row_hash=chain[-1].hash) == ("changed", 8)

    def test_is_named_when_it_is_the_first_one(self):
        chain = a_chain()
        assert found([rehashed(chain[0], actor="x"), *chain[1:]]) == ("changed", 1)

    def test_and_everything_behind_it_does_not_fit_the_seal(self):
        chain = a_chain()
        seals = {3: KEY.seal(Seal.DAY, 3, chain[2].hash), 6: KEY.seal(Seal.DAY, 6, chain[5].hash)}
        again = a_chain(4, first=5, previous=rehashed(chain[3], actor="x").hash)
        rewritten = [*chain[:3], rehashed(chain[3], actor="x"), *again]
        items = [item for row in rewritten for item in (row, *([seals[row.number]] if row.number in seals else []))]
        assert problem_of(rewritten) is None  # the chain alone cannot tell
        assert found(items) == ("changed", 4)


class TestARowThatWasRemoved:
    @pytest.mark.parametrize("number", [1, 2, 5, 7])
    def test_is_named(self, number):
        chain = a_chain()
        del chain[number - 1]
        assert found(chain) == ("removed", number)

    def test_is_named_when_the_rows_behind_it_were_renumbered(self):
        chain = a_chain()
        del chain[3]
        chain[3:] = [replace(row, number=row.number - 1) for row in chain[3:]]
        assert found(chain) == ("removed", 4)

    def test_is_named_when_it_was_the_last(self):
        chain = a_chain()
        assert found(chain[:-1], number=8, row_hash=chain[-1].hash) == ("removed", 8)

    def test_is_missed_by_a_seal_when_the_end_was_rewritten_too(self):
        chain = a_chain()
        assert found([*chain[:6], KEY.seal(Seal.DAY, 8, chain[-1].hash)]) == ("removed", 7)

    def test_is_missed_when_all_of_them_went(self):
        assert found([KEY.seal(Seal.DAY, 8, "x")], number=0, row_hash="") == ("removed", 1)


class TestARowThatWasInserted:
    def test_is_named_where_the_rows_behind_it_were_renumbered(self):
        chain = a_chain()
        new = rehashed(chain[3], actor="x", previous_hash=chain[2].hash)
        chain[3:] = [new, *(replace(row, number=row.number + 1) for row in chain[3:])]
        assert found(chain) == ("inserted", 4)

    def test_is_named_with_a_hash_that_fits_nothing(self):
        chain = a_chain()
        new = replace(chain[3], actor="x")
        chain[3:] = [new, *(replace(row, number=row.number + 1) for row in chain[3:])]
        assert found(chain) == ("inserted", 4)

    def test_is_named_when_its_number_is_there_twice(self):
        chain = a_chain()
        chain.insert(4, chain[3])
        assert found(chain) == ("inserted", 4)

    def test_is_named_behind_the_end(self):
        chain = a_chain()
        more = a_chain(1, first=9, previous=chain[-1].hash)
        assert found([*chain, *more], number=8, row_hash=chain[-1].hash) == ("inserted", 9)


class TestSeals:
    def test_are_refused_with_another_signature(self):
        chain = a_chain()
        seal = KEY.seal(Seal.DAY, 8, chain[-1].hash)
        assert found([*chain, replace(seal, at="2020-01-01T00:00:00.000000+00:00")]) == ("seal", 8)

    def test_of_another_key_are_not_believed(self):
        chain = a_chain()
        assert found([*chain, OTHER_KEY.seal(Seal.DAY, 8, chain[-1].hash)]) == ("key", 8)

    def test_an_anchor_stands_for_the_rows_that_retention_took_away(self):
        chain = a_chain()
        assert problem_of([KEY.seal(Seal.ANCHOR, 3, chain[2].hash), *chain[3:]]) is None

    def test_a_daily_seal_does_not(self):
        chain = a_chain()
        assert found([KEY.seal(Seal.DAY, 3, chain[2].hash), *chain[3:]]) == ("removed", 1)

    def test_what_is_missing_behind_an_anchor_is_named(self):
        chain = a_chain()
        assert found([KEY.seal(Seal.ANCHOR, 3, chain[2].hash), *chain[5:]]) == ("removed", 4)


class TestTimeText:
    def test_is_the_same_in_every_zone_and_keeps_microseconds(self):
        at = datetime(2026, 5, 3, 12, 0, 0, 0, UTC)
        assert (
            time_text(at)
            == time_text(at.astimezone(timezone(timedelta(hours=9))))
            == "2026-05-03T12:00:00.000000+00:00"
        )
