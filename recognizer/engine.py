"""FaceEngine: the models, loaded once, and the turns at them that every caller shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

import cv2
import numpy as np

from recognizer.errors import EngineNotReady, PackCorrupt
from recognizer.images import FRAME_LIMITS, ImageLimits, decode_image
from recognizer.packs.choosing import choose_pack, verify_pack
from recognizer.packs.cohorts import load_cohort
from recognizer.packs.manifest import Manifest, Pack
from recognizer.search.cohort import Cohort
from recognizer.stages.alignment import TEMPLATE, align_face
from recognizer.stages.checks import NOT_CHECKED, FaceChecker
from recognizer.stages.detection import Detector, YuNetDetector
from recognizer.stages.devices import Device
from recognizer.stages.embedding import Embedder, OnnxEmbedder
from recognizer.stages.landmarks import LandmarkRefiner
from recognizer.stages.liveness import LivenessChecker, MiniFasNet, ScaledModel
from recognizer.stages.quality import measure_quality
from recognizer.stages.sessions import open_session
from recognizer.stages.stills import StillDetector
from recognizer.stopwatch import Stopwatch
from recognizer.threads import WarmThreads
from recognizer.turns import Turns
from recognizer.types import AnalyzedImage, Detection, Face, Image, Liveness, Quality, RecognizerConfig, Vector

PLAINLY_UPRIGHT = 0.9
"""Detection score times the share of "not turned": then no other turn of a still is tried."""

P = ParamSpec("P")
T = TypeVar("T")


class FaceEngine:
    """Call startup() first. Then any thread may call the stages, best inside submit() or in_turn().

    Before startup() and after close() every stage, and every property but `ready`, raises EngineNotReady.
    """

    def __init__(self, config: RecognizerConfig) -> None:
        self.config = config
        self._stages: _Stages | None = None
        self._pool: WarmThreads | None = None
        self._turns = Turns(max(1, config.threads))

    def startup(self) -> None:
        """Check the files' sha256, load the models, compare dimensions and run everything once. Raises PackError."""
        if self._stages is not None:
            return
        # The pool has a worker per core already; OpenCV's own threads would only fight with it.
        cv2.setNumThreads(1)
        pack = choose_pack(Manifest.load(self.config.models_dir), self.config.pack)
        pack = pack if self.config.cohort else pack.without_cohort()
        verify_pack(pack)
        stages = _Stages(pack, self.config)
        stages.warm_up()
        self._pool = WarmThreads(self._turns.at_once, "engine")
        self._stages = stages

    def close(self) -> None:
        """Finish the calls that run, refuse new ones. May be called twice."""
        self._stages = None
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    @property
    def ready(self) -> bool:
        return self._stages is not None

    @property
    def pack(self) -> Pack:
        return self._loaded.pack

    @property
    def contract_id(self) -> str:
        """Names the embedding space of the pack: see `Pack.contract_id`."""
        return self.pack.contract_id

    @property
    def dimension(self) -> int:
        """Numbers in each embedding."""
        return self.pack.dimension

    @property
    def device(self) -> str:
        """On what the models compute: cpu, or what the config asks for."""
        return self._loaded.device.used

    @property
    def device_problem(self) -> str:
        """Why that is not what the config asks for, as a sentence; empty where it is."""
        return self._loaded.device.problem

    @property
    def cohort(self) -> Cohort | None:
        """Strangers that a match must stand out against; None: the pack has none."""
        return self._loaded.cohort

    @property
    def detector(self) -> Detector:
        return self._loaded.detector

    @property
    def embedder(self) -> Embedder:
        return self._loaded.embedder

    @property
    def _loaded(self) -> _Stages:
        if self._stages is None:
            raise EngineNotReady("The face engine is not running: call startup() first.")
        return self._stages

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function, in the caller's context, in the one pool of `threads` workers. Raises EngineNotReady."""
        pool = self._pool
        if pool is None:
            raise EngineNotReady("The face engine is not running: call startup() first.")
        try:
            context = copy_context()
            return pool.submit(lambda: context.run(self.in_turn, function, *args, **kwargs))
        except RuntimeError as error:  # close() came in between
            raise EngineNotReady("The face engine has been closed.") from error

    def in_turn(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in this thread as soon as one of the `threads` turns is free.

        For work that goes on in the same thread afterwards: to wake another costs more than half a millisecond.
        A function that has its turn must not ask for one.
        """
        with self._turns:
            return function(*args, **kwargs)

    @property
    def waiting(self) -> int:
        """Jobs that wait for their turn."""
        return self._turns.waiting + (self._pool.waiting if self._pool else 0)

    def decode(self, data: bytes, limits: ImageLimits = FRAME_LIMITS) -> Image:
        """Untrusted bytes of a picture file to H x W x 3 uint8 BGR. Raises ImageError."""
        return decode_image(data, limits)

    def detect(self, image: Image) -> list[Detection]:
        """All faces of a H x W x 3 uint8 BGR picture, the largest first."""
        return self._loaded.detector.detect(image)

    def detect_still(self, image: Image) -> list[Detection]:
        """The same, with a closer look at a large picture in which no large face is seen; too slow for frames."""
        return self._loaded.stills.detect(image)

    def align(self, image: Image, detection: Detection) -> Image:
        """A face of a H x W x 3 uint8 BGR picture as (112, 112, 3) uint8 BGR on the ArcFace template."""
        return align_face(image, detection.landmarks)

    def measure_quality(self, image: Image, detection: Detection, aligned: Image) -> Quality:
        """Judge one face of a H x W x 3 uint8 BGR picture; `aligned` is its (112, 112, 3) crop."""
        checker = self._loaded.checker
        checks = checker.check(aligned) if checker else NOT_CHECKED
        return measure_quality(image, detection, aligned, checks)

    def embed(self, aligned: Sequence[Image]) -> Vector:
        """(n, d) float32, each row of length 1, for n crops of (112, 112, 3) uint8 BGR."""
        return self._loaded.embedder.embed(aligned)

    def check_liveness(self, image: Image, detection: Detection) -> Liveness:
        """Judge one face of the full H x W x 3 uint8 BGR picture; NOT_CHECKED when the pack has no liveness models."""
        checker = self._loaded.liveness
        return checker.check(image, detection) if checker else Liveness()

    def turn_upright(self, image: Image) -> tuple[Image, list[Detection]]:
        """The H x W x 3 uint8 BGR still itself, or turned by quarters where only then its main face stands upright.

        With what detect_still() finds in it, so that nobody looks again. Cameras without a position sensor, scans and
        messengers leave pictures on their sides.
        """
        best, found = image, self.detect_still(image)
        most = self._uprightness(image, found)
        if most >= PLAINLY_UPRIGHT:
            return best, found
        for quarters in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(image, quarters))
            detections = self.detect_still(turned)
            uprightness = self._uprightness(turned, detections)
            if uprightness > most:
                best, found, most = turned, detections, uprightness
        return best, found

    def _uprightness(self, image: Image, detections: Sequence[Detection]) -> float:
        """0..1, of the main one of these faces; 0 where there is none."""
        if not detections:
            return 0.0
        checker = self._loaded.checker
        turned = checker.check(self.align(image, detections[0])).turned if checker else 0.0
        return detections[0].detection_score * (1.0 - turned)

    def analyze(
        self,
        image: Image,
        detections: Sequence[Detection] | None = None,
        *,
        embed: bool = True,
        liveness: bool = False,
    ) -> AnalyzedImage:
        """Every face of a H x W x 3 uint8 BGR still, with its crop and quality, and on demand more.

        detections: what turn_upright() found in it; None: detect_still() looks for them. embed: with its embedding.
        liveness: with a liveness check, else NOT_CHECKED.
        """
        watch = Stopwatch()
        if detections is None:
            detections = self.detect_still(image)
        watch.lap("detect")
        crops = [self.align(image, detection) for detection in detections]
        watch.lap("align")
        qualities = [self.measure_quality(image, *pair) for pair in zip(detections, crops, strict=True)]
        watch.lap("quality")
        checks = [self.check_liveness(image, detection) if liveness else Liveness() for detection in detections]
        watch.lap("liveness")
        vectors = self.embed(crops) if embed else [None] * len(crops)
        watch.lap("embed")
        faces = map(Face, detections, crops, qualities, vectors, checks)
        return AnalyzedImage((image.shape[1], image.shape[0]), tuple(faces), watch.timings())


class _Stages:
    """The loaded models of one pack."""

    def __init__(self, pack: Pack, config: RecognizerConfig) -> None:
        self.pack = pack
        self.device = Device(config.device)
        opened = partial(open_session, device=self.device)
        refiners = [LandmarkRefiner(opened(file.path)) for file in pack.files_of("landmarks")]
        self.refiner = refiners[0] if refiners else None
        detector = YuNetDetector(
            opened(pack.detector.path, any_size=True),
            size=config.detection_size,
            threshold=config.detection_threshold,
            refiner=self.refiner,
        )
        self.detector: Detector = detector
        self.stills = StillDetector(detector)
        checkers = [FaceChecker(opened(file.path)) for file in pack.files_of("checks")]
        self.checker = checkers[0] if checkers else None
        self.embedder: Embedder = OnnxEmbedder(opened(pack.embedder.path), pack.preprocessing)
        if self.embedder.dimension != pack.dimension:
            raise PackCorrupt(
                f"The embedder of the pack {pack.name} gives {self.embedder.dimension} numbers per face "
                f"where the manifest says {pack.dimension}. Correct the manifest or install the right file."
            )
        self.cohort = load_cohort(pack)
        models = [ScaledModel(opened(file.path), file.crop_scale) for file in pack.files_of("liveness")]
        self.liveness: LivenessChecker | None = MiniFasNet(models) if models else None

    def warm_up(self) -> None:
        """The first call of a session allocates its memory; nobody should wait for that."""
        blank = np.zeros((480, 640, 3), np.uint8)
        self.detector.detect(blank)
        self.embedder.embed([blank[:112, :112]])
        face = Detection(np.array([200, 100, 400, 340], np.float32), TEMPLATE, 1.0)
        if self.refiner:
            self.refiner.refine(blank, [face])
        if self.checker:
            self.checker.check(blank[:112, :112])
        if self.liveness:
            self.liveness.check(blank, face)
