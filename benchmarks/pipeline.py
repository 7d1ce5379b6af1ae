"""What the pipeline costs on one thread beside the models it runs: `manage.py benchmark pipeline`.

For every picture the whole way is timed, stage by stage. Right after it the models of detector and embedder (and of
landmarks, where the pack has them) are called once more on the very same inputs: the raw calls. overhead = total / sum
of the raw calls, the median over the pictures. The two halves of a ratio lie milliseconds apart, so other work on the
machine slows both. Quality, liveness and the cohort's gate are timed afterwards, since not every frame needs them.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from benchmarks.sample import DEFAULT_FACES, build_gallery, read_pictures
from enrollment.runtime.engine import start_engine
from enrollment.runtime.pack_choice import chosen_pack_name
from recognizer.engine import FaceEngine
from recognizer.search.cohort import Cohort
from recognizer.search.gallery import GallerySnapshot
from recognizer.stages.detection import YuNetDetector
from recognizer.stages.embedding import OnnxEmbedder
from recognizer.stages.landmarks import LandmarkRefiner
from recognizer.types import Vector

P = ParamSpec("P")
T = TypeVar("T")
STAGES = ("decode", "detect", "align", "embed", "search")
RAW = ("raw_detector", "raw_landmarks", "raw_embedder")
BESIDE = ("quality", "liveness", "gate")
GOAL = 1.25
"""Largest overhead that is acceptable."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--faces", type=Path, default=DEFAULT_FACES, help="folder with pictures (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=100, help="at most this many pictures (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is used (default: %(default)s)")
    parser.add_argument("--templates", type=int, default=1000, help="size of the gallery (default: %(default)s)")


def run(*, faces: Path, limit: int, rounds: int, templates: int, **options: Any) -> dict[str, Any]:
    """Median and 95th percentile of every stage and raw call in milliseconds, and the overhead.

    Raises PackError, ValueError (no pictures, or none with a face).
    """
    pictures = read_pictures(faces, limit)
    engine = start_engine(chosen_pack_name())
    try:
        gallery = build_gallery(templates, engine.dimension, engine.contract_id)
        pipeline = _Pipeline(engine, gallery)
        for picture in pictures * rounds:
            pipeline.measure(picture)
        for picture in pictures:
            pipeline.measure_beside(picture)
        return pipeline.report() | {"pack": engine.pack.name, "pictures": len(pictures), "rounds": rounds}
    finally:
        engine.close()


class _Pipeline:
    """Runs pictures through the stages and keeps the time of each."""

    def __init__(self, engine: FaceEngine, gallery: GallerySnapshot) -> None:
        if not isinstance(engine.detector, YuNetDetector) or not isinstance(engine.embedder, OnnxEmbedder):
            raise TypeError("The benchmark knows the inputs of YuNet and of ONNX embedders only.")
        self._engine, self._gallery = engine, gallery
        self._detector, self._embedder = engine.detector, engine.embedder
        self._cuts = _remembered_cuts(engine.detector.refiner) if engine.detector.refiner else None
        self._laps: dict[str, list[float]] = defaultdict(list)

    def measure(self, picture: bytes) -> None:
        """One picture all the way, then the raw calls. A picture without a face is left out."""
        engine = self._engine
        laps: dict[str, float] = {}
        if self._cuts:
            self._cuts.clear()
        start = time.perf_counter()
        image = _timed(laps, "decode", engine.decode, picture)
        detections = _timed(laps, "detect", engine.detect, image)
        if not detections:
            return
        aligned = _timed(laps, "align", engine.align, image, detections[0])
        vectors = _timed(laps, "embed", engine.embed, [aligned])
        _timed(laps, "search", self._gallery.search, vectors[0])
        laps["total"] = (time.perf_counter() - start) * 1000
        blob, crop = self._detector.prepare(image)[0], self._embedder.prepare([aligned])
        _timed(laps, "raw_detector", self._detector.infer, blob)
        if self._cuts and self._detector.refiner:
            _timed(laps, "raw_landmarks", _replay, self._detector.refiner, self._cuts.copy())
        _timed(laps, "raw_embedder", self._embedder.infer, crop)
        self._keep(laps)

    def measure_beside(self, picture: bytes) -> None:
        """Quality and liveness of one picture's largest face, and the gate of its match with anybody."""
        engine = self._engine
        laps: dict[str, float] = {}
        image = engine.decode(picture)
        for detection in engine.detect(image)[:1]:
            aligned = engine.align(image, detection)
            _timed(laps, "quality", engine.measure_quality, image, detection, aligned)
            _timed(laps, "liveness", engine.check_liveness, image, detection)
            if engine.cohort:
                _timed(laps, "gate", self._ask_gate, engine.cohort, engine.embed([aligned])[0])
        self._keep(laps)

    def _ask_gate(self, cohort: Cohort, probe: Vector) -> bool:
        """What a decision that would be a match does besides: find the person's best template, ask the cohort."""
        template = self._gallery.best_template(probe, "person-0")
        return template is not None and cohort.stands_out(0.5, probe, template)

    def _keep(self, laps: Mapping[str, float]) -> None:
        for name, value in laps.items():
            self._laps[name].append(value)

    def report(self) -> dict[str, Any]:
        if not self._laps:
            raise ValueError("No face was found in any picture: name another folder with --faces.")
        calls = [name for name in RAW if name in self._laps]
        raw = np.sum([self._laps[name] for name in calls], axis=0)
        overhead = round(float(np.median(np.array(self._laps["total"]) / raw)), 3)
        stages = {
            name: _summary(self._laps[name]) for name in (*STAGES, "total", *calls, *BESIDE) if name in self._laps
        }
        return {
            "measurements": len(self._laps["total"]),
            "stages_ms": stages,
            "overhead": overhead,
            "goal": GOAL,
            "goal_reached": overhead <= GOAL,
        }


def _remembered_cuts(refiner: LandmarkRefiner) -> list[Vector]:
    """A list that from now on gets every input (n, 3, 64, 64) of the refiner's model.

    The refiner looks again at some faces, so how often it calls the model is not known beforehand.
    """
    cuts: list[Vector] = []
    infer = refiner.infer

    def remembering(asked: Vector) -> Vector:
        cuts.append(asked)
        return infer(asked)

    refiner.infer = remembering  # type: ignore[method-assign,assignment]
    return cuts


def _replay(refiner: LandmarkRefiner, asked: Sequence[Vector]) -> None:
    for cuts in asked:
        refiner.infer(cuts)


def _timed(laps: dict[str, float], name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    start = time.perf_counter()
    result = function(*args, **kwargs)
    laps[name] = (time.perf_counter() - start) * 1000
    return result


def _summary(values: list[float]) -> dict[str, float]:
    return {"median": round(float(np.median(values)), 3), "p95": round(float(np.percentile(values, 95)), 3)}
