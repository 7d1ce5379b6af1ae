from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.quarters import (
    Look,
    Picture,
    false_matches,
    frames_table,
    look_at_frame,
    look_at_still,
    mated_misses,
    stills_table,
)
from recognizer.images import UPLOAD_LIMITS, decode_image

TURNED = (1, 2, 3)


def towards(number: int, person: str, *, barred: bool = False) -> Look:
    return Look(person, np.eye(4, dtype=np.float32)[number], barred)


@pytest.fixture(scope="module")
def pictures(shared_faces) -> Sequence[Picture]:
    return [
        Picture(path.parent.name, decode_image(path.read_bytes(), UPLOAD_LIMITS))
        for path in sorted((shared_faces / "eval").glob("*/*.jpg"))[::16]
    ]


class TestStills:
    @pytest.mark.parametrize("quarters", TURNED)
    def test_on_their_side_or_head_are_turned_back_to_the_very_picture(self, engine, pictures, quarters):
        looks = [look_at_still(engine, picture, quarters) for picture in pictures]

        assert len(looks) == 21
        assert all(look.upright for look in looks if look.counts)
        assert sum(look.counts for look in looks) >= 20

    def test_have_a_line_for_each_turn(self, engine, pictures):
        lines = list(stills_table(engine, pictures[:3], 0.4))

        assert [line.split(" | ")[0] for line in lines[2:]] == ["| 0", "| 90", "| 180", "| 270"]


class TestFrames:
    @pytest.mark.parametrize("quarters", TURNED)
    def test_on_their_side_or_head_are_hardly_ever_compared(self, engine, pictures, quarters):
        looks = [look_at_frame(engine, picture, quarters) for picture in pictures]

        assert sum(look.counts for look in looks) <= 2

    def test_have_a_line_for_each_turn(self, engine, pictures):
        assert len(list(frames_table(engine, pictures[:3], 0.4))) == 6


class TestCounting:
    def test_two_people_who_match_are_a_false_match_and_two_pictures_of_one_are_not(self):
        looks = [towards(0, "anna"), towards(0, "anna"), towards(0, "bert"), towards(1, "carl")]
        assert false_matches(looks, 0.5) == (2, 5)

    def test_nobody_is_no_pair(self):
        assert false_matches([], 0.5) == (0, 0)

    def test_a_refused_picture_of_a_pair_of_one_person_is_a_miss(self):
        upright = [towards(0, "anna"), towards(0, "anna"), towards(1, "bert")]
        turned = [towards(0, "anna"), towards(0, "anna", barred=True), towards(1, "bert")]
        assert mated_misses(upright, upright, 0.5) == (0, 1)
        assert mated_misses(upright, turned, 0.5) == (1, 1)
