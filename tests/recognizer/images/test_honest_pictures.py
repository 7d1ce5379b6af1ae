"""What cameras, browsers and programs write decodes to the pixels that OpenCV itself reads."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from recognizer.images import UPLOAD_LIMITS, decode_image, image_size
from tests.support.pictures import by_pillow, encoded, picture, segment

WIDE = picture(333, 217)
GREY = cv2.cvtColor(WIDE, cv2.COLOR_BGR2GRAY)
DEEP = WIDE.astype(np.uint16) * 257
ORIENTED = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
JPEG = encoded(".jpg", WIDE)


def jpeg(*parameters: int, image: np.ndarray = WIDE) -> bytes:
    return encoded(".jpg", image, *parameters)


HONEST = {
    "baseline": JPEG,
    "progressive": jpeg(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "progressive, flat": jpeg(cv2.IMWRITE_JPEG_PROGRESSIVE, 1, image=np.full_like(WIDE, 90)),
    "flat": jpeg(cv2.IMWRITE_JPEG_OPTIMIZE, 1, image=np.full_like(WIDE, 90)),
    "grey": jpeg(image=GREY),
    "grey progressive": jpeg(cv2.IMWRITE_JPEG_PROGRESSIVE, 1, image=GREY),
    "restart markers": jpeg(cv2.IMWRITE_JPEG_RST_INTERVAL, 3),
    "optimised": jpeg(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    "full chroma": jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    "unusual chroma": jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411),
    "turned": JPEG[:2] + segment(0xE1, ORIENTED) + JPEG[2:],
    "cmyk": by_pillow(WIDE, "CMYK", format="JPEG"),
    "comment and profile": by_pillow(WIDE, format="JPEG", comment=b"\xff\xd8\xff\xd9", icc_profile=b"profile" * 30_000),
    "bytes after the end": JPEG + b"\xff\xd8MPF and a film" * 100,
    "stray bytes and fill bytes": JPEG[:20] + b"\0\x01\xff\0\xff\x01\xff\xff" + JPEG[20:],
    "png": encoded(".png", WIDE),
    "grey png": encoded(".png", GREY),
    "16-bit png": encoded(".png", DEEP),
    "bilevel png": encoded(".png", GREY // 128 * 255, cv2.IMWRITE_PNG_BILEVEL, 1),
    "palette png": by_pillow(WIDE, "P", format="PNG"),
    "profile and text png": by_pillow(WIDE, format="PNG", icc_profile=b"x" * 3000, dpi=(72, 72)),
    "turned png": by_pillow(WIDE, format="PNG", exif=ORIENTED),
    "webp": encoded(".webp", WIDE, cv2.IMWRITE_WEBP_QUALITY, 80),
    "lossless webp": encoded(".webp", WIDE, cv2.IMWRITE_WEBP_QUALITY, 101),
    "turned webp": by_pillow(WIDE, format="WEBP", exif=ORIENTED),
    "24-bit bmp": encoded(".bmp", WIDE),
    "grey bmp": encoded(".bmp", GREY),
    "palette bmp": by_pillow(WIDE, "P", format="BMP"),
    "webp with a profile": by_pillow(WIDE, format="WEBP", icc_profile=b"x" * 3001, xmp=b"<x/>"),
}


class TestHonestPictures:
    @pytest.mark.parametrize("name", HONEST)
    def test_decode_to_the_same_pixels(self, name):
        expected = cv2.imdecode(np.frombuffer(HONEST[name], np.uint8), cv2.IMREAD_COLOR)

        assert expected is not None
        assert expected.shape == ((333, 217, 3) if name.startswith("turned") else (217, 333, 3))
        assert (decode_image(HONEST[name]) == expected).all()
        assert image_size(HONEST[name]) == (333, 217)

    @pytest.mark.parametrize(
        "options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 5}, {"quality": 100}]
    )
    def test_written_by_another_library_decode(self, options):
        data = by_pillow(picture(1200, 900), format="JPEG", **options)

        assert decode_image(data, UPLOAD_LIMITS).shape == (900, 1200, 3)

    def test_of_the_largest_size_decode(self):
        flat = np.full((5000, 8000, 3), 128, np.uint8)
        assert decode_image(encoded(".jpg", flat), UPLOAD_LIMITS).shape == (2500, 4000, 3)
        assert decode_image(encoded(".bmp", flat[:2000, :3000]), UPLOAD_LIMITS).shape == (2000, 3000, 3)
        assert decode_image(encoded(".png", flat[:2160, :3840]), UPLOAD_LIMITS).shape == (2160, 3840, 3)
        lossy = encoded(".webp", flat[:3000, :4000], cv2.IMWRITE_WEBP_QUALITY, 80)
        assert decode_image(lossy, UPLOAD_LIMITS).shape == (3000, 4000, 3)
        progressive = encoded(".jpg", flat[:3024, :4032], cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
        assert decode_image(progressive, UPLOAD_LIMITS).shape == (3024, 4032, 3)

    def test_of_the_largest_frame_decodes_whatever_its_chroma(self):
        full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        data = encoded(".jpg", np.full((1250, 1680, 3), 90, np.uint8), cv2.IMWRITE_JPEG_PROGRESSIVE, 1, *full)

        assert decode_image(data).shape == (1250, 1680, 3)

    def test_faces_decode_as_before(self, shared_faces):
        for path in sorted((shared_faces / "eval").rglob("*.jpg"))[::10]:
            data = path.read_bytes()
            assert (decode_image(data) == cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)).all()
