"""One way to open an ONNX model, the same for every stage."""

from __future__ import annotations

from pathlib import Path

from onnxruntime import InferenceSession as Session
from onnxruntime import SessionOptions

from recognizer.errors import PackCorrupt

__all__ = ["Session", "open_session"]


def open_session(path: Path) -> Session:
    """A session that computes in the calling thread and may be shared by many.

    It uses one thread per call and no spinning: the engine's pool already has one worker per core, and more threads
    than cores measured slower. Raises PackCorrupt when the file is no usable ONNX model.
    """
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return Session(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise PackCorrupt(f"{path} cannot be loaded as an ONNX model: {str(error).splitlines()[0]}") from error
