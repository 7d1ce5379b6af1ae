"""What has hurt once: every file here made a decoder hold gigabytes or a thread for seconds."""

from __future__ import annotations

import struct
import time
import zlib

import cv2
import numpy as np
import pytest

from benchmarks.hostile import hidden_frame
from recognizer.errors import ImageError, ImageTooManyPixels, ImageUndecodable
from recognizer.images import FRAME_LIMITS, UPLOAD_LIMITS, decode_image
from recognizer.images.isolation import workers
from tests.conftest import SHARED
from tests.support.memory import MEGABYTES, peak_memory
from tests.support.pictures import (
    canvas,
    chunk,
    encoded,
    frame_header,
    lossless_bomb,
    picture,
    png,
    png_rows,
    progressive_bomb,
    riff,
    scan_header,
    segment,
    webp_chunk,
    with_chunks,
)

BODY = zlib.compress(png_rows())
DATA = chunk(b"IDAT", BODY)
END = chunk(b"IEND")


def packed_zeros(megabytes: int) -> bytes:
    return zlib.compress(bytes(megabytes * MEGABYTES), 9)


ATTACKS = [
    pytest.param(hidden_frame(), id="a frame header behind FF 01"),
    pytest.param(png([struct.pack(">I", 0xFFFF_FF00) + b"tEXt" + bytes(4)]), id="a chunk of 4 GB"),
    pytest.param(png([struct.pack(">I", 0xFFFF_FFF4) + b"tEXt" + bytes(4)]), id="a chunk whose length wraps around"),
    pytest.param(png([chunk(b"acTL", bytes(8)), DATA, END]), id="an animated png"),
    pytest.param(png([chunk(b"fcTL", b""), DATA, END]), id="an empty frame control"),
    pytest.param(png([chunk(b"IDAT", packed_zeros(200)), END]), id="rows without end"),
    pytest.param(png([chunk(b"IDAT", b"")] * 60_000 + [DATA, END]), id="chunks without end"),
    pytest.param(progressive_bomb(1680, 1250, 7050), id="7,050 scans"),
    pytest.param(b"\xff\xd8" + segment(0xE1) * 100_000 + encoded(".jpg", picture())[2:], id="100,000 segments"),
    pytest.param(lossless_bomb(), id="65,536 prefix codes"),
    pytest.param(riff(canvas(200, 200, flags=2), webp_chunk(b"ANIM", bytes(6))), id="an animated webp"),
    pytest.param(riff(*[webp_chunk(b"EXIF", b"")] * 50_000), id="webp chunks without end"),
]


class TestAttacks:
    @pytest.mark.parametrize("data", ATTACKS)
    def test_are_refused_at_once_and_without_memory(self, data):
        decode_image(encoded(".webp", picture(64, 64), cv2.IMWRITE_WEBP_QUALITY, 101))  # the worker runs
        before, started = peak_memory(), time.thread_time()

        with pytest.raises(ImageError):
            decode_image(data, UPLOAD_LIMITS)

        # 0.25 s on a machine without other work, 0.53 on a slow one that counts coverage; they took seconds.
        assert time.thread_time() - started < 2
        assert peak_memory() - before < 16 * MEGABYTES

    def test_of_the_shared_cases_are_refused(self):
        case = SHARED / "cases" / "formats" / "animated_memory.png"
        if not case.is_file():
            pytest.skip("no ../shared/cases")
        with pytest.raises(ImageUndecodable, match="animation"):
            decode_image(case.read_bytes(), UPLOAD_LIMITS)

    @pytest.mark.parametrize("limits", [FRAME_LIMITS, UPLOAD_LIMITS])
    def test_scans_that_are_too_many_are_refused_by_their_number(self, limits):
        assert decode_image(progressive_bomb(1600, 1200, 40), limits).shape == (1200, 1600, 3)
        with pytest.raises(ImageUndecodable, match="too much work"):
            decode_image(progressive_bomb(1600, 1200, 64), limits)

    def test_scans_of_a_large_picture_may_visit_each_block_six_times(self):
        assert decode_image(progressive_bomb(2600, 2000, 15), UPLOAD_LIMITS).shape == (2000, 2600, 3)
        with pytest.raises(ImageUndecodable, match="too much work"):
            decode_image(progressive_bomb(2600, 2000, 25), UPLOAD_LIMITS)

    def test_scan_data_that_cannot_fill_the_picture_is_refused(self):
        grey = b"\xff\xd8" + frame_header(4000, 4000) + scan_header() + bytes(1000) + b"\xff\xd9"
        with pytest.raises(ImageUndecodable, match="incomplete"):
            decode_image(grey, UPLOAD_LIMITS)

    def test_deep_pixels_count_more(self):
        data = encoded(".png", np.zeros((1420, 1420, 4), np.uint16))
        with pytest.raises(ImageTooManyPixels, match="costly"):
            decode_image(data)
        assert decode_image(data, UPLOAD_LIMITS).shape == (1420, 1420, 3)


class TestMetadata:
    """Text and profiles decide no pixel, so libpng is not shown them: it would unpack each to 8 MB."""

    @pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP", b"tEXt", b"vpAg"])
    def test_of_a_png_is_passed_over(self, kind):
        plain = encoded(".png", picture())
        text = {b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0", b"zTXt": b"a\0\0"}.get(kind, b"a\0") + packed_zeros(7)
        started = time.thread_time()

        assert (decode_image(with_chunks(plain, *[chunk(kind, text)] * 40)) == decode_image(plain)).all()
        assert time.thread_time() - started < 2


class TestWorker:
    def test_is_replaced_after_it_was_killed(self):
        data = encoded(".webp", picture(), cv2.IMWRITE_WEBP_QUALITY, 101)
        expected = decode_image(data)
        assert workers._idle
        workers._idle._process.kill()
        workers._idle._process.wait()

        assert (decode_image(data) == expected).all()

    def test_is_ended_by_the_kernel_when_a_picture_takes_too_long(self, monkeypatch):
        data = encoded(".webp", np.full((1200, 1600, 3), 90, np.uint8), cv2.IMWRITE_WEBP_QUALITY, 101)
        monkeypatch.setattr("recognizer.images.isolation.SECONDS", 1e-6)
        monkeypatch.setattr("recognizer.images.isolation.SECONDS_PER_PIXEL", 0.0)
        with pytest.raises(ImageUndecodable, match="too much work"):
            decode_image(data)
