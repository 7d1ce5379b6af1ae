"""How accurate is a pack on labelled pairs of pictures? Reads files and computes; writes nothing.

facesite's pipeline and the seed project's run on the same pairs. Each embeds every picture once, in the engine's pool.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.reasons import EnrollmentReason, sentence_for
from recognizer.calibration import ScoreDistribution
from recognizer.engine import FaceEngine
from recognizer.errors import ImageError
from recognizer.images import read_file
from recognizer.pipelines import SEED_THRESHOLD, FacesitePipeline, Pipeline, SeedPipeline
from recognizer.types import Vector
from security.tables import in_chunks

PIPELINES: dict[str, Callable[[FaceEngine], Pipeline]] = {"facesite": FacesitePipeline, "seed": SeedPipeline}
Progress = Callable[[int, int], None]
"""Called with the number of pictures done and of all pictures."""


class PairsInvalid(ValueError):
    """The list of pairs cannot be used; str() names the line and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of the list."""

    a: str
    """a and b: the two pictures, as paths below the folder of images."""
    b: str
    same: bool
    """True: they show the same person."""
    fold: int | None
    """The fold for cross-validation; None: the list has no folds."""


@dataclass(frozen=True, slots=True, eq=False)
class PipelineResult:
    """One pipeline's scores of n pairs."""

    name: str
    """A key of PIPELINES."""
    pairs: Sequence[Pair]
    scores: NDArray[np.float64]
    """(n,) cosine of each pair; NaN where a picture could not be acquired."""
    vectors: Mapping[str, Vector]
    """Picture -> embedding, (d,) float32, L2-normalised."""
    failures: Mapping[str, tuple[str, str]]
    """Picture -> reason code and sentence."""
    pictures: int
    """Number of different pictures in the list."""
    thresholds: Mapping[float, float]
    """False-match rate that the threshold is meant for -> cosine; empty for the seed."""
    match_threshold: float
    """The threshold at which accuracy and rates are measured, a cosine."""
    seconds: float
    """How long it took."""

    @property
    def used(self) -> NDArray[np.bool_]:
        """(n,) True: both pictures of the pair were acquired."""
        return ~np.isnan(self.scores)

    @property
    def distribution(self) -> ScoreDistribution:
        """The scores of the listed pairs."""
        same = np.array([pair.same for pair in self.pairs])
        return ScoreDistribution(self.scores[self.used & same], self.scores[self.used & ~same])

    @property
    def every_pair(self) -> ScoreDistribution:
        """The scores of all pictures with all others; the folder of a picture says who it shows."""
        matrix = np.array(list(self.vectors.values()), dtype=np.float32)
        who = np.unique([str(Path(picture).parent) for picture in self.vectors], return_inverse=True)[1]
        one, other = np.triu_indices(len(matrix), k=1)
        scores, same = (matrix @ matrix.T)[one, other], who[one] == who[other]
        return ScoreDistribution(scores[same], scores[~same])


def read_pairs(path: Path, images: Path) -> list[Pair]:
    """The pairs of a CSV file with the columns a, b, same (1 or 0) and, if wanted, fold. Raises PairsInvalid.

    images: the folder that a and b are relative to. The whole list is checked, so that nothing is computed in vain.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"a", "b", "same"} - set(reader.fieldnames or ())
            if missing:
                raise PairsInvalid(
                    f"{path}, line 1: the column {sorted(missing)[0]} is missing; a, b and same are needed."
                )
            pairs = [_parse_pair(row, f"{path}, line {reader.line_num}", images) for row in reader]
    except OSError as error:
        raise PairsInvalid(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PairsInvalid(f"{path} is no CSV file in UTF-8: {error}.") from error
    if not pairs:
        raise PairsInvalid(f"{path} lists no pairs.")
    return pairs


def _parse_pair(row: Mapping[str, str | None], place: str, images: Path) -> Pair:
    a, b, same = ((row[column] or "").strip() for column in ("a", "b", "same"))
    if same not in ("0", "1"):
        raise PairsInvalid(f'{place}: "same" is {same!r}; it must be 1 (same person) or 0 (different people).')
    for name in (a, b):
        if not name or not (images / name).is_file():
            raise PairsInvalid(f"{place}: there is no picture {name!r} in {images}.")
    fold = (row.get("fold") or "").strip() if "fold" in row else None
    if fold is not None and not fold.isdecimal():
        raise PairsInvalid(f'{place}: "fold" is {fold!r}; it must be a whole number.')
    return Pair(a, b, same == "1", None if fold is None else int(fold))


def run_pipeline(
    name: str, engine: FaceEngine, pairs: Sequence[Pair], images: Path, *, fmr: float, progress: Progress | None = None
) -> PipelineResult:
    """Embed each picture once and score all pairs. Blocking.

    name: a key of PIPELINES. fmr: the rate whose threshold of the pack becomes match_threshold (the seed has its own).
    """
    started = time.perf_counter()
    pictures = sorted({picture for pair in pairs for picture in (pair.a, pair.b)})
    vectors, failures = _embed_all(PIPELINES[name](engine), engine, pictures, images, progress)
    scores = [float(vectors[p.a] @ vectors[p.b]) if p.a in vectors and p.b in vectors else math.nan for p in pairs]
    known = {rate: threshold.match for rate, threshold in engine.pack.thresholds.items()}
    return PipelineResult(
        name=name,
        pairs=pairs,
        scores=np.array(scores),
        vectors=vectors,
        failures=failures,
        pictures=len(pictures),
        thresholds={} if name == "seed" else known,
        match_threshold=SEED_THRESHOLD if name == "seed" else known[fmr],
        seconds=time.perf_counter() - started,
    )


def _embed_all(
    pipeline: Pipeline, engine: FaceEngine, pictures: Sequence[str], images: Path, progress: Progress | None
) -> tuple[dict[str, Vector], dict[str, tuple[str, str]]]:
    vectors: dict[str, Vector] = {}
    failures: dict[str, tuple[str, str]] = {}
    done = 0
    for chunk in in_chunks(pictures, 64):  # a large set is neither queued nor held in memory at once
        futures: dict[str, Future[Vector | tuple[str, str]]] = {
            picture: engine.submit(_embed_file, pipeline, images / picture) for picture in chunk
        }
        wait(futures.values())
        for picture, future in futures.items():
            result = future.result()
            if isinstance(result, tuple):
                failures[picture] = result
            else:
                vectors[picture] = result
        done += len(chunk)
        if progress:
            progress(done, len(pictures))
    return vectors, failures


def _embed_file(pipeline: Pipeline, path: Path) -> Vector | tuple[str, str]:
    """The embedding, or a reason code and its sentence."""
    try:
        vector = pipeline.embed_picture(read_file(path))
    except OSError:
        return EnrollmentReason.FILE_UNREADABLE, sentence_for(EnrollmentReason.FILE_UNREADABLE)
    except ImageError as error:
        return error.code, str(error)
    no_face = EnrollmentReason.NO_FACE, sentence_for(EnrollmentReason.NO_FACE)
    return no_face if vector is None else vector
