from __future__ import annotations

import sys
from pathlib import Path

import cv2
import pytest

from recognizer.packs.quantize import LabelledCrop, QuantizeFailed, quantize_embedder
from recognizer.stages.embedding import OnnxEmbedder
from recognizer.stages.sessions import open_session


@pytest.fixture(scope="module")
def crops(engine, shared_faces: Path) -> list[LabelledCrop]:
    found = []
    for path in sorted((shared_faces / "eval").glob("*/*.jpg"))[:60]:
        image = cv2.imread(str(path))
        found.append(LabelledCrop(path.parent.name, engine.align(image, engine.detect(image)[0])))
    return found


class TestQuantizeEmbedder:
    def test_stays_close_to_the_original(self, engine, crops, tmp_path):
        target = tmp_path / "int8.onnx"

        report = quantize_embedder(engine.pack, crops, target)

        assert target.stat().st_size < engine.pack.embedder.size / 2
        assert OnnxEmbedder(open_session(target), engine.pack.preprocessing).dimension == engine.dimension
        assert (report.calibrated_on, report.measured_on) == (30, 30)
        assert report.mean_cosine > 0.98
        assert report.lowest_cosine > 0.95
        assert report.mated_pairs + report.non_mated_pairs == 30 * 29 // 2
        assert report.mated_pairs > 0
        assert report.accuracy_after == pytest.approx(report.accuracy_before, abs=0.05)

    def test_needs_enough_faces(self, engine, crops, tmp_path):
        with pytest.raises(QuantizeFailed, match="at least 40"):
            quantize_embedder(engine.pack, crops[:39], tmp_path / "int8.onnx")

    def test_has_no_accuracy_when_everybody_is_alone(self, engine, crops, tmp_path):
        strangers = [LabelledCrop(str(number), crop.aligned) for number, crop in enumerate(crops)]

        report = quantize_embedder(engine.pack, strangers, tmp_path / "int8.onnx")

        assert report.mated_pairs == 0
        assert report.accuracy_before is report.accuracy_after is None

    def test_says_which_package_is_missing(self, engine, crops, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnx", None)
        for name in [name for name in sys.modules if name.startswith("onnxruntime.quantization")]:
            monkeypatch.delitem(sys.modules, name)

        with pytest.raises(QuantizeFailed, match="pip install onnx"):
            quantize_embedder(engine.pack, crops, tmp_path / "int8.onnx")
        assert not (tmp_path / "int8.onnx").exists()
