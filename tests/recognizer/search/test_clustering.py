from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recognizer.images import UPLOAD_LIMITS
from recognizer.search.clustering import cluster_embeddings
from recognizer.types import Vector


def unit(vectors: NDArray[np.float64]) -> Vector:
    normalised: Vector = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return normalised


def crowd(seed: int, people: int, each: int, noise: float = 0.25, dimension: int = 16) -> Vector:
    """`each` vectors around every one of `people` directions."""
    random = np.random.default_rng(seed)
    centres = unit(random.normal(size=(people, dimension)))
    return unit(np.repeat(centres, each, axis=0) + noise * random.normal(size=(people * each, dimension)))


def by_hand(vectors: Vector, threshold: float) -> set[frozenset[int]]:
    """Average linkage as one would write it down: always merge the best pair."""
    similarity = vectors @ vectors.T
    groups = [frozenset([row]) for row in range(len(vectors))]
    while len(groups) > 1:
        score, one, other = max(
            ((float(similarity[np.ix_(list(a), list(b))].mean()), a, b) for a, b in combinations(groups, 2)),
            key=lambda found: found[0],
        )
        if score < threshold:
            break
        groups = [group for group in groups if group not in (one, other)] + [one | other]
    return set(groups)


class TestClusterEmbeddings:
    @given(seed=st.integers(0, 10_000), count=st.integers(1, 18), threshold=st.floats(-0.2, 0.95))
    def test_gives_what_merging_the_best_pair_again_and_again_gives(self, seed, count, threshold):
        vectors = unit(np.random.default_rng(seed).normal(size=(count, 6)))
        found = cluster_embeddings(vectors, threshold)
        assert {frozenset(rows) for rows in found} == by_hand(vectors, threshold)

    @given(seed=st.integers(0, 10_000), count=st.integers(0, 40), threshold=st.floats(-0.5, 1.5))
    def test_every_face_is_in_exactly_one_group_and_large_groups_come_first(self, seed, count, threshold):
        vectors = unit(np.random.default_rng(seed).normal(size=(count, 8)))
        groups = cluster_embeddings(vectors, threshold)
        assert sorted(row for rows in groups for row in rows) == list(range(count))
        assert [len(rows) for rows in groups] == sorted(map(len, groups), reverse=True)

    @given(seed=st.integers(0, 10_000), threshold=st.floats(0.1, 0.9))
    def test_the_order_of_arrival_changes_nothing(self, seed, threshold):
        vectors = crowd(seed, people=4, each=5)
        order = np.random.default_rng(seed).permutation(len(vectors))
        direct = {frozenset(rows) for rows in cluster_embeddings(vectors, threshold)}
        shuffled = cluster_embeddings(vectors[order], threshold)
        assert {frozenset(int(order[row]) for row in rows) for rows in shuffled} == direct

    def test_the_threshold_is_inclusive(self):
        vectors = np.array([[1, 0], [0.6, 0.8]], np.float32)
        assert cluster_embeddings(vectors, 0.6) == [[0, 1]]
        assert cluster_embeddings(vectors, 0.601) == [[0], [1]]

    def test_the_same_picture_many_times_is_one_group(self):
        assert cluster_embeddings(np.tile(np.eye(8, dtype=np.float32)[0], (30, 1)), 0.9) == [list(range(30))]

    def test_lookalikes_do_not_chain_strangers_together(self):
        """Neighbours 30 degrees apart (cosine 0.87), the ends at right angles."""
        angles = np.radians([0, 30, 60, 90])
        chain = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        assert len(cluster_embeddings(chain, 0.8)) == 2

    def test_nobody_is_no_group(self):
        assert cluster_embeddings(np.empty((0, 8), np.float32), 0.4) == []

    def test_two_thousand_faces_of_a_hundred_people_are_told_apart(self):
        vectors = crowd(1, people=100, each=20, noise=0.04, dimension=128)
        assert {frozenset(rows) for rows in cluster_embeddings(vectors, 0.5)} == {
            frozenset(range(start, start + 20)) for start in range(0, 2000, 20)
        }

    def test_real_pictures_of_three_people_are_three_groups(self, engine, shared_faces: Path):
        folders = [shared_faces / "eval" / name for name in ("Amelia_Vega", "Bill_Gates", "Bulent_Ecevit")]
        pictures = [path for folder in folders for path in sorted(folder.glob("*.jpg"))[1:4]]
        faces = [engine.analyze(engine.decode(path.read_bytes(), UPLOAD_LIMITS)).faces[0] for path in pictures]
        vectors = np.stack([face.embedding for face in faces])
        threshold = engine.pack.thresholds[1e-4].match
        assert cluster_embeddings(vectors, threshold) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
