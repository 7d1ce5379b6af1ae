"""JPEGs without an end marker, which browsers show: read where nothing else is missing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from recognizer.errors import ImageTooManyPixels, ImageUndecodable
from recognizer.images import UPLOAD_LIMITS, decode_image, decoding
from tests.conftest import SHARED
from tests.support.pictures import encoded, picture

WIDE = picture(333, 217)
KINDS = {
    "baseline": encoded(".jpg", WIDE),
    "progressive": encoded(".jpg", WIDE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "grey": encoded(".jpg", WIDE[:, :, 0]),
    "restart markers": encoded(".jpg", WIDE, cv2.IMWRITE_JPEG_RST_INTERVAL, 3),
    "flat": encoded(".jpg", np.full_like(WIDE, 90)),
    "optimised": encoded(".jpg", WIDE, cv2.IMWRITE_JPEG_OPTIMIZE, 1),
}


@pytest.mark.parametrize("kind", KINDS)
class TestJpegsWithoutAnEndMarker:
    @pytest.mark.parametrize("end", [b"", b"\xff", bytes(5000)], ids=["cut off", "half of it", "zeros"])
    def test_are_read_as_with_one(self, kind, end):
        data = KINDS[kind]
        assert data.endswith(b"\xff\xd9")

        assert (decode_image(data[:-2] + end) == decode_image(data)).all()

    @pytest.mark.parametrize("missing", [30, 100, 300, 1000])
    @pytest.mark.parametrize("end", [b"", bytes(50_000)], ids=["cut off", "zeros"])
    def test_are_refused_when_pixels_are_missing_too(self, kind, missing, end):
        data = KINDS[kind]
        scan = data.index(b"\xff\xda") + 14
        cut = max(scan + 10, len(data) - 2 - missing)

        with pytest.raises(ImageUndecodable, match="incomplete"):
            decode_image(data[:cut] + end)


class TestProgressiveJpegs:
    def test_without_their_last_scans_are_refused(self):
        data = KINDS["progressive"]
        scans = [at for at in range(len(data)) if data.startswith(b"\xff\xda", at)]
        tables = [at for at in range(len(data)) if data.startswith(b"\xff\xc4", at)]
        for scan in scans[1:]:
            cut = max(
                [at for at in tables if at < scan and not any(scan > other > at for other in scans)], default=scan
            )
            with pytest.raises(ImageUndecodable):
                decode_image(data[:cut])


def test_a_very_large_one_is_refused_for_it_is_decoded_twice(monkeypatch):
    unended = encoded(".jpg", picture(64, 64))[:-2]
    assert decode_image(unended).shape == (64, 64, 3)
    monkeypatch.setattr(decoding, "UNENDED_PIXELS", 64 * 64 - 1)
    with pytest.raises(ImageTooManyPixels, match="The end of this picture is missing"):
        decode_image(unended)


class TestSharedCases:
    @pytest.mark.parametrize("name", ["no_eoi.jpg", "junk_between.jpg", "photo.jfif"])
    def test_are_read(self, name):
        case = SHARED / "cases" / "formats" / name
        if not case.is_file():
            pytest.skip("no ../shared/cases")
        assert decode_image(case.read_bytes(), UPLOAD_LIMITS).shape == (640, 640, 3)
