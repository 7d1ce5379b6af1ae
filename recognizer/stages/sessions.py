"""One way to open an ONNX model, the same for every stage."""

from __future__ import annotations

from pathlib import Path

from onnxruntime import GraphOptimizationLevel, SessionOptions
from onnxruntime import InferenceSession as Session

from recognizer.errors import PackCorrupt
from recognizer.stages.devices import CPU, Device
from recognizer.stages.graphs import mend_model

__all__ = ["Session", "open_session", "write_plain_model"]
UNPACK_ONCE = ("session.disable_quant_qdq", "1")
"""ONNX Runtime computes with packed weights as they are; this has it unpack them once, when it opens the model."""


def open_session(path: Path, *, any_size: bool = False, device: Device | None = None) -> Session:
    """A session that computes in the calling thread and may be shared by many.

    It uses one thread per call and no spinning: the engine's pool already has one worker per core, and more threads
    than cores measured slower. The graph is mended first (recognizer/stages/graphs.py); any_size: for a detector whose
    graph may name one size of picture; device: None is the CPU. Raises PackCorrupt when the file is no usable ONNX
    model.
    """
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        mended = mend_model(path.read_bytes(), any_size=any_size)
        if mended.has_packed_weights:
            options.add_session_config_entry(*UNPACK_ONCE)
        device = device or Device(CPU)
        session = Session(mended.model, options, providers=device.providers)
        device.note(session.get_providers())
        return session
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise PackCorrupt(f"{path} cannot be loaded as an ONNX model: {str(error).splitlines()[0]}") from error


def write_plain_model(path: Path, target: Path) -> None:
    """The same network as a file for tools that know plain graphs only: mended, with its weights unpacked."""
    mended = mend_model(path.read_bytes())
    if not mended.has_packed_weights:
        target.write_bytes(mended.model)
        return
    options = SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry(*UNPACK_ONCE)
    Session(mended.model, options, providers=["CPUExecutionProvider"])
