from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.covers import KINDS, Axes, covered_of, covers_table
from recognizer.images import UPLOAD_LIMITS, decode_image
from recognizer.types import Image


@pytest.fixture(scope="module")
def pictures(shared_faces) -> Sequence[Image]:
    return [
        decode_image(path.read_bytes(), UPLOAD_LIMITS) for path in sorted((shared_faces / "eval").glob("*/*.jpg"))[::8]
    ]


class TestCovers:
    @pytest.mark.parametrize("kind", [kind for kind, (_, covered) in KINDS.items() if covered])
    def test_over_the_mouth_are_found_however_they_are_painted(self, engine, pictures, kind):
        random = np.random.default_rng(1)
        answers = [
            covered_of(engine, picture, at, KINDS[kind][0], pictures, random) for at, picture in enumerate(pictures)
        ]

        assert len(answers) == 41
        assert np.mean([answer is not False for answer in answers]) >= 0.9

    @pytest.mark.parametrize("kind", [kind for kind, (_, covered) in KINDS.items() if not covered])
    def test_elsewhere_are_no_covered_mouth(self, engine, pictures, kind):
        random = np.random.default_rng(1)
        answers = [
            covered_of(engine, picture, at, KINDS[kind][0], pictures, random) for at, picture in enumerate(pictures)
        ]

        assert sum(answer is True for answer in answers) <= 2

    def test_change_the_face_that_they_are_painted_on_and_nothing_else(self, engine, pictures):
        face = Axes(engine.detect(pictures[0])[0].landmarks)
        for name, (paint, _) in KINDS.items():
            painted = paint(pictures[0], face, pictures[1], np.random.default_rng(1))

            assert painted.shape == pictures[0].shape
            assert (painted != pictures[0]).any() == (name != "nothing")
            assert (painted[:20] == pictures[0][:20]).all()

    def test_have_a_line_each_with_an_interval(self, engine, pictures):
        lines = list(covers_table(engine, pictures[:2]))

        assert len(lines) == 2 + len(KINDS)
        assert all("[" in line for line in lines[2:])
