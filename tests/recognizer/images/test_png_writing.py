from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from recognizer.images import decode_image
from recognizer.images.png_writing import write_png

RANDOM = np.random.default_rng(0)


@pytest.fixture(params=[(112, 112), (1, 1), (1, 7), (7, 1), (333, 91)], ids=str)
def image(request):
    """Noise: whatever the difference to the line above may be, in every byte."""
    return RANDOM.integers(0, 256, (*request.param, 3), dtype=np.uint8)


class TestWritePng:
    def test_every_pixel_comes_back_through_opencv(self, image):
        read = cv2.imdecode(np.frombuffer(write_png(image), np.uint8), cv2.IMREAD_COLOR)
        assert read is not None
        assert np.array_equal(read, image)

    def test_pillow_reads_the_same_in_red_green_blue(self, image):
        with Pillow.open(io.BytesIO(write_png(image))) as read:
            read.load()
            assert (read.format, read.mode) == ("PNG", "RGB")
            assert np.array_equal(np.asarray(read)[:, :, ::-1], image)

    def test_it_passes_the_walk_that_files_of_strangers_must_pass(self):
        image = RANDOM.integers(0, 256, (33, 91, 3), dtype=np.uint8)
        assert np.array_equal(decode_image(write_png(image)), image)

    def test_a_part_of_a_picture_is_written_as_it_is_seen(self):
        whole = RANDOM.integers(0, 256, (80, 80, 3), dtype=np.uint8)
        part = whole[10:76:2, 5:70, ::-1]
        assert np.array_equal(decode_image(write_png(part)), part)

    def test_an_even_ground_takes_little_room(self):
        assert len(write_png(np.full((112, 112, 3), 90, np.uint8))) < 1000
