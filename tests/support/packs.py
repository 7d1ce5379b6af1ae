"""Small manifests and models for tests about packs: bytes with true hashes, and embedders of a few numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

FILES = {
    "yunet": ("detector", "tiny_detector.onnx", b"detector" * 50),
    "tiny": ("embedder", "tiny_embedder.onnx", b"embedder" * 1000),
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_manifest(models_dir: Path, *, extra: str = "", **urls: str) -> None:
    """A manifest with the packs `tiny` (default) and `guarded` (terms to accept); `urls`: file key to address."""
    lines = ["schema = 1", 'default = "tiny"', "[defaults.thresholds]", "measured = false", 'source = "a guess"']
    lines.append('match = { "1e-2" = 0.2, "1e-3" = 0.3, "1e-4" = 0.4 }')
    for key, (role, name, data) in FILES.items():
        lines += [f"[files.{key}]", f'role = "{role}"', f'name = "{name}"', f"size = {len(data)}"]
        lines += [f'sha256 = "{sha256(data)}"', 'licence = "MIT"']
        if key in urls:
            lines.append(f'url = "{urls[key]}"')
    for name, guard in (("guarded", True), ("tiny", False)):
        lines += [f"[packs.{name}]", f'title = "{name}"', 'licence = "for tests"', 'files = ["yunet", "tiny"]']
        lines += [
            f"requires_acceptance = {str(guard).lower()}",
            f"only_by_name = {str(guard).lower()}",
            "dimension = 4",
        ]
        lines.append('preprocessing = { colour = "RGB", mean = [0, 0, 0], std = [1, 1, 1] }')
    models_dir.mkdir(parents=True, exist_ok=True)
    (models_dir / "manifest.toml").write_text("\n".join(lines) + "\n" + extra)


def fill_folder(folder: Path, *, renamed: bool = False) -> Path:
    """A mirror: the true files, under their names or others."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, (_, name, data) in FILES.items():
        (folder / (f"renamed-{key}.bin" if renamed else name)).write_bytes(data)
    return folder


def write_embedder(path: Path, *, dimension: int = 4, channels_last: bool = False, batch: int | str = "n") -> Path:
    """A real ONNX model: the mean of each channel, times a fixed matrix, gives `dimension` numbers."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shape: list[Any] = [batch, 112, 112, 3] if channels_last else [batch, 3, 112, 112]
    axes = np.array([1, 2] if channels_last else [2, 3], np.int64)
    weights = np.random.default_rng(5).standard_normal((3, dimension)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x", "axes"], ["means"], keepdims=0),
            helper.make_node("MatMul", ["means", "weights"], ["y"]),
        ],
        "embedder",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, dimension])],
        [numpy_helper.from_array(axes, "axes"), numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path
