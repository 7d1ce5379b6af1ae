"""Pictures on their side or head: `python -m benchmarks.quarters` prints the tables of docs/accuracy.md.

Every picture is turned by 90, 180 and 270 degrees. As a still (an upload, a folder's file, a picture of the API) it
should be turned back or refused, and then match as upright ones do; as a frame of a camera, which nobody turns back, it
should be barred. Pairs of different people are two pictures that are turned alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.accuracy import FACES, ROOT, print_lines
from recognizer.calibration import rate_of
from recognizer.decisions import barring_reason
from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS
from recognizer.packs.choosing import policy_for
from recognizer.pipelines import main_face
from recognizer.types import Detection, Image, LivenessMode, RecognizerConfig, Vector

QUARTERS = (0, 1, 2, 3)


class Picture(NamedTuple):
    person: str
    image: Image
    """H x W x 3 BGR, upright."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one look at one picture found."""

    person: str
    embedding: Vector | None
    """(d,) of length 1; None where no face was found."""
    barred: bool = False
    """The face may neither name, deny nor enrol anybody."""
    upright: bool = False
    """What was looked at is the picture as it was before it was turned."""

    @property
    def counts(self) -> bool:
        """A face that is compared."""
        return self.embedding is not None and not self.barred


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models-dir", type=Path, default=ROOT / "models")
    parser.add_argument("--pack", help="default: the best installed one")
    parser.add_argument("--faces", type=Path, default=FACES / "eval", help="folder of folders, one per person")
    parser.add_argument("--fmr", type=float, default=1e-4)
    options = parser.parse_args()
    engine = FaceEngine(RecognizerConfig(models_dir=options.models_dir, pack=options.pack, threads=1))
    engine.startup()
    threshold = policy_for(engine.pack, options.fmr, LivenessMode.OFF).match_threshold
    files = sorted(options.faces.glob("*/*.jpg"))
    pictures = [Picture(path.parent.name, engine.decode(path.read_bytes(), UPLOAD_LIMITS)) for path in files]
    title = [f"### {engine.pack.title}, threshold {threshold:g}", ""]
    print_lines(title, [*stills_table(engine, pictures, threshold), "", *frames_table(engine, pictures, threshold)])
    engine.close()


def stills_table(engine: FaceEngine, pictures: Sequence[Picture], threshold: float) -> Iterator[str]:
    """The lines of stills."""
    yield "| stills turned by | turned back | refused | compared as they were | FNMR against upright ones | FMR |"
    yield "|---|---|---|---|---|---|"
    upright = [look_at_still(engine, picture, 0) for picture in pictures]
    for quarters in QUARTERS:
        looks = [look_at_still(engine, picture, quarters) for picture in pictures] if quarters else upright
        counted = [look for look in looks if look.counts]
        back = sum(look.upright for look in counted)
        missed = mated_misses(upright, looks, threshold)
        cells = (back, len(looks) - len(counted), len(counted) - back, share(*missed))
        yield f"| {90 * quarters} | {' | '.join(map(str, cells))} | {share(*false_matches(counted, threshold))} |"


def frames_table(engine: FaceEngine, pictures: Sequence[Picture], threshold: float) -> Iterator[str]:
    """The lines of frames."""
    yield "| frames turned by | found | barred | compared | FMR of the found, if none were barred | of the compared |"
    yield "|---|---|---|---|---|---|"
    for quarters in QUARTERS:
        looks = [look_at_frame(engine, picture, quarters) for picture in pictures]
        found = [look for look in looks if look.embedding is not None]
        counted = [look for look in looks if look.counts]
        rates = (share(*false_matches(some, threshold)) for some in (found, counted))
        cells = (len(found), len(found) - len(counted), len(counted), *rates)
        yield f"| {90 * quarters} | {' | '.join(map(str, cells))} |"


def look_at_still(engine: FaceEngine, picture: Picture, quarters: int) -> Look:
    """The picture, turned by quarters, as every page and command looks at a still."""
    return _look(engine, picture, *engine.turn_upright(_turned(picture.image, quarters)))


def look_at_frame(engine: FaceEngine, picture: Picture, quarters: int) -> Look:
    """The same as a frame of a camera."""
    image = _turned(picture.image, quarters)
    return _look(engine, picture, image, engine.detect(image))


def _turned(image: Image, quarters: int) -> Image:
    return np.ascontiguousarray(np.rot90(image, quarters))


def _look(engine: FaceEngine, picture: Picture, image: Image, found: list[Detection]) -> Look:
    detection = main_face(found, image)
    if detection is None:
        return Look(picture.person, None)
    crop = engine.align(image, detection)
    barred = barring_reason(engine.measure_quality(image, detection, crop)) is not None
    return Look(picture.person, engine.embed([crop])[0], barred, np.array_equal(image, picture.image))


def mated_misses(upright: Sequence[Look], looks: Sequence[Look], threshold: float) -> tuple[int, int]:
    """Pairs of an upright picture and another one, turned, of the same person: how many do not match, and how many.

    looks: of the same pictures in the same order. A picture that is refused is a miss.
    """
    pairs = [(upright[a], looks[b]) for a, b in combinations(range(len(looks)), 2)]
    mated = [(one, other) for one, other in pairs if one.person == other.person]
    return sum(not _match(one, other, threshold) for one, other in mated), len(mated)


def _match(one: Look, other: Look, threshold: float) -> bool:
    if not (one.counts and other.counts) or one.embedding is None or other.embedding is None:
        return False
    return float(one.embedding @ other.embedding) >= threshold


def false_matches(looks: Sequence[Look], threshold: float) -> tuple[int, int]:
    """Of all pairs of different people: how many match by the score alone, of how many. Each look has a face."""
    if not looks:
        return 0, 0
    embeddings = np.array([look.embedding for look in looks])
    people = np.array([look.person for look in looks])
    rows, columns = np.triu_indices(len(looks), 1)
    different = people[rows] != people[columns]
    scores = (embeddings @ embeddings.T)[rows, columns][different]
    return int((scores >= threshold).sum()), len(scores)


def share(part: int, whole: int) -> str:
    """A share with its count and its 95 % interval."""
    found = rate_of(part, whole)
    value, low, high = (f"{100 * number:.3g} %" for number in (found.value, found.low, found.high))
    return f"{value} ({part:,} of {whole:,}) [{low}, {high}]" if whole else "-"


if __name__ == "__main__":
    main()
