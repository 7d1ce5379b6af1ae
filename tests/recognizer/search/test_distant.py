"""An engine that only proposes, and a truth that decides. (Here a matrix; the real engine has its own tests.)"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pytest

from recognizer.errors import ContractMismatch
from recognizer.search import distant
from recognizer.search.blocks import TemplateRow
from recognizer.search.distant import DistantGallery, LastRead, Proposal
from recognizer.search.gallery import GallerySnapshot
from tests.recognizer.search.test_gallery import random_units

DIMENSION = 16


class Matrix:
    """As an exact engine: float32, rows that nobody may find any more among them."""

    def __init__(self, rows: list[TemplateRow]) -> None:
        self.rows, self.asked = rows, list[int]()

    def propose(self, probe, count):
        self.asked.append(count)
        scored = [Proposal(row.person_id, float(np.float32(row.embedding @ probe))) for row in self.rows]
        return sorted(scored, key=lambda proposal: -proposal.score)[:count]


@pytest.fixture
def rows() -> list[TemplateRow]:
    """300 templates of 100 people; two people share one vector."""
    vectors = random_units(300, DIMENSION)
    vectors[17] = vectors[200]
    return [TemplateRow(number + 1, f"p{number % 100}", vector) for number, vector in enumerate(vectors)]


def whole(rows: list[TemplateRow]) -> GallerySnapshot:
    return GallerySnapshot.build(rows, contract_id="c", dimension=DIMENSION, revision=3)


def beside(rows: list[TemplateRow], index: Matrix, changed: Collection[str] = ()) -> DistantGallery:
    """rows: the truth."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.person_id] = counts.get(row.person_id, 0) + 1
    return DistantGallery(
        index=index,
        read=lambda people: [row for row in rows if row.person_id in set(people)],
        counts=counts,
        recent=whole([row for row in rows if row.person_id in changed]),
        changed=changed,
        contract_id="c",
        dimension=DIMENSION,
        revision=3,
        templates=len(rows),
    )


class TestDistantGallery:
    @pytest.mark.parametrize("changed", [(), ("p17", "p3"), tuple(f"p{number}" for number in range(100))])
    def test_answers_as_the_gallery_in_the_process(self, rows, changed):
        here, there = whole(rows), beside(rows, Matrix(rows), changed)
        for probe in [*random_units(20, DIMENSION, seed=5), rows[17].embedding]:
            for limit in (1, 2, 5):
                assert there.search(probe, limit) == here.search(probe, limit)
            assert there.compare(probe, "p17") == here.compare(probe, "p17")
            assert there.scores(probe, "p3") == here.scores(probe, "p3")
            templates = [gallery.best_template(probe, "p3") for gallery in (here, there)]
            assert len({template.tobytes() for template in templates if template is not None}) == 1
        own = [18, 4]
        assert there.without(own).search(rows[17].embedding, 3) == here.without(own).search(rows[17].embedding, 3)

    def test_asks_for_more_until_nobody_who_was_left_out_can_be_better(self, rows):
        """The engine still holds a hundred rows of erased people, all nearer than anybody else."""
        probe = random_units(1, DIMENSION, seed=9)[0]
        stale = [TemplateRow(1_000 + number, f"erased{number}", probe) for number in range(100)]
        index = Matrix([*stale, *rows])
        assert beside(rows, index).search(probe, 2) == whole(rows).search(probe, 2)
        assert index.asked == [64, 256]

    def test_believes_no_owner_that_the_truth_does_not_confirm(self, rows):
        """A row that a merge moved is still under its former owner's name in the engine."""
        moved = [replace(row, person_id="p9") if row.person_id == "p8" else row for row in rows]
        there = beside(moved, Matrix(rows), changed=("p8", "p9"))
        probe = rows[8].embedding
        assert there.search(probe, 1)[0].person_id == "p9"
        assert "p8" not in there

    def test_knows_nobody_where_nobody_is(self, rows):
        empty = beside([], Matrix(rows))
        assert (empty.people, empty.search(rows[0].embedding), empty.compare(rows[0].embedding, "p0")) == (0, [], None)

    def test_refuses_probes_of_another_space(self, rows):
        there = beside(rows, Matrix(rows))
        with pytest.raises(ContractMismatch):
            there.search(random_units(1, 8)[0])
        with pytest.raises(ContractMismatch, match="another"):
            there.require_contract("another")


class TestLastRead:
    def test_forgets_who_changed_and_whoever_was_not_seen_for_longest(self, rows, monkeypatch):
        monkeypatch.setattr(distant, "REMEMBERED", 2)
        remembered = LastRead()
        for person in ("a", "b", "c"):
            remembered.keep(person, rows[:1])
        assert [remembered.get(person) is None for person in ("a", "b", "c")] == [True, False, False]
        assert remembered.without({"b"}).get("b") is None
