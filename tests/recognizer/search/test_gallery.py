"""The gallery against a plain numpy search over the same templates."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognizer.errors import ContractMismatch
from recognizer.search import blocks
from recognizer.search import gallery as gallery_module
from recognizer.search.blocks import TemplateRow
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import Candidate, Vector
from tests.support.floats import approx_candidates

# All inner products of these are exact in float32, so ties are real ties.
CORNERS: list[Vector] = [
    *np.concatenate([np.eye(4), -np.eye(4)]).astype(np.float32),
    *np.array(list(product((0.5, -0.5), repeat=4)), dtype=np.float32),
]
PEOPLE = ["anna", "bert", "cleo", "dora"]


def reference_search(rows: dict[int, tuple[str, Vector]], probe: Vector, limit: int) -> list[Candidate]:
    best: dict[str, Candidate] = {}
    for template_id, (person, embedding) in rows.items():
        found = Candidate(person, template_id, float(np.float32(np.dot(embedding.astype(float), probe.astype(float)))))
        if person not in best or rank(found) < rank(best[person]):
            best[person] = found
    return sorted(best.values(), key=rank)[:limit]


def rank(candidate: Candidate) -> tuple[float, int]:
    return -candidate.comparison_score, candidate.template_id


def random_units(count: int, dimension: int, seed: int = 0) -> Vector:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def build(rows: dict[int, tuple[str, Vector]], *, dimension: int = 4, revision: int = 1) -> GallerySnapshot:
    listed = [TemplateRow(template_id, person, vector) for template_id, (person, vector) in rows.items()]
    return GallerySnapshot.build(listed, contract_id="space-a", dimension=dimension, revision=revision)


def build_random(count: int, dimension: int, per_person: int = 4) -> tuple[GallerySnapshot, Vector]:
    matrix = random_units(count, dimension)
    people = [f"p{row // per_person}" for row in range(count)]
    return GallerySnapshot.build(
        (list(range(count)), people, matrix), contract_id="space-a", dimension=dimension, revision=1
    ), matrix


@pytest.fixture
def tiny_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mechanism of a large gallery (codes, compaction, growing shortlists) already in a small one."""
    monkeypatch.setattr(blocks, "CODED_FROM", 10)
    monkeypatch.setattr(blocks, "LISTED", 0)
    monkeypatch.setattr(gallery_module, "SMALL_BLOCK_LIMIT", 8)
    monkeypatch.setattr(blocks, "SHORTLIST", 2)


rows_strategy = st.dictionaries(
    st.integers(0, 40), st.tuples(st.sampled_from(PEOPLE), st.sampled_from(CORNERS)), max_size=30
)


class TestSearch:
    @given(rows=rows_strategy, probe=st.sampled_from(CORNERS), limit=st.integers(1, 6))
    def test_answers_like_numpy_also_when_scores_tie(self, rows, probe, limit):
        assert build(rows).search(probe, limit) == reference_search(rows, probe, limit)

    def test_of_an_empty_gallery_finds_nobody(self):
        empty = build({})
        assert empty.search(CORNERS[0]) == []
        assert (empty.people, empty.templates) == (0, 0)

    def test_still_finds_five_people_when_one_has_a_thousand_templates(self):
        crowd = random_units(1, 64)[0] + random_units(1_000, 64, seed=1) * 0.1
        crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
        others = random_units(40, 64, seed=2)
        rows = {n: ("crowd", v) for n, v in enumerate(crowd)} | {2_000 + n: (f"p{n}", v) for n, v in enumerate(others)}
        probe = random_units(1, 64)[0]

        found = build(rows, dimension=64).search(probe, 5)

        assert found == approx_candidates(reference_search(rows, probe, 5), 64)
        assert len({candidate.person_id for candidate in found}) == 5

    @pytest.mark.parametrize("count", [60, 300, 2_000])
    def test_tells_apart_what_float32_sums_cannot(self, count):
        """Faces that all but equal each other, three of each person: the order and the scores are float64's."""
        matrix = random_units(1, 512) + random_units(count, 512, seed=1) * 1e-5
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        rows = {n: (f"p{n % (count // 3)}", vector) for n, vector in enumerate(matrix)}
        snapshot = build(rows, dimension=512)
        moved = [TemplateRow(n, *rows[n]) for n in range(0, count, 7)]  # into the small block
        changed = snapshot.updated(added=moved, revision=2)
        for probe in random_units(5, 512, seed=3):
            expected = reference_search(rows, probe, 5)
            assert snapshot.search(probe, 5) == expected
            assert changed.search(probe, 5) == expected

    def test_gives_all_people_when_more_are_asked_for_than_there_are(self):
        rows = {1: ("anna", CORNERS[0]), 2: ("bert", CORNERS[1])}
        assert [c.person_id for c in build(rows).search(CORNERS[0], 10)] == ["anna", "bert"]

    def test_asked_for_no_candidates_gives_none(self):
        assert build({1: ("anna", CORNERS[0])}).search(CORNERS[0], 0) == []

    @pytest.mark.parametrize("dimension", [48, 128, 512])
    def test_of_quantised_templates_is_exact(self, dimension, tiny_limits):
        snapshot, matrix = build_random(3_000, dimension)
        rows = {n: (f"p{n // 4}", vector) for n, vector in enumerate(matrix)}
        for probe in random_units(20, dimension, seed=5):
            assert snapshot.search(probe, 5) == approx_candidates(reference_search(rows, probe, 5), dimension)

    def test_is_the_same_before_and_after_the_codes_of_a_snapshot_came(self, tiny_limits):
        matrix = random_units(2_000, 64)
        people = [f"p{n // 4}" for n in range(2_000)]
        snapshot = GallerySnapshot.build(
            (list(range(2_000)), people, matrix), contract_id="space-a", dimension=64, revision=1, coded=False
        )
        derived = snapshot.updated(removed=[1_999], revision=2)
        probes = random_units(10, 64, seed=5)
        before = [snapshot.search(probe, 5) for probe in probes]
        snapshot.code()
        assert derived._large.codes is not None
        assert [snapshot.search(probe, 5) for probe in probes] == before

    def test_of_quantised_templates_is_exact_when_one_dimension_dwarfs_the_others(self, tiny_limits):
        matrix = random_units(500, 64)
        matrix[:, 3] += 5.0
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        rows = {n: (f"p{n}", vector) for n, vector in enumerate(matrix)}
        snapshot = build(rows, dimension=64)
        for probe in matrix[:10]:
            assert snapshot.search(probe, 3) == approx_candidates(reference_search(rows, probe, 3), 64)

    def test_of_quantised_templates_is_exact_for_more_people_than_the_codes_would_list(self, tiny_limits):
        snapshot, matrix = build_random(5_000, 16)
        rows = {n: (f"p{n // 4}", vector) for n, vector in enumerate(matrix)}
        expected = approx_candidates(reference_search(rows, matrix[7], 1_100), 16)
        assert snapshot.search(matrix[7], 1_100) == expected

    def test_of_near_equal_quantised_templates_is_exact(self, tiny_limits):
        matrix = random_units(1, 64) + random_units(400, 64, seed=2) * 0.01
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        rows = {n: (f"p{n}", vector) for n, vector in enumerate(matrix)}
        snapshot = build(rows, dimension=64)
        for probe in random_units(10, 64, seed=3):
            assert snapshot.search(probe, 5) == approx_candidates(reference_search(rows, probe, 5), 64)

    def test_of_many_equal_templates_names_the_lowest_ids(self, tiny_limits):
        vector = random_units(1, 64)[0]
        rows = {n: (f"p{n:03}", vector) for n in range(200)}
        assert [c.template_id for c in build(rows, dimension=64).search(vector, 3)] == [0, 1, 2]

    def test_from_many_threads_answers_as_from_one(self):
        snapshot, matrix = build_random(2_000, 64)
        alone = [snapshot.search(probe) for probe in matrix[:40]]
        together: list[list[list[Candidate]]] = []
        threads = [
            threading.Thread(target=lambda: together.append([snapshot.search(probe) for probe in matrix[:40]]))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert together == [alone] * 4


class TestInnerProducts:
    def test_wake_no_threads_of_the_linear_algebra(self):
        """They would spin on the cores that the models need: a process of its own counts everybody's time."""
        code = """
import time
import numpy as np
from recognizer.search.blocks import inner_products
matrix, rows = np.ones((10_000, 512), np.float32), np.arange(2_000)
before = time.process_time() - time.thread_time()
for _ in range(100):
    inner_products(matrix, matrix[0])
    inner_products(matrix, matrix[0], rows)
print(time.process_time() - time.thread_time() - before)
"""
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert float(done.stdout) < 0.01


class TestRefusals:
    def test_a_probe_with_nan_is_refused(self):
        probe = np.array([np.nan, 0, 0, 1], dtype=np.float32)
        with pytest.raises(ValueError, match="L2-normalised"):
            build({1: ("anna", CORNERS[0])}).search(probe)

    def test_a_probe_that_is_not_normalised_is_refused(self):
        with pytest.raises(ValueError, match="length 2"):
            build({1: ("anna", CORNERS[0])}).compare(CORNERS[0] * 2, "anna")

    def test_a_probe_of_another_dimension_is_refused(self):
        with pytest.raises(ContractMismatch, match="4 values"):
            build({1: ("anna", CORNERS[0])}).search(random_units(1, 5)[0])

    def test_an_engine_of_another_contract_is_refused(self):
        snapshot = build({})
        snapshot.require_contract("space-a")
        with pytest.raises(ContractMismatch, match="rebuild_templates"):
            snapshot.require_contract("space-b")

    def test_a_template_of_another_dimension_is_named(self):
        with pytest.raises(ContractMismatch, match="Template 7"):
            build({1: ("anna", CORNERS[0]), 7: ("bert", random_units(1, 5)[0])})

    def test_a_matrix_of_the_wrong_shape_is_refused(self):
        with pytest.raises(ContractMismatch, match="2 templates"):
            GallerySnapshot.build(([1, 2], ["a", "b"], random_units(1, 4)), contract_id="x", dimension=4, revision=1)

    @pytest.mark.parametrize("damage", [np.nan, 9.0])
    def test_a_damaged_template_is_named(self, damage):
        vector = CORNERS[0].copy()
        vector[2] = damage
        with pytest.raises(ValueError, match="template ids 12"):
            build({1: ("anna", CORNERS[0]), 12: ("bert", vector)})

    def test_a_template_id_that_occurs_twice_is_refused(self):
        rows = [TemplateRow(1, "anna", CORNERS[0]), TemplateRow(1, "bert", CORNERS[1])]
        with pytest.raises(ValueError, match="twice"):
            GallerySnapshot.build(rows, contract_id="x", dimension=4, revision=1)


class TestUpdated:
    # The fixture only sets limits, once.
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(
        start=rows_strategy,
        changes=st.lists(st.tuples(rows_strategy, st.sets(st.integers(0, 45), max_size=10)), max_size=6),
        probe=st.sampled_from(CORNERS),
    )
    def test_any_row_of_changes_answers_like_a_gallery_built_anew(self, tiny_limits, start, changes, probe):
        rows, snapshot = dict(start), build(start)
        for revision, (added, removed) in enumerate(changes, start=2):
            rows = {n: row for n, row in rows.items() if n not in removed} | added
            new_rows = [TemplateRow(n, person, vector) for n, (person, vector) in added.items()]
            snapshot = snapshot.updated(added=new_rows, removed=removed, revision=revision)

            for limit in (1, 4):
                assert snapshot.search(probe, limit) == reference_search(rows, probe, limit)
            assert snapshot.templates == len(rows)
            assert snapshot.people == len({person for person, _ in rows.values()})
            for person in PEOPLE:
                own = {n: row for n, row in rows.items() if row[0] == person}
                assert snapshot.compare(probe, person) == next(iter(reference_search(own, probe, 1)), None)
                assert (person in snapshot) == bool(own)

    def test_leaves_the_older_snapshot_as_it_was(self):
        before = build({1: ("anna", CORNERS[0]), 2: ("bert", CORNERS[1])})
        after = before.updated(added=[TemplateRow(3, "cleo", CORNERS[2])], removed=[1], revision=2)

        assert (before.revision, before.people, before.search(CORNERS[0], 1)[0].person_id) == (1, 2, "anna")
        assert (after.revision, after.people, "anna" in after) == (2, 2, False)
        assert after.contract_id == before.contract_id

    def test_of_a_large_gallery_shares_its_templates(self):
        before, matrix = build_random(5_000, 16)
        after = before.updated(added=[TemplateRow(9_000, "new", matrix[0])], removed=[17], revision=2)

        assert after._large is before._large
        assert (before.templates, after.templates) == (5_000, 5_000)

    def test_joins_the_blocks_when_the_small_one_has_grown(self, tiny_limits):
        before, matrix = build_random(50, 16)
        added = [TemplateRow(100 + n, f"new{n}", vector) for n, vector in enumerate(random_units(20, 16, seed=3))]
        after = before.updated(added=added, revision=2)

        assert (len(after._large), len(after._small), after.templates) == (70, 0, 70)
        assert after._large.codes is not None
        assert after.search(matrix[9], 1)[0].template_id == 9

    def test_drops_removed_templates_from_memory_when_many_are_gone(self, tiny_limits):
        before, _ = build_random(200, 16)
        after = before.updated(removed=range(100), revision=2)
        assert len(after._large) == 100

    def test_refuses_a_bad_template(self):
        with pytest.raises(ContractMismatch):
            build({}).updated(added=[TemplateRow(1, "anna", random_units(1, 5)[0])], revision=2)


class TestCompare:
    def test_gives_the_best_template_of_the_claimed_person_only(self):
        rows = {1: ("anna", CORNERS[1]), 2: ("anna", CORNERS[8]), 3: ("bert", CORNERS[0])}
        assert build(rows).compare(CORNERS[0], "anna") == Candidate("anna", 2, 0.5)

    def test_of_somebody_without_templates_gives_nothing(self):
        assert build({1: ("anna", CORNERS[0])}).compare(CORNERS[0], "bert") is None

    def test_gives_all_scores_of_a_person_best_first(self):
        rows = {1: ("anna", CORNERS[1]), 2: ("anna", CORNERS[8]), 3: ("bert", CORNERS[0]), 4: ("anna", CORNERS[0])}
        assert build(rows).scores(CORNERS[0], "anna") == [1.0, 0.5, 0.0]
        assert build(rows).scores(CORNERS[0], "cleo") == []


class TestReaching:
    @pytest.mark.parametrize("count", [0, 40, 900, 20_000])  # the last with codes
    def test_gives_what_searches_give_from_the_threshold_on(self, count):
        gallery, _ = build_random(count, 16)
        probes = random_units(6, 16, seed=3)
        gallery = gallery.updated(added=[TemplateRow(count, "late", probes[0])], revision=2)
        expected = [[each for each in gallery.search(probe, 7) if each.comparison_score >= 0.6] for probe in probes]
        assert gallery.reaching(probes, 0.6, 7) == expected
        assert expected[0][0].person_id == "late"

    def test_refuses_probes_that_are_none(self):
        gallery, _ = build_random(40, 16)
        with pytest.raises(ValueError, match="normalised"):
            gallery.reaching(np.zeros((1, 16), np.float32), 0.5, 5)
