"""FACESITE_DEVICE. Only the CPU is at hand here: that others fall back to it is what can be tested."""

from __future__ import annotations

import onnxruntime
import pytest

from recognizer.engine import FaceEngine
from recognizer.stages.devices import Device
from recognizer.types import RecognizerConfig


class TestDevice:
    def test_the_cpu_is_always_there(self):
        device = Device("cpu")
        assert (device.used, device.problem, device.providers) == ("cpu", "", ["CPUExecutionProvider"])

    @pytest.mark.parametrize(("wanted", "package"), [("cuda", "onnxruntime-gpu"), ("openvino", "onnxruntime-openvino")])
    def test_what_is_not_installed_falls_back_with_a_sentence_that_says_what_to_install(
        self, monkeypatch, wanted, package
    ):
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
        device = Device(wanted)
        assert (device.used, device.providers) == ("cpu", ["CPUExecutionProvider"])
        assert package in device.problem

    def test_what_is_installed_comes_before_the_cpu(self, monkeypatch):
        both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
        device = Device("cuda")
        device.note(both)
        assert (device.used, device.problem, device.providers) == ("cuda", "", both)

    def test_what_a_session_passes_over_is_told_and_not_asked_for_again(self, monkeypatch):
        both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
        device = Device("cuda")
        device.note(["CPUExecutionProvider"])
        assert (device.used, device.providers) == ("cpu", ["CPUExecutionProvider"])
        assert "driver" in device.problem

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(ValueError, match="cpu, cuda, openvino"):
            Device("abacus")


class TestEngine:
    def test_computes_on_the_cpu_where_there_is_nothing_else_and_says_so(self, models_dir, engine):
        other = FaceEngine(RecognizerConfig(models_dir=models_dir, pack=engine.pack.name, device="openvino"))
        other.startup()
        try:
            assert other.contract_id == engine.contract_id
            assert other.device == "cpu"
            assert "onnxruntime-openvino" in other.device_problem
            assert (engine.device, engine.device_problem) == ("cpu", "")
        finally:
            other.close()
