"""What lies under transparent pixels is seen by nobody, so it is not looked at: a viewer's white ground is."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PilImage

from recognizer.errors import ImageTooManyPixels
from recognizer.images import FRAME_LIMITS, UPLOAD_LIMITS, decode_image
from recognizer.images.orientation import read_orientation
from tests.conftest import SHARED
from tests.support.memory import MEGABYTES, added_memory
from tests.support.pictures import chunk as png_chunk
from tests.support.pictures import encoded, picture, with_chunks

COLOURS = picture(330, 210)
ALPHA = np.tile(np.linspace(0, 255, 330).astype(np.uint8), (210, 1))
PICTURE = np.dstack([COLOURS, ALPHA])
KEY = tuple(COLOURS[9, 9, ::-1].tolist())
LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)


def on_white(picture: np.ndarray) -> np.ndarray:
    """Computed by another library."""
    image = PilImage.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA))
    ground = PilImage.new("RGBA", image.size, "white")
    return np.array(PilImage.alpha_composite(ground, image).convert("RGB"))[:, :, ::-1]


def saved(picture: np.ndarray, mode: str, **options: Any) -> bytes:
    out = io.BytesIO()
    PilImage.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)).convert(mode).save(out, **options)
    return out.getvalue()


def as_seen(data: bytes) -> np.ndarray:
    return on_white(cv2.cvtColor(np.array(PilImage.open(io.BytesIO(data)).convert("RGBA")), cv2.COLOR_RGBA2BGRA))


def tiff(orientation: int, order: str = ">") -> bytes:
    head = b"MM\0*" if order == ">" else b"II*\0"
    entries = struct.pack(order + "HHIHH", 0x0100, 3, 1, 7, 0) + struct.pack(
        order + "HHIHH", 0x0112, 3, 1, orientation, 0
    )
    return head + struct.pack(order + "IH", 8, 2) + entries + bytes(4)


TRANSPARENT = {
    "png": encoded(".png", PICTURE),
    "16-bit png": encoded(".png", PICTURE.astype(np.uint16) * 257),
    "grey png with alpha": saved(PICTURE, "LA", format="PNG"),
    "palette png with one transparent colour": saved(PICTURE, "P", format="PNG", transparency=16),
    "palette png with alpha": saved(PICTURE, "P", format="PNG", transparency=bytes(range(256))),
    "png with a transparent colour": saved(
        PICTURE, "RGB", format="PNG", transparency=tuple(COLOURS[9, 9, ::-1].tolist())
    ),
    "lossless webp": encoded(".webp", PICTURE, *LOSSLESS),
}


class TestTransparentPixels:
    @pytest.mark.parametrize("name", TRANSPARENT)
    def test_show_white(self, name):
        seen = as_seen(TRANSPARENT[name]).astype(int)

        assert not (seen == COLOURS).all()
        assert np.abs(decode_image(TRANSPARENT[name]).astype(int) - seen).max() <= 1

    def test_show_white_in_a_lossy_webp(self):
        seen = decode_image(encoded(".webp", PICTURE, cv2.IMWRITE_WEBP_QUALITY, 90))

        assert (seen[:, 0] == 255).all()
        assert np.abs(seen[:, -1].astype(int) - COLOURS[:, -1]).mean() < 20

    @pytest.mark.parametrize("suffix", [".png", ".webp"])
    def test_keep_no_colour_of_their_own(self, suffix):
        hidden = encoded(suffix, np.dstack([COLOURS, np.zeros_like(ALPHA)]), *(LOSSLESS if suffix == ".webp" else ()))

        assert (decode_image(hidden) == 255).all()

    def test_where_there_are_none_change_nothing(self):
        opaque = np.dstack([COLOURS, np.full_like(ALPHA, 255)])

        for data in (encoded(".png", opaque), encoded(".webp", opaque, *LOSSLESS)):
            assert (decode_image(data) == COLOURS).all()

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("format", ["PNG", "WEBP"])
    def test_are_turned_with_the_picture(self, format, orientation):
        exif = b"Exif\0\0" + tiff(orientation)
        data = saved(PICTURE, "RGBA", format=format, exif=exif, **({"lossless": True} if format == "WEBP" else {}))
        plain = saved(PICTURE, "RGB", format=format, exif=exif, **({"lossless": True} if format == "WEBP" else {}))
        expected = np.asarray(cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_COLOR))

        seen = decode_image(data)

        assert seen.shape == expected.shape
        opaque = decode_image(saved(np.dstack([COLOURS, np.full_like(ALPHA, 255)]), "RGBA", format=format, exif=exif))
        if format == "PNG":
            assert (opaque == expected).all()
        corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
        assert (seen[corner[orientation]] == 255).all()

    @pytest.mark.parametrize("shape", [(2400, 2500, 4), (1400, 1400, 4)])
    def test_take_no_more_than_100_megabytes(self, shape):
        deep = shape[0] < 2000
        data = encoded(".png", np.zeros(shape, np.uint16 if deep else np.uint8))

        added = added_memory(lambda: decode_image(data, UPLOAD_LIMITS))

        assert added < 100 * MEGABYTES

    def test_of_a_large_palette_picture_are_refused_before_they_are_decoded(self):
        large = PilImage.new("P", (5000, 4000))
        out = io.BytesIO()
        large.save(out, format="PNG", transparency=0)

        with pytest.raises(ImageTooManyPixels):
            decode_image(out.getvalue(), UPLOAD_LIMITS)

    def test_of_the_shared_case_hide_nobody(self, engine):
        case = SHARED / "cases" / "formats" / "hidden_under_alpha.png"
        if not case.is_file():
            pytest.skip("no ../shared/cases")
        hidden = np.asarray(cv2.imdecode(np.frombuffer(case.read_bytes(), np.uint8), cv2.IMREAD_COLOR), np.uint8)
        seen = decode_image(case.read_bytes(), UPLOAD_LIMITS)

        largest = engine.detect(hidden)[0].box_xyxy
        (left, top, right, bottom) = (int(value) for value in largest)
        assert (seen[top:bottom, left:right] == 255).mean() > 0.9
        assert all(face.box_xyxy[2] - face.box_xyxy[0] < 0.7 * (right - left) for face in engine.detect(seen))


class TestOrientation:
    @pytest.mark.parametrize("order", "<>")
    def test_is_read_in_either_order_of_bytes(self, order):
        assert read_orientation(tiff(6, order)) == 6
        assert read_orientation(b"Exif\0\0" + tiff(8, order)) == 8

    @pytest.mark.parametrize(
        "exif", [b"", b"MM", b"MM\0*", tiff(9), tiff(0), tiff(6)[:20], b"MM\0*" + b"\xff" * 40, b"II*\0" + bytes(4)]
    )
    def test_is_1_where_nothing_usable_is_said(self, exif):
        assert read_orientation(exif) == 1

    def test_of_a_png_is_looked_for_in_its_own_chunk_alone(self):
        data = with_chunks(encoded(".png", PICTURE), png_chunk(b"teXt", b"eXIf" + tiff(6)))

        assert decode_image(data, FRAME_LIMITS).shape == (210, 330, 3)
