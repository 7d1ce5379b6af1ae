"""Decoding, non-maximum suppression and matching of detections, in numpy: for the evaluation of any YuNet-like ONNX."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from recognizer.stages.landmarks import LandmarkRefiner
from recognizer.stages.sessions import open_session
from recognizer.types import Detection

Array = NDArray[np.float32]
STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class Faces:
    """N x 4 boxes (x1, y1, x2, y2), N x 5 x 2 landmarks, N scores; pixels of the picture given to `detect`."""

    boxes: Array
    landmarks: Array
    scores: Array

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> Faces:
        """The faces that a mask (N) marks, or those at these row numbers."""
        return Faces(self.boxes[keep], self.landmarks[keep], self.scores[keep])


def decode(outputs: dict[str, Array], height: int, width: int, least_score: float) -> Faces:
    """All cells whose score reaches `least_score`, before suppression.

    outputs: those of one picture by name, as detector.py describes them; height, width: of the model's input.
    """
    boxes, points, scores = [], [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        corners = np.stack([columns, rows], -1).reshape(-1, 2).astype(np.float32)
        score = np.sqrt(outputs[f"cls_{stride}"][0, :, 0] * outputs[f"obj_{stride}"][0, :, 0])
        keep = score >= least_score
        box, corner = outputs[f"bbox_{stride}"][0][keep], corners[keep]
        centre, half = (corner + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride / 2
        boxes.append(np.concatenate([centre - half, centre + half], 1))
        landmarks = outputs[f"kps_{stride}"][0][keep].reshape(-1, 5, 2)
        points.append((landmarks + corner[:, None]) * stride)
        scores.append(score[keep])
    return Faces(np.concatenate(boxes), np.concatenate(points), np.concatenate(scores))


def overlaps(first: Array, second: Array) -> Array:
    """N x M: IoU of every box of `first` (N x 4) with every box of `second` (M x 4)."""
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    opposite = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(opposite - corner, 0, None).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (first, second)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


def suppress(faces: Faces, most_overlap: float = 0.4) -> Faces:
    """Greedy non-maximum suppression, best first."""
    faces = faces.select(np.argsort(-faces.scores))
    table = overlaps(faces.boxes, faces.boxes)
    kept: list[int] = []
    for index in range(len(faces)):
        if not kept or table[index, kept].max() < most_overlap:
            kept.append(index)
    return faces.select(np.array(kept, np.int64))


class OnnxDetector:
    """A YuNet-like ONNX file in ONNX Runtime; pictures are padded to multiples of 32.

    `landmarks`: the network that finds the landmarks again (recognizer/stages/landmarks.py).
    """

    def __init__(self, path: Path, threads: int = 1, landmarks: Path | None = None) -> None:
        self.refiner = None if landmarks is None else LandmarkRefiner(open_session(landmarks))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input_name = self.session.get_inputs()[0].name
        self.output_names = [output.name for output in self.session.get_outputs()]

    def detect(self, image: NDArray[np.uint8], least_score: float = 0.6) -> Faces:
        """Faces of a H x W x 3 BGR picture, in its pixels, the best score first."""
        height, width = image.shape[:2]
        padded = cv2.copyMakeBorder(image, 0, -height % 32, 0, -width % 32, cv2.BORDER_CONSTANT)
        tensor = np.ascontiguousarray(padded.transpose(2, 0, 1)[None].astype(np.float32))
        values = self.session.run(None, {self.input_name: tensor})
        outputs = dict(zip(self.output_names, values, strict=True))
        found = suppress(decode(outputs, padded.shape[0], padded.shape[1], least_score))
        return found if self.refiner is None else self._refine(self.refiner, image, found)

    @staticmethod
    def _refine(refiner: LandmarkRefiner, image: NDArray[np.uint8], found: Faces) -> Faces:
        rows = zip(found.boxes, found.landmarks, found.scores.tolist(), strict=True)
        refined = refiner.refine(image, [Detection(*row) for row in rows])
        return replace(found, landmarks=np.array([face.landmarks for face in refined]).reshape(-1, 5, 2))
