from __future__ import annotations

from itertools import combinations

import numpy as np

from benchmarks.groups import RANGES, measure
from recognizer.search.cohort import Cohort
from recognizer.stages.embedding import normalize_rows
from recognizer.types import DecisionPolicy, Vector

POLICY = DecisionPolicy(match_threshold=0.4, uncertain_threshold=0.33, fmr=1e-4, min_margin=0.0)
MATCHES = np.linspace(0.4, 0.9, 100, dtype=np.float32)


def around(spread: float, count: int, seed: int) -> Vector:
    noise = normalize_rows(np.random.default_rng(seed).standard_normal((count, 64)).astype(np.float32))
    return normalize_rows(np.eye(64, dtype=np.float32)[0] + spread * noise)


class TestMeasure:
    def test_pairs_of_one_kind_match_and_do_not_pass_a_gate_of_strangers_of_that_kind(self):
        found = measure(around(0.9, 60, 1), POLICY, Cohort(around(0.9, 200, 2), gate=4.0), MATCHES)
        assert found.pairs == 60 * 59 // 2
        assert found.matching > 0.9 * found.pairs
        assert (found.past_gate, found.named_past_gate) == (0, 0)
        assert found.named > 0
        assert found.needed > 0.6
        assert 0.4 < found.lost <= 1.0

    def test_too_few_faces_are_not_searched(self):
        found = measure(around(0.9, 30, 1), POLICY, Cohort(around(0.9, 200, 2), gate=4.0), MATCHES)
        assert (found.searches, found.named) == (0, 0)


def test_no_face_is_in_two_groups_but_for_all_together():
    faces = {
        group: {at for span in ranges.split() for at in range(*map(int, span.split("-")))}
        for group, ranges in RANGES.items()
    }
    together = faces.pop("men and women, all labels")
    assert not any(one & other for one, other in combinations(faces.values(), 2))
    assert all(own <= together for group, own in faces.items() if "label" in group)
    assert max(map(max, faces.values())) < 9_772
