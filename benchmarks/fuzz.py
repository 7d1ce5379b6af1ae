"""Damaged frames and files against the decoder: `manage.py benchmark fuzz --count 100000 --seed 1`.

Real faces (or made-up pictures) in every format are spoiled in header and body, and each is decoded in a child process
under the limits of frames or of uploads. Input n of a seed is always the same. An input fails when it

- raises memory by more than 100 MB, the picture that it decodes to included,
- holds the thread for more than 250 ms, and for an accepted picture 60 ns per pixel: what honest ones of its size take,
- raises anything but an ImageError, or ends the process.

Time is the thread's own processor time, so that a busy machine does not lie.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import zlib
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.sample import DEFAULT_FACES, read_pictures
from recognizer.errors import ImageError
from recognizer.images import FRAME_LIMITS, UPLOAD_LIMITS, decode_image
from recognizer.types import Image

ROOT = Path(__file__).resolve().parent.parent
MEMORY_LIMIT = 100 * 1024 * 1024
SECONDS_LIMIT = 0.25
SECONDS_PER_PIXEL = 6e-8
PICTURES = 12
NUMBERS = (0, 1, 2, 255, 256, 4096, 8000, 16383, 30000, 65535, 1 << 24, (1 << 31) - 1, (1 << 32) - 1)
"""What a length or a size is replaced by."""
ROOM = 2 << 30
"""Bytes beyond which the child may not grow, so that a hole found here does no harm."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=1000, help="how many inputs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which inputs (default: %(default)s)")
    parser.add_argument("--faces", type=Path, default=DEFAULT_FACES, help="folder with pictures (default: %(default)s)")


def run(*, count: int, seed: int, faces: Path, **options: Any) -> dict[str, Any]:
    """What became of the inputs, the worst of them, and `failures`. Raises OSError when no child can be started."""
    results: list[Mapping[str, Any]] = []
    while len(results) < count:
        results += _run_child(seed, len(results), count, faces)
    failures = [result for result in results if result["failure"]]
    slowest = max(results, key=lambda result: result["ms"])
    largest = max(results, key=lambda result: result["mb"])
    return {
        "inputs": len(results),
        "seed": seed,
        "outcomes": dict(Counter(result["outcome"] for result in results).most_common()),
        "worst_ms": slowest["ms"],
        "worst_ms_input": slowest["input"],
        "worst_memory_mb": largest["mb"],
        "worst_memory_input": largest["input"],
        "failures": failures,
    }


def _run_child(seed: int, start: int, stop: int, faces: Path) -> list[Mapping[str, Any]]:
    """A line per input; the input that ended the child is a failure, and the next child goes on behind it."""
    command = [sys.executable, "-m", "benchmarks.fuzz", str(seed), str(start), str(stop), str(faces)]
    done = subprocess.run(  # noqa: S603 - this module
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
    )
    results: list[Mapping[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode:
        failure = f"the process ended with {done.returncode}"
        results.append(_result(start + len(results), "ended", 0.0, 0, failure))
    return results


def measure(seed: int, start: int, stop: int, faces: Path) -> Iterator[Mapping[str, Any]]:
    """The inputs from start to stop, one after the other, in this process."""
    originals = make_originals(faces)
    for number in range(start, stop):
        random = np.random.default_rng((seed, number))
        limits = FRAME_LIMITS if random.random() < 0.5 else UPLOAD_LIMITS
        data = spoil(random, originals)
        before = _reset_peak()
        started = time.thread_time()
        pixels = 0
        try:
            image = decode_image(data, limits)
            outcome, pixels = "accepted", image.shape[0] * image.shape[1]
            del image
        except ImageError as error:
            outcome = error.code
        except Exception as error:
            outcome = f"escaped: {type(error).__name__}"
        seconds = time.thread_time() - started
        grown = max(0, _peak() - before)
        yield _result(number, outcome, seconds, grown, _fault(outcome, seconds - SECONDS_PER_PIXEL * pixels, grown))


def make_originals(faces: Path) -> list[bytes]:
    """A few pictures in every format; made-up ones where there is no folder of faces."""
    if faces.is_dir():
        files = read_pictures(faces, PICTURES)
        pictures = [decode_image(data, UPLOAD_LIMITS) for data in files]
    else:
        files, pictures = [], [_made_up(side) for side in range(64, 64 + 16 * PICTURES, 16)]
    return files + [data for number, picture in enumerate(pictures) for data in _in_formats(picture, number)]


def spoil(random: np.random.Generator, originals: Sequence[bytes]) -> bytes:
    """One original with one to four changes."""
    data = bytearray(originals[int(random.integers(len(originals)))])
    for _ in range(random.integers(1, 5)):
        change = CHANGES[random.integers(len(CHANGES))]
        change(random, data, originals)
        if len(data) < 16:
            break
    return _with_right_sums(data) if data[:4] == b"\x89PNG" and random.random() < 0.7 else bytes(data)


def _place(random: np.random.Generator, data: bytearray) -> int:
    """In the header as often as in the rest."""
    end = min(700, len(data)) if random.random() < 0.5 else len(data)
    return int(random.integers(max(1, end)))


def _change_bytes(random: np.random.Generator, data: bytearray, _: Sequence[bytes]) -> None:
    for _number in range(random.integers(1, 9)):
        data[min(_place(random, data), len(data) - 1)] = random.integers(256)


def _flip_bit(random: np.random.Generator, data: bytearray, _: Sequence[bytes]) -> None:
    data[min(_place(random, data), len(data) - 1)] ^= 1 << int(random.integers(8))


def _put_number(random: np.random.Generator, data: bytearray, _: Sequence[bytes]) -> None:
    size = int(random.choice([2, 3, 4]))
    value = int(
        random.choice([0, 1, 2, 255, 256, 4096, 8000, 16383, 30000, 65535, 1 << 24, (1 << 31) - 1, (1 << 32) - 1])
    )
    at = _place(random, data)
    order = "big" if random.random() < 0.5 else "little"
    data[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]


def _put_marker(random: np.random.Generator, data: bytearray, _: Sequence[bytes]) -> None:
    at = _place(random, data)
    data[at:at] = bytes([0xFF, random.choice([0, 1, 0xC0, 0xC2, 0xC4, 0xD0, 0xD8, 0xD9, 0xDA, 0xDC, 0xE1, 0xFF])])


def _cut(random: np.random.Generator, data: bytearray, _: Sequence[bytes]) -> None:
    at = _place(random, data)
    del data[at : at + int(random.integers(1, 1 + max(1, len(data) // 4)))]


def _cut_end(random: np.random.Generator, data: bytearray, _: Sequence[bytes]) -> None:
    del data[_place(random, data) :]


def _repeat(random: np.random.Generator, data: bytearray, _: Sequence[bytes]) -> None:
    at = _place(random, data)
    piece = data[at : at + int(random.integers(1, 2000))]
    data[at:at] = piece * int(random.integers(1, 20))


def _mix(random: np.random.Generator, data: bytearray, originals: Sequence[bytes]) -> None:
    other = originals[int(random.integers(len(originals)))]
    start = int(random.integers(len(other)))
    at = _place(random, data)
    data[at : at + int(random.integers(2000))] = other[start : start + int(random.integers(1, 4000))]


CHANGES: tuple[Callable[[np.random.Generator, bytearray, Sequence[bytes]], None], ...] = (
    _change_bytes,
    _flip_bit,
    _put_number,
    _put_marker,
    _cut,
    _cut_end,
    _repeat,
    _mix,
)


def _with_right_sums(data: bytearray) -> bytes:
    """A PNG whose chunks have the checksums that they should, as far as chunks can be followed."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(data)


def _in_formats(picture: Image, number: int) -> Iterator[bytes]:
    small = cv2.resize(picture, (96 + 16 * (number % 4), 112))
    alpha = np.dstack([small, small[:, :, 0]])
    yield _encode(".jpg", picture, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    yield _encode(".jpg", picture, cv2.IMWRITE_JPEG_RST_INTERVAL, 4)
    yield _encode(".jpg", picture[:, :, 0], cv2.IMWRITE_JPEG_QUALITY, 60)
    yield _encode(".jpg", cv2.resize(picture, (640, 480)), cv2.IMWRITE_JPEG_QUALITY, 80)
    yield _encode(".png", small)
    yield _encode(".png", alpha.astype(np.uint16) * 257)
    yield _encode(".png", np.full((300, 400), 10 * number, np.uint8))
    yield _encode(".png", alpha)
    yield _encode(".bmp", small)
    yield _encode(".jpg", small)[:-2]
    yield _encode(".webp", picture, cv2.IMWRITE_WEBP_QUALITY, 70)
    yield _encode(".webp", alpha, cv2.IMWRITE_WEBP_QUALITY, 70)
    yield _encode(".webp", small, cv2.IMWRITE_WEBP_QUALITY, 101)


def _encode(suffix: str, picture: Any, *parameters: int) -> bytes:
    return bytes(cv2.imencode(suffix, picture, list(parameters))[1])


def _made_up(side: int) -> Image:
    noise = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)  # type: ignore[return-value]  # cv2's stubs know no shapes


def _result(number: int, outcome: str, seconds: float, grown: int, failure: str) -> Mapping[str, Any]:
    megabytes = round(grown / (1 << 20), 1)
    return {"input": number, "outcome": outcome, "ms": round(1000 * seconds, 1), "mb": megabytes, "failure": failure}


def _fault(outcome: str, seconds: float, grown: int) -> str:
    if outcome.startswith("escaped"):
        return outcome
    if seconds > SECONDS_LIMIT:
        return "the thread was held too long"
    return "memory rose too far" if grown > MEMORY_LIMIT else ""


def _reset_peak() -> int:
    """Forget the highest memory so far; the memory of now in bytes (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    seed, start, stop, faces = sys.argv[1:]
    cv2.setNumThreads(1)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for result in measure(int(seed), int(start), int(stop), Path(faces)):
        os.write(sys.stdout.fileno(), json.dumps(result).encode() + b"\n")


if __name__ == "__main__":
    main()
