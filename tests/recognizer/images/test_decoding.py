from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognizer.errors import FrameTooLarge, ImageError, ImageTooManyPixels, ImageTooSmall, ImageUndecodable
from recognizer.images import (
    FRAME_LIMITS,
    UPLOAD_LIMITS,
    ImageLimits,
    decode_crop,
    decode_image,
    encode_crop,
    encode_thumbnail,
    image_size,
    read_file,
)
from recognizer.images.orientation import turned
from tests.support.memory import MEGABYTES, added_memory, peak_memory


def picture(width: int = 160, height: int = 120) -> np.ndarray:
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    row = np.stack([ramp, np.full(width, 90, np.uint8), ramp[::-1]], axis=1)
    return np.tile(row, (height, 1, 1))


def encoded(suffix: str, image: np.ndarray | None = None, *parameters: int) -> bytes:
    done, data = cv2.imencode(suffix, picture() if image is None else image, list(parameters))
    assert done
    return data.tobytes()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def jpeg_header(width: int, height: int) -> bytes:
    """A JPEG that claims a size and has an empty scan."""
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00" + b"\xff\xd9"


WEBP_LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)
FORMATS = [
    pytest.param(encoded(".jpg"), id="jpeg"),
    pytest.param(encoded(".jpg", None, cv2.IMWRITE_JPEG_PROGRESSIVE, 1), id="progressive jpeg"),
    pytest.param(encoded(".jpg", cv2.cvtColor(picture(), cv2.COLOR_BGR2GRAY)), id="grey jpeg"),
    pytest.param(encoded(".png"), id="png"),
    pytest.param(encoded(".png", np.dstack([picture(), np.full((120, 160), 7, np.uint8)])), id="png with alpha"),
    pytest.param(encoded(".webp", None, cv2.IMWRITE_WEBP_QUALITY, 80), id="webp"),
    pytest.param(encoded(".webp", None, *WEBP_LOSSLESS), id="lossless webp"),
    pytest.param(
        encoded(".webp", np.dstack([picture(), np.full((120, 160), 7, np.uint8)]), cv2.IMWRITE_WEBP_QUALITY, 80),
        id="webp with alpha",
    ),
]


class TestDecodeImage:
    @pytest.mark.parametrize("data", FORMATS)
    def test_gives_three_channels_of_bytes(self, data):
        image = decode_image(data)

        assert image.shape == (120, 160, 3)
        assert image.dtype == np.uint8

    @pytest.mark.parametrize("data", FORMATS)
    def test_reads_the_size_from_the_header(self, data):
        assert image_size(data) == (160, 120)

    def test_keeps_the_order_blue_green_red(self):
        blue = np.zeros((64, 64, 3), np.uint8)
        blue[:, :, 0] = 200

        assert decode_image(encoded(".png", blue))[0, 0].tolist() == [200, 0, 0]

    def test_turns_upright_as_exif_says(self):
        # APP1 with one tag: orientation 6, to be turned a quarter clockwise.
        tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
        segment = b"Exif\x00\x00" + tiff
        data = encoded(".jpg")
        turned = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]

        assert decode_image(turned).shape == (160, 120, 3)

    @pytest.mark.parametrize("data", FORMATS)
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
    def test_refuses_a_truncated_picture(self, data, share):
        with pytest.raises(ImageUndecodable):
            decode_image(data[: int(len(data) * share)])

    def test_refuses_a_jpeg_whose_only_end_marker_is_in_its_thumbnail(self):
        data = encoded(".jpg")
        thumbnail = encoded(".jpg", picture(40, 40))
        whole = data[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2:]

        assert decode_image(whole).shape == (120, 160, 3)
        with pytest.raises(ImageUndecodable):
            decode_image(whole[:-200])

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\xff",
            b"\xff\xd8\xff",
            b"GIF89a" + bytes(100),
            b"BM" + bytes(100),
            b"BM",
            b"<svg/>",
            bytes(1000),
            b"RIFF\0\0\0\0WEBP",
        ],
    )
    def test_refuses_what_is_no_picture(self, data):
        with pytest.raises(ImageUndecodable):
            decode_image(data)

    @pytest.mark.parametrize("header", [png_header, jpeg_header])
    def test_refuses_huge_pictures_by_their_header(self, header):
        with pytest.raises(ImageTooManyPixels, match="20000 x 20000"):
            decode_image(header(20_000, 20_000))

    @pytest.mark.parametrize("header", [png_header, jpeg_header])
    def test_refuses_a_header_without_data(self, header):
        with pytest.raises(ImageUndecodable):
            decode_image(header(0, 100))

    def test_refuses_an_empty_png_body(self):
        with pytest.raises(ImageUndecodable):
            decode_image(png_header(100, 100))

    def test_counts_bytes_first(self):
        with pytest.raises(FrameTooLarge):
            decode_image(bytes(FRAME_LIMITS.max_bytes + 1))

    def test_refuses_a_strip_too_narrow_for_a_face(self):
        with pytest.raises(ImageTooSmall):
            decode_image(encoded(".png", picture(400, 31)))

    def test_allows_exactly_the_limits(self):
        data = encoded(".png")
        limits = ImageLimits(max_bytes=len(data), max_pixels=160 * 120, min_side=120)

        assert decode_image(data, limits).shape == (120, 160, 3)

    @pytest.mark.parametrize(
        ("progressive", "repeats", "shape"),
        [
            pytest.param(0, (45, 45), (2700, 3600, 3), id="ordinary"),
            pytest.param(0, (51, 51), (3060, 4080, 3), id="50 megapixels"),
            pytest.param(1, (34, 35), (2040, 2800, 3), id="progressive"),
        ],
    )
    def test_takes_a_large_jpeg_at_half_its_sides_and_in_100_megabytes(self, progressive, repeats, shape):
        data = encoded(".jpg", np.tile(picture(), (*repeats, 1)), cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
        images: list[np.ndarray] = []

        added = added_memory(lambda: images.append(decode_image(data, UPLOAD_LIMITS)))

        assert images[0].shape == shape
        assert added < 100 * MEGABYTES

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_turns_a_large_jpeg_upright_as_exif_says(self, orientation):
        ramp = np.asarray(cv2.resize(picture(), (4800, 3840)), np.uint8)  # brighter to one side, in blue and red
        ramp[:1920] //= 2
        exif = b"Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"
        exif += bytes([orientation, 0, 0, 0, 0, 0, 0])
        data = encoded(".jpg", ramp)
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]

        image = decode_image(data, UPLOAD_LIMITS)

        assert image.shape == ((1920, 2400, 3) if orientation < 5 else (2400, 1920, 3))
        upright = turned(np.asarray(cv2.resize(ramp, (2400, 1920))), orientation)
        assert np.abs(image.astype(int) - upright).mean() < 2

    @pytest.mark.parametrize(
        ("suffix", "shape", "parameters"),
        [
            pytest.param(".jpg", (5400, 7200, 3), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), id="progressive jpeg"),
            pytest.param(".png", (4000, 4500, 3), (), id="png"),
            pytest.param(".png", (3000, 4000, 4), (), id="png with alpha"),
            pytest.param(".webp", (4000, 4500, 3), (cv2.IMWRITE_WEBP_QUALITY, 80), id="webp"),
            pytest.param(".webp", (2100, 2100, 3), WEBP_LOSSLESS, id="lossless webp"),
        ],
    )
    def test_refuses_what_would_take_more_than_100_megabytes(self, suffix, shape, parameters):
        data = encoded(suffix, np.zeros(shape, np.uint8), *parameters)

        def is_refused() -> None:
            with pytest.raises(ImageError, match="ordinary JPEG"):
                decode_image(data, UPLOAD_LIMITS)

        assert added_memory(is_refused) < 10 * MEGABYTES

    @pytest.mark.parametrize("seed", range(40))
    def test_survives_damaged_bytes(self, seed):
        chance = np.random.default_rng(seed)
        data = bytearray(FORMATS[seed % len(FORMATS)].values[0])
        for at in chance.integers(0, len(data), 20):
            data[at] = int(chance.integers(0, 256))
        with suppress(ImageError):
            assert decode_image(bytes(data)).shape[2] == 3


class TestReadFile:
    def test_reads_a_picture(self, tmp_path):
        (tmp_path / "a.png").write_bytes(encoded(".png"))
        assert read_file(tmp_path / "a.png") == encoded(".png")

    def test_names_the_file_that_is_too_large_and_the_limit(self, tmp_path):
        with (tmp_path / "film.jpg").open("wb") as film:
            film.truncate(2 << 30)  # sparse: it takes no room
        before = peak_memory()
        with pytest.raises(FrameTooLarge, match=r"film\.jpg has 2147483648 bytes; .* at most 20971520"):
            read_file(tmp_path / "film.jpg")
        assert peak_memory() - before < 10 * MEGABYTES

    def test_is_not_misled_by_a_file_without_a_size(self):
        with pytest.raises(FrameTooLarge, match="zero has 20971521 bytes"):
            read_file(Path("/dev/zero"))


class TestCrops:
    def test_come_back_without_loss(self):
        crop = np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)

        assert (decode_crop(encode_crop(crop)) == crop).all()

    def test_of_another_size_are_refused(self):
        with pytest.raises(ImageUndecodable, match="112"):
            decode_crop(encoded(".png"))


class TestThumbnails:
    def test_fit_into_the_size_and_keep_their_shape(self):
        thumbnail = decode_image(encode_thumbnail(picture(640, 480), 112))

        assert thumbnail.shape == (84, 112, 3)

    def test_never_grow(self):
        assert decode_image(encode_thumbnail(picture(48, 64))).shape == (64, 48, 3)

    def test_survive_extreme_shapes(self):
        assert encode_thumbnail(picture(2000, 32), 16).startswith(b"\xff\xd8\xff")
