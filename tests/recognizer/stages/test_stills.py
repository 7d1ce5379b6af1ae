"""Faces that are small in large photographs, as phones take them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from recognizer.stages.detection import overlap
from recognizer.stages.stills import TILE, StillDetector, _starts
from tests.support.memory import MEGABYTES, added_memory

WIDTH, HEIGHT = 3000, 2000
"""As a photograph of 24 megapixels is decoded."""


@pytest.fixture(scope="module")
def room(shared_faces) -> np.ndarray:
    capture = cv2.VideoCapture(str(shared_faces / "webcam" / "no_face.mjpeg"))
    found, frame = capture.read()
    assert found
    return np.asarray(cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope="module")
def portrait(shared_faces) -> np.ndarray:
    return np.asarray(cv2.imread(str(shared_faces / "portraits" / "obama.jpg")))


def hung_up(engine, portrait, room, size, corner):
    """The room with the portrait in it, its face `size` pixels wide; and the face's box there."""
    box = engine.detect(portrait)[0].box_xyxy
    scale = size / (box[2] - box[0])
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    scene = room.copy()
    left, top = corner
    scene[top : top + small.shape[0], left : left + small.shape[1]] = small
    return scene, scale * box + np.array([left, top, left, top])


PLACES = [(40, 60), (1250, 900), (2300, 1400), (595, 560)]


class TestStillDetector:
    @pytest.mark.parametrize("corner", PLACES)
    @pytest.mark.parametrize("size", [60, 90, 120])
    def test_finds_faces_of_120_to_240_pixels_of_the_file(self, engine, portrait, room, size, corner):
        scene, box = hung_up(engine, portrait, room, size, corner)

        found = engine.detect_still(scene)

        assert any(overlap(face.box_xyxy, box) > 0.5 for face in found)
        assert len(found) == 1

    def test_sets_their_landmarks_as_exactly_as_those_of_large_ones(self, engine, portrait, room):
        scene, _ = hung_up(engine, portrait, room, 90, PLACES[1])

        (small,) = engine.analyze(scene).faces
        (large,) = engine.analyze(portrait).faces

        assert small.embedding @ large.embedding > 0.8

    def test_calls_faces_that_are_too_small_so(self, engine, portrait, room):
        scene, _ = hung_up(engine, portrait, room, 30, PLACES[1])

        (face,) = engine.analyze(scene, embed=False).faces

        assert "face_too_small" in face.quality.reasons

    def test_leaves_small_pictures_and_large_faces_to_the_first_look(self, engine, portrait, room, monkeypatch):
        large = cv2.resize(portrait, None, fx=2000 / portrait.shape[0], fy=2000 / portrait.shape[0])
        frame = cv2.resize(room, (640, 427))
        monkeypatch.setattr(StillDetector, "_look_closer", None)  # nobody may call it

        assert len(engine.detect_still(np.ascontiguousarray(large))) == 1
        assert engine.detect_still(np.ascontiguousarray(frame)) == []

    def test_passes_over_whoever_stands_far_behind(self, engine, portrait, room):
        scene, _ = hung_up(engine, portrait, room, 280, (100, 100))
        behind, _ = hung_up(engine, portrait, scene, 60, (2300, 1400))

        assert len(engine.detect_still(behind)) == 1

    def test_finds_no_face_in_an_empty_room(self, engine, room):
        assert engine.detect_still(room) == []

    def test_takes_no_more_memory_for_a_larger_picture(self, engine, room):
        engine.detect_still(room)

        assert added_memory(lambda: engine.detect_still(room)) < 60 * MEGABYTES

    def test_turns_a_large_photograph_with_a_small_face_upright(self, engine, portrait, room):
        scene, box = hung_up(engine, portrait, room, 90, PLACES[1])

        upright, (face, *_) = engine.turn_upright(np.ascontiguousarray(np.rot90(scene, 2)))

        assert (upright == scene).all()
        assert overlap(face.box_xyxy, box) > 0.5


class TestTiles:
    @pytest.mark.parametrize("length", [1, 500, TILE, TILE + 1, 1119, 1120, 1121, 1600])
    def test_cover_a_side_and_share_160_pixels(self, length):
        starts = _starts(length)

        assert starts[0] == 0
        assert starts[-1] + TILE >= length
        assert all(after - before <= TILE - 160 for before, after in pairwise(starts))
