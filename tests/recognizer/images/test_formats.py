"""BMP is read; pictures of other kinds are refused by their names."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from recognizer.errors import ImageUndecodable
from recognizer.images import NAMED_SUFFIXES, SUFFIXES, UPLOAD_LIMITS, decode_image
from tests.conftest import SHARED
from tests.support.pictures import encoded, picture

WIDE = picture(61, 43)
BMP = encoded(".bmp", WIDE)


def with_field(offset: int, form: str, value: int) -> bytes:
    data = bytearray(BMP)
    struct.pack_into(form, data, offset, value)
    return bytes(data)


def deep_bmp(*, compression: int, masks: bytes = b"", size: int = 40) -> bytes:
    """32 bits a pixel, the first row on top."""
    pixels = np.dstack([WIDE, np.zeros(WIDE.shape[:2], np.uint8)]).tobytes()
    second = struct.pack("<IiiHHIIiiII", size, 61, -43, 1, 32, compression, len(pixels), 0, 0, 0, 0)
    begins = 54 + len(masks)
    return struct.pack("<2sIII", b"BM", begins + len(pixels), 0, begins) + second + masks + pixels


MASKS = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)


class TestBmp:
    @pytest.mark.parametrize(
        "data",
        [
            BMP,
            deep_bmp(compression=0),
            deep_bmp(compression=3, masks=MASKS),
            deep_bmp(compression=3, masks=MASKS + bytes(4), size=56),
        ],
    )
    def test_is_read(self, data):
        assert (decode_image(data) == WIDE).all()

    @pytest.mark.parametrize(
        "data",
        [
            BMP[:-1],
            BMP[:40],
            BMP[:2],
            with_field(10, "<I", len(BMP)),
            with_field(10, "<I", 2),
            with_field(14, "<I", 12),
            with_field(18, "<i", -61),
            with_field(22, "<i", 0),
            with_field(22, "<i", 44),
            with_field(22, "<i", -(1 << 31)),
            with_field(26, "<H", 2),
        ],
    )
    def test_that_does_not_add_up_is_refused(self, data):
        with pytest.raises(ImageUndecodable):
            decode_image(data, UPLOAD_LIMITS)

    @pytest.mark.parametrize(
        "data",
        [
            with_field(28, "<H", 16),
            with_field(30, "<I", 1),
            deep_bmp(compression=3, masks=MASKS[::-1]),
            deep_bmp(compression=3, masks=MASKS + b"\0\0\0\xff", size=56),
        ],
        ids=["16 bits", "compressed", "other masks", "alpha"],
    )
    def test_of_a_rare_kind_is_refused_by_name(self, data):
        with pytest.raises(ImageUndecodable, match="BMP file of a rare kind"):
            decode_image(data)

    def test_with_a_palette_shorter_than_its_pixels_ask_for_shows_black(self):
        grey = encoded(".bmp", np.full((40, 40), 200, np.uint8))
        short = bytearray(grey)
        struct.pack_into("<I", short, 46, 100)

        assert (decode_image(grey) == 200).all()
        assert (decode_image(bytes(short)) == 0).all()


class TestPicturesOfOtherKinds:
    @pytest.mark.parametrize(
        ("data", "name"),
        [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
            (b"GIF89a", "GIF"),
            (b"II*\0", "TIFF"),
            (b"MM\0*", "TIFF"),
            (b"\xff\x0a", "JPEG XL"),
            (b"8BPS", "Photoshop"),
        ],
    )
    def test_are_refused_by_name(self, data, name):
        with pytest.raises(ImageUndecodable, match=f"^{name} pictures cannot be read here: .* JPEG"):
            decode_image(data + bytes(100))

    @pytest.mark.parametrize("data", [b"", b"\0" * 12, b"\0\0\0\x18ftypmp42" + bytes(40), b"%PDF-1.7"])
    def test_and_what_is_none_is_said_to_be_none(self, data):
        with pytest.raises(ImageUndecodable, match="no picture that can be read: send a JPEG, PNG, WebP or BMP file"):
            decode_image(data)

    def test_of_a_phone_are_read_or_named(self):
        folder = SHARED / "cases" / "heic" / "Pat Doe"
        if not folder.is_dir():
            pytest.skip("no ../shared/cases")
        for path in folder.iterdir():
            assert path.suffix.lower() in SUFFIXES | NAMED_SUFFIXES
            if path.suffix.lower() in SUFFIXES:
                assert decode_image(path.read_bytes(), UPLOAD_LIMITS).shape == (640, 640, 3)
            else:
                with pytest.raises(ImageUndecodable, match=path.suffix[1:].upper()):
                    decode_image(path.read_bytes(), UPLOAD_LIMITS)

    def test_are_known_by_their_bytes_not_their_names(self):
        assert (decode_image(cv2.imencode(".png", WIDE)[1].tobytes()) == WIDE).all()
