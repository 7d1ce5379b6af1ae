"""A pack's embedder in 8-bit integers: about 2.5 times faster, at embeddings that differ a little.

Static quantisation (ONNX Runtime, QDQ, uint8 activations, weights per channel), calibrated on aligned crops and
measured on other ones. Weights use 7 of their 8 bits: processors with AVX2 but without VNNI add two products in 16
bits, which 8-bit weights overflow, and the same file would give worse embeddings there (ONNX Runtime, "Quantize ONNX
models", `reduce_range`). It needs the `onnx` package, which running the product does not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from recognizer.errors import PackError
from recognizer.packs.manifest import Pack
from recognizer.stages.embedding import OnnxEmbedder
from recognizer.stages.sessions import open_session, write_plain_model
from recognizer.types import Image, Vector

FEWEST_CROPS = 40
"""Fewer crops say too little about the range of the activations, and leave too few to measure on."""
MOST_CALIBRATION_CROPS = 200
"""Every second crop calibrates, up to this many; the others measure."""


class QuantizeFailed(PackError):
    code = "pack_quantize_failed"


@dataclass(frozen=True, slots=True)
class LabelledCrop:
    person: str
    """Any name; crops with equal names are mated."""
    aligned: Image
    """(112, 112, 3) uint8 BGR."""


@dataclass(frozen=True, slots=True)
class QuantizeReport:
    """How the 8-bit embeddings compare with the original ones, on crops that were not used to calibrate."""

    calibrated_on: int
    """Crops."""
    measured_on: int
    """Crops."""
    mean_cosine: float
    """Between the two embeddings of the same crop."""
    lowest_cosine: float
    """The same, for the crop whose embedding changed most."""
    mated_pairs: int
    non_mated_pairs: int
    accuracy_before: float | None
    """Share of the pairs decided rightly at the pack's 1e-4 threshold, 0..1. Mated and non-mated pairs weigh alike."""
    accuracy_after: float | None
    """None, like accuracy_before, when there are no pairs of one kind."""


def quantize_embedder(pack: Pack, crops: Sequence[LabelledCrop], target: Path) -> QuantizeReport:
    """Write the 8-bit model to `target` and measure it. Every second crop calibrates, the others measure.

    Raises QuantizeFailed when there are too few crops, the `onnx` package is missing or the model cannot be quantised.
    """
    if len(crops) < FEWEST_CROPS:
        raise QuantizeFailed(f"{len(crops)} faces are too few to quantise a model: at least {FEWEST_CROPS} are needed.")
    original = OnnxEmbedder(open_session(pack.embedder.path), pack.preprocessing)
    calibration = [crop.aligned for crop in crops[::2]][:MOST_CALIBRATION_CROPS]
    _write_quantized(pack.embedder.path, target, original, calibration)
    quantized = OnnxEmbedder(open_session(target), pack.preprocessing)
    held_out = crops[1::2]
    before = np.concatenate([original.embed([crop.aligned]) for crop in held_out])
    after = np.concatenate([quantized.embed([crop.aligned]) for crop in held_out])
    cosines = np.einsum("ij,ij->i", before, after)
    people = np.array([crop.person for crop in held_out])
    threshold = pack.thresholds[1e-4].match
    mated, non_mated = _count_pairs(people)
    return QuantizeReport(
        calibrated_on=len(calibration),
        measured_on=len(held_out),
        mean_cosine=float(cosines.mean()),
        lowest_cosine=float(cosines.min()),
        mated_pairs=mated,
        non_mated_pairs=non_mated,
        accuracy_before=_balanced_accuracy(before, people, threshold),
        accuracy_after=_balanced_accuracy(after, people, threshold),
    )


def _write_quantized(source: Path, target: Path, embedder: OnnxEmbedder, crops: Sequence[Image]) -> None:
    try:
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError:
        raise QuantizeFailed("Quantising needs the onnx package: pip install onnx, then run this again.") from None

    class Crops(quantization.CalibrationDataReader):  # type: ignore[misc]  # an untyped base class
        def __init__(self) -> None:
            self._feeds: Iterator[dict[str, Vector]] = (embedder.feed([crop]) for crop in crops)

        def get_next(self) -> dict[str, Vector] | None:
            return next(self._feeds, None)

    logger = logging.getLogger()
    before = logger.level
    logger.setLevel(logging.ERROR)  # the root logger gets its advice to preprocess, which is done here
    try:
        with TemporaryDirectory(prefix="facesite-quantize-") as folder:
            plain, prepared = Path(folder) / "plain.onnx", Path(folder) / "prepared.onnx"
            write_plain_model(source, plain)
            quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
            quantization.quantize_static(
                str(prepared),
                str(target),
                Crops(),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
            )
    except Exception as error:  # the quantiser raises errors of any type
        raise QuantizeFailed(f"{source.name} could not be quantised: {str(error).splitlines()[0]}") from error
    finally:
        logger.setLevel(before)


def _count_pairs(people: NDArray[np.str_]) -> tuple[int, int]:
    """Numbers of mated and of non-mated pairs. people: (n,)."""
    same = people[:, np.newaxis] == people
    mated = (int(same.sum()) - len(people)) // 2
    return mated, len(people) * (len(people) - 1) // 2 - mated


def _balanced_accuracy(embeddings: Vector, people: NDArray[np.str_], threshold: float) -> float | None:
    """Mean of two shares: mated and non-mated pairs that the threshold decides rightly. None without both kinds."""
    rows, columns = np.triu_indices(len(people), 1)
    same = people[rows] == people[columns]
    if same.all() or not same.any():
        return None
    matches = (embeddings @ embeddings.T)[rows, columns] >= threshold
    return float((matches[same].mean() + (~matches[~same]).mean()) / 2)
