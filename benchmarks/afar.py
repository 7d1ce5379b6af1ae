"""Small faces in large photographs: `python -m benchmarks.afar` prints the table of docs/accuracy.md.

Portraits are laid, with soft edges and as large as asked for, at random places of photographs of 6000 x 4000 pixels
(the room of the clip `no_face`, enlarged with noise, or sixteen of it side by side). Each is written as JPEG, decoded
as a file is, and looked at once as frames are and once as stills are. Its own processor time counts, in one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from benchmarks.accuracy import FACES, ROOT, print_lines
from benchmarks.sample import clip_frames
from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS
from recognizer.types import Detection, Image, RecognizerConfig

WIDTH, HEIGHT = 6000, 4000
SIZES = (60, 120, 180, 240)
"""Pixels: the shorter side of the face's box."""
PEOPLE = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models-dir", type=Path, default=ROOT / "models")
    parser.add_argument("--pack", help="default: the best installed one")
    parser.add_argument("--people", type=int, default=PEOPLE, help="how many (default: %(default)s)")
    options = parser.parse_args()
    engine = FaceEngine(RecognizerConfig(models_dir=options.models_dir, pack=options.pack, threads=1))
    engine.startup()
    folders = sorted(path for path in (FACES / "eval").iterdir() if path.is_dir())[: options.people]
    portraits = [engine.decode(min(folder.glob("*.jpg")).read_bytes(), UPLOAD_LIMITS) for folder in folders]
    print_lines([f"### {engine.pack.title}", ""], list(afar_table(engine, portraits, grounds())))
    engine.close()


def grounds() -> list[Image]:
    """4000 x 6000 x 3 pictures without a face."""
    room = next(clip_frames(FACES / "webcam" / "no_face.mjpeg"))
    noise = np.random.default_rng(1).normal(0, 6, (HEIGHT, WIDTH, 1)).astype(np.float32)
    rooms = np.concatenate([np.concatenate([room] * 4, axis=1)] * 4)
    whole, many = (cv2.resize(one, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for one in (room, rooms))
    return [np.clip(whole + noise, 0, 255).astype(np.uint8), cast(Image, many)]


def afar_table(engine: FaceEngine, portraits: Sequence[Image], grounds: Sequence[Image]) -> Iterator[str]:
    """The table's lines for these H x W x 3 BGR portraits."""
    looks: dict[str, Callable[[Image], list[Detection]]] = {"a frame": engine.detect, "a still": engine.detect_still}
    yield "| face, pixels of the file | " + " | ".join(f"found as {name} | ms | of no face" for name in looks) + " |"
    yield "|---|" + "---|---|---|" * len(looks)
    random = np.random.default_rng(2)
    for size in SIZES:
        hits, others, took = (dict.fromkeys(looks, 0.0) for _ in range(3))
        for number, portrait in enumerate(portraits):
            image, place = photograph(engine, portrait, grounds[number % len(grounds)], size, random)
            for name, look in looks.items():
                started = time.thread_time()
                found = look(image)
                took[name] += 1000 * (time.thread_time() - started) / len(portraits)
                on_it = sum(lies_on(face, place) for face in found)
                hits[name] += bool(on_it)
                others[name] += len(found) - on_it
        cells = [f"{hits[name]:.0f} of {len(portraits)} | {took[name]:.0f} | {others[name]:.0f}" for name in looks]
        yield f"| {size} | {' | '.join(cells)} |"


def photograph(
    engine: FaceEngine, portrait: Image, ground: Image, size: int, random: np.random.Generator
) -> tuple[Image, tuple[float, float]]:
    """The decoded photograph, and the middle (x, y) of its face in it."""
    left, top, right, bottom = engine.detect(portrait)[0].box_xyxy.tolist()
    scale = size / min(right - left, bottom - top)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cast(Image, cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=way))
    height, width = small.shape[:2]
    x, y = int(random.integers(0, WIDTH - width)), int(random.integers(0, HEIGHT - height))
    photo = ground.copy()
    photo[y : y + height, x : x + width] = _softly(small, photo[y : y + height, x : x + width])
    data = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    image = engine.decode(data, UPLOAD_LIMITS)
    share = image.shape[1] / WIDTH
    return image, (share * (x + scale * (left + right) / 2), share * (y + scale * (top + bottom) / 2))


def _softly(picture: Image, ground: Image) -> Image:
    """The picture on the ground, fading out towards its borders."""
    height, width = picture.shape[:2]
    edge = max(2, min(height, width) // 10)
    mask = np.zeros((height, width), np.float32)
    mask[edge:-edge, edge:-edge] = 1
    alpha = cv2.GaussianBlur(mask, (0, 0), edge / 2)[..., None]
    return (picture * alpha + ground * (1 - alpha)).astype(np.uint8)


def lies_on(face: Detection, place: tuple[float, float]) -> bool:
    left, top, right, bottom = face.box_xyxy.tolist()
    return bool(left < place[0] < right and top < place[1] < bottom)


if __name__ == "__main__":
    main()
