"""Two-bit codes: what they list, and whether the ceilings on the scores hold as often as they are said to."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.search import codes as codes_module
from recognizer.search.codes import Codes, random_rotation
from recognizer.types import Vector
from tests.support.floats import approx_cosine

ROWS, PROBES = 2_000, 40


def unit(vectors: NDArray[np.float64]) -> Vector:
    normalised: Vector = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return normalised


def spread(count: int, dimension: int, random: np.random.Generator) -> Vector:
    return unit(random.standard_normal((count, dimension)))


def few_directions(count: int, dimension: int, random: np.random.Generator) -> Vector:
    return unit(random.standard_normal((count, dimension)) * np.exp(-np.arange(dimension) / 10))


def one_value(count: int, dimension: int, random: np.random.Generator) -> Vector:
    return np.eye(dimension, dtype=np.float32)[np.arange(count) % dimension]


def near_equal(count: int, dimension: int, random: np.random.Generator) -> Vector:
    return unit(random.standard_normal(dimension) + 0.01 * random.standard_normal((count, dimension)))


KINDS = [spread, few_directions, one_value, near_equal]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def templates(request: pytest.FixtureRequest) -> Vector:
    matrix: Vector = request.param(ROWS, 128, np.random.default_rng(4))
    return matrix


@pytest.fixture
def probes(templates: Vector) -> Vector:
    """Half near a template, half anywhere."""
    random = np.random.default_rng(9)
    near = templates[: PROBES // 2] + 0.08 * random.standard_normal((PROBES // 2, 128))
    return unit(np.concatenate([near, random.standard_normal((PROBES // 2, 128))]))


class TestSearch:
    def test_lists_no_row_whose_score_is_above_its_ceiling(self, templates, probes):
        coded = Codes(templates)
        for probe in probes:
            rows, ceilings, _ = coded.search(probe, 500)
            assert np.all(templates[rows] @ probe <= ceilings)

    def test_leaves_out_no_row_whose_score_is_above_the_bound(self, templates, probes):
        coded = Codes(templates)
        for probe in probes:
            rows, _, bound = coded.search(probe, 500)
            left_out = np.setdiff1d(np.arange(ROWS), rows)
            assert (templates[left_out] @ probe).max() <= bound

    @pytest.mark.parametrize(("certainty", "expected"), [(0.0, 0.5), (1.0, 0.159), (2.0, 0.023)])
    def test_fails_as_often_as_its_certainty_says(self, certainty, expected, monkeypatch):
        """The share of a normal distribution beyond 0, 1 and 2 standard deviations."""
        monkeypatch.setattr(codes_module, "CERTAINTY", certainty)
        random = np.random.default_rng(2)
        templates, probes = spread(ROWS, 512, random), spread(PROBES, 512, random)
        monkeypatch.setattr(Codes, "_rounding", lambda self, turned: 0.0)
        coded = Codes(templates)

        exceeded = []
        for probe in probes:
            rows, ceilings, _ = coded.search(probe, ROWS)
            exceeded.append(np.mean(templates[rows] @ probe > ceilings))

        assert np.mean(exceeded) == pytest.approx(expected, abs=0.01)

    def test_lists_the_likeliest_rows_first(self):
        random = np.random.default_rng(3)
        templates = spread(ROWS, 512, random)
        coded = Codes(templates)
        for row in range(20):
            assert coded.search(templates[row], 100)[0][0] == row

    def test_works_for_an_odd_dimension(self):
        templates = spread(300, 97, np.random.default_rng(5))
        rows, ceilings, _ = Codes(templates).search(templates[7], 20)
        assert rows[0] == 7
        assert ceilings[0] >= 1.0

    def test_takes_a_sixteenth_of_the_memory_of_the_embeddings(self):
        templates = spread(3_200, 512, np.random.default_rng(6))
        assert Codes(templates).nbytes == pytest.approx(templates.nbytes / 16, rel=0.07)


class TestCoding:
    def test_rounds_as_faiss_does(self):
        """|e| and a are computed beside FAISS's own coding: both must speak of the same codes."""
        templates = spread(500, 64, np.random.default_rng(7))
        coded = Codes(templates)
        turned = templates @ random_rotation(64)
        codes = np.stack([coded._index.reconstruct(row) for row in range(500)])

        along = (codes * turned).sum(axis=1)
        assert coded._along == approx_cosine(along, 64)
        assert coded._across == pytest.approx(np.linalg.norm(codes - along[:, None] * turned, axis=1), rel=1e-3)

    def test_every_row_points_along_its_code(self, templates):
        coded = Codes(templates)
        assert coded._along.min() > 0.5


class TestRandomRotation:
    @pytest.mark.parametrize(("dimension", "width"), [(128, 128), (97, 98), (1, 2)])
    def test_keeps_lengths_and_angles(self, dimension, width):
        rotation = random_rotation(dimension)
        assert rotation.shape == (dimension, width)
        assert rotation @ rotation.T == approx_cosine(np.eye(dimension), width)

    def test_is_the_same_every_time(self):
        first = random_rotation(32).copy()
        random_rotation.cache_clear()
        assert np.array_equal(random_rotation(32), first)
