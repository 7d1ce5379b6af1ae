"""Is a covered mouth found? `python -m benchmarks.covers` prints the table of docs/accuracy.md.

Masks, scarves and hands are painted onto whole pictures, in other ways than those which the check network was trained
with (training/covers.py): scarves and hands take their cloth and skin from other people's pictures. Hands at the cheek
and scarves below the chin leave the mouth free. No real scarf or hand is among them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import FACES, ROOT, print_lines
from recognizer.calibration import rate_of
from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS
from recognizer.reasons import Reason
from recognizer.types import Image, RecognizerConfig, Vector

Paint = Callable[[Image, "Axes", Image, np.random.Generator], Image]
"""Picture, its face, another picture, chance -> the picture with something on it."""
MASK_COLOURS = ((210, 180, 150), (240, 240, 240), (30, 30, 30), (160, 140, 110), (60, 90, 200), (90, 160, 60))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models-dir", type=Path, default=ROOT / "models")
    parser.add_argument("--pack", help="default: the best installed one")
    parser.add_argument("--faces", type=Path, default=FACES / "eval", help="folder of folders, one per person")
    options = parser.parse_args()
    engine = FaceEngine(RecognizerConfig(models_dir=options.models_dir, pack=options.pack, threads=1))
    engine.startup()
    files = sorted(options.faces.glob("*/*.jpg"))
    pictures = [engine.decode(path.read_bytes(), UPLOAD_LIMITS) for path in files]
    print_lines([f"### {engine.pack.title}", ""], list(covers_table(engine, pictures)))
    engine.close()


def covers_table(engine: FaceEngine, pictures: Sequence[Image]) -> Iterator[str]:
    """The table's lines for these H x W x 3 BGR pictures."""
    yield "| painted | mouth | faces found | called covered | share [95 % interval] |"
    yield "|---|---|---|---|---|"
    for name, (paint, covered) in KINDS.items():
        random = np.random.default_rng(4)
        seen = [covered_of(engine, picture, at, paint, pictures, random) for at, picture in enumerate(pictures)]
        answers = [answer for answer in seen if answer is not None]
        rate = rate_of(sum(answers), len(answers))
        share = f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]"
        mouth = "covered" if covered else "free"
        yield f"| {name} | {mouth} | {len(answers)} of {len(seen)} | {rate.errors} | {share} |"


def covered_of(
    engine: FaceEngine, picture: Image, at: int, paint: Paint, pictures: Sequence[Image], random: np.random.Generator
) -> bool | None:
    """Whether the painted picture's main face is said to hide its mouth; None: no face is found in it."""
    bare = engine.detect(picture)
    if not bare:
        return None
    other = pictures[(at + len(pictures) // 2) % len(pictures)]
    faces = engine.analyze(paint(picture, Axes(bare[0].landmarks), other, random), embed=False).faces
    return Reason.MOUTH_HIDDEN in faces[0].quality.reasons if faces else None


class Axes:
    """A face's own directions: across from eye to eye, down from the eyes to the mouth."""

    def __init__(self, landmarks: Vector) -> None:
        self.across = landmarks[1] - landmarks[0]
        self.mouth = landmarks[3:].mean(axis=0)
        self.down = self.mouth - landmarks[:2].mean(axis=0)
        self.size = float(np.linalg.norm(self.across))

    def points(self, *places: tuple[float, float]) -> NDArray[np.int32]:
        """Places from the mouth, in shares of across and down, as pixels."""
        return np.array([self.mouth + x * self.across + y * self.down for x, y in places]).astype(np.int32)


def bare(picture: Image, _face: Axes, _other: Image, _random: np.random.Generator) -> Image:
    return picture


def mask(picture: Image, face: Axes, _other: Image, random: np.random.Generator) -> Image:
    """One colour over nose and mouth, with a fold."""
    outline = face.points((-0.95, -0.6), (0, -0.55), (0.95, -0.6), (0.8, 0.3), (0.35, 0.65), (-0.35, 0.65), (-0.8, 0.3))
    colour = np.array(MASK_COLOURS[int(random.integers(len(MASK_COLOURS)))], np.float32)
    cloth = np.broadcast_to(colour, picture.shape).copy()
    fold = face.points((-0.85, -0.1), (0.85, -0.1))
    cv2.line(cloth, fold[0].tolist(), fold[1].tolist(), (0.7 * colour).tolist(), max(1, round(0.03 * face.size)))
    return _laid(picture, [outline], cloth, face)


def scarf(picture: Image, face: Axes, other: Image, random: np.random.Generator) -> Image:
    """Cloth, wider than the face, from below the nose downwards."""
    return _scarf(picture, face, other, random, float(random.uniform(-0.45, -0.25)))


def scarf_below(picture: Image, face: Axes, other: Image, random: np.random.Generator) -> Image:
    """The same below the chin."""
    return _scarf(picture, face, other, random, 0.85)


def _scarf(picture: Image, face: Axes, other: Image, random: np.random.Generator, top: float) -> Image:
    waves = [(x, top + 0.12 * abs(x) + float(random.normal(0, 0.03))) for x in np.linspace(-1.9, 1.9, 9)]
    outline = face.points(*waves, (2.2, 2.6), (-2.2, 2.6))
    return _laid(picture, [outline], _cloth(picture, other, random), face)


def hand(picture: Image, face: Axes, other: Image, random: np.random.Generator) -> Image:
    """Four fingers over the mouth, from one side, and the back of the hand beside it."""
    return _hand(picture, face, other, random, 0.0)


def hand_at_cheek(picture: Image, face: Axes, other: Image, random: np.random.Generator) -> Image:
    """The same with its fingers' ends on the cheek."""
    return _hand(picture, face, other, random, 1.15)


def _hand(picture: Image, face: Axes, other: Image, random: np.random.Generator, away: float) -> Image:
    side = 1 if random.random() < 0.5 else -1
    skin = _skin(picture, face, other)
    lean = float(random.uniform(-0.15, 0.15))
    thick = max(3, round(0.27 * face.size))
    for number in range(4):
        y = -0.33 + 0.24 * number + lean
        tip, knuckle = face.points((side * (away - 0.5 + 0.06 * number), y), (side * (away + 1.1), y + 0.1 - lean))
        finger = np.zeros(picture.shape[:2], np.uint8)
        cv2.line(finger, tip.tolist(), knuckle.tolist(), 255, thick, cv2.LINE_AA)
        shade = (0.82 + 0.09 * number) * skin
        edge = cv2.line(np.zeros_like(finger), tip.tolist(), knuckle.tolist(), 255, max(1, thick // 2), cv2.LINE_AA)
        round_off = 0.8 + 0.2 * cv2.GaussianBlur(edge, (0, 0), thick / 5)[..., None].astype(np.float32) / 255
        picture = _mixed(picture, (shade * round_off).astype(np.float32), finger, face)
    back = face.points(
        (side * (away + 0.8), -0.5), (side * (away + 2), -0.4), (side * (away + 2), 1.2), (side * (away + 0.8), 0.7)
    )
    return _laid(picture, [back], 0.9 * skin, face)


def _skin(picture: Image, face: Axes, other: Image) -> NDArray[np.float32]:
    """The other picture's middle, stretched so that little but its colour and grain is left, in this face's light."""
    height, width = other.shape[:2]
    patch = cv2.resize(other[height // 2 : height // 2 + 12, width // 2 - 12 : width // 2 + 12], picture.shape[1::-1])
    x, y = face.points((0, -1.3))[0].clip(4, min(picture.shape[:2]) - 5)
    forehead = picture[y - 4 : y + 4, x - 4 : x + 4].reshape(-1, 3).mean(axis=0)
    return np.asarray((patch - patch.mean(axis=(0, 1)) + forehead).clip(0, 255), np.float32)


def _cloth(picture: Image, other: Image, random: np.random.Generator) -> NDArray[np.float32]:
    """A corner of the other picture, in folds."""
    side = int(random.integers(40, 90))
    cloth = cv2.resize(other[:side, :side], picture.shape[1::-1]).astype(np.float32)
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    folds = 1 + 0.2 * np.sin((rows + random.uniform(-0.5, 0.5) * columns) / random.uniform(3, 9))
    return cast(NDArray[np.float32], (cloth * folds[..., None]).clip(0, 255))


def _laid(picture: Image, outlines: Sequence[NDArray[np.int32]], paint: NDArray[np.float32], face: Axes) -> Image:
    cover = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(cover, outlines, 255, cv2.LINE_AA)
    return _mixed(picture, paint, cover, face)


def _mixed(picture: Image, paint: NDArray[np.float32], cover: NDArray[np.uint8], face: Axes) -> Image:
    alpha = cv2.GaussianBlur(cover, (0, 0), max(0.5, 0.015 * face.size)).astype(np.float32)[..., None] / 255
    return cast(Image, (picture * (1 - alpha) + paint * alpha).clip(0, 255).astype(np.uint8))


KINDS: dict[str, tuple[Paint, bool]] = {
    "nothing": (bare, False),
    "a hand at the cheek": (hand_at_cheek, False),
    "a scarf below the chin": (scarf_below, False),
    "a mask": (mask, True),
    "a scarf over the mouth": (scarf, True),
    "a hand over the mouth": (hand, True),
}
"""Name to how it is painted and whether it covers the mouth."""


if __name__ == "__main__":
    main()
