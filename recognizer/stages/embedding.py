"""From aligned crops to vectors that can be compared by their cosine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import cv2
import numpy as np

from recognizer.errors import PackCorrupt
from recognizer.stages.sessions import Session
from recognizer.types import Image, Preprocessing, Vector

LARGEST_BATCH = 16
"""Most crops per call of a model. This bounds its memory; larger batches bring no speed on a CPU."""


class Embedder(Protocol):
    dimension: int
    """Numbers in each embedding, the d below."""

    def embed(self, aligned: Sequence[Image]) -> Vector:
        """(n, d) float32, each row of length 1, for n crops of (112, 112, 3) uint8 BGR."""


class OnnxEmbedder:
    """Any ArcFace-style ONNX model. Input layout, batch and dimension are read from the graph.

    Raises PackCorrupt when the graph does not take 112 x 112 colour pictures or gives no vectors.
    """

    def __init__(self, session: Session, preprocessing: Preprocessing) -> None:
        self._session = session
        entry = session.get_inputs()[0]
        self._input, shape = entry.name, entry.shape
        self._channels_last = _is_channels_last(shape)
        self._largest_batch = 1 if isinstance(shape[0], int) else LARGEST_BATCH
        self._output = session.get_outputs()[0].name
        self._parameters = _blob_parameters(preprocessing, self._channels_last)
        self.dimension = self._probe_dimension()

    def embed(self, aligned: Sequence[Image]) -> Vector:
        """(n, d) float32, each row of length 1, for n crops of (112, 112, 3) uint8 BGR; (0, d) for none."""
        if not aligned:
            return np.empty((0, self.dimension), np.float32)
        step = self._largest_batch
        parts = [self.infer(self.prepare(aligned[at : at + step])) for at in range(0, len(aligned), step)]
        return normalize_rows(np.concatenate(parts) if len(parts) > 1 else parts[0])

    def _probe_dimension(self) -> int:
        try:
            probe = self.infer(self.prepare([np.zeros((112, 112, 3), np.uint8)]))
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            why = str(error).splitlines()[0]
            raise PackCorrupt(f"The embedder does not take a picture of 112 x 112 pixels: {why}") from error
        if probe.ndim != 2 or len(probe) != 1:
            raise PackCorrupt(f"The embedder's output has the shape {probe.shape}; one vector per picture is needed.")
        return int(probe.shape[1])

    def prepare(self, aligned: Sequence[Image]) -> Vector:
        """n crops of (112, 112, 3) uint8 BGR as the model's input: (n, 3, 112, 112) or (n, 112, 112, 3) float32.

        The order of axes and of colours is what the graph and the pack's preprocessing ask for.
        """
        if len(aligned) == 1:
            return cast(Vector, cv2.dnn.blobFromImageWithParams(aligned[0], self._parameters))
        return cast(Vector, cv2.dnn.blobFromImagesWithParams(list(aligned), self._parameters))

    def feed(self, aligned: Sequence[Image]) -> dict[str, Vector]:
        """The input that `prepare` makes of n crops, (n, 3, 112, 112) or (n, 112, 112, 3), under the input's name."""
        return {self._input: self.prepare(aligned)}

    def infer(self, blob: Vector) -> Vector:
        """The model alone, on what `prepare` made: (n, d) float32 as it comes, not yet of length 1."""
        return cast(Vector, self._session.run([self._output], {self._input: blob})[0])


def normalize_rows(vectors: Vector) -> Vector:
    """(n, d) vectors with each row divided by its length. A row of zeros stays zero."""
    lengths = np.sqrt(np.vecdot(vectors, vectors))
    return cast(Vector, vectors / np.maximum(lengths, 1e-12)[:, np.newaxis])


def _is_channels_last(shape: Sequence[object]) -> bool:
    if len(shape) == 4 and shape[1] == 3:
        return False
    if len(shape) == 4 and shape[3] == 3:
        return True
    raise PackCorrupt(
        f"The embedder's input has the shape {list(shape)}; (n, 3, 112, 112) or (n, 112, 112, 3) is needed."
    )


def _blob_parameters(preprocessing: Preprocessing, channels_last: bool) -> cv2.dnn.Image2BlobParams:
    parameters = cv2.dnn.Image2BlobParams()
    parameters.scalefactor = tuple(1.0 / value for value in preprocessing.std)
    parameters.mean = preprocessing.mean
    parameters.swapRB = preprocessing.colour == "RGB"
    parameters.ddepth = cv2.CV_32F
    parameters.datalayout = cv2.dnn.DNN_LAYOUT_NHWC if channels_last else cv2.dnn.DNN_LAYOUT_NCHW
    return parameters
