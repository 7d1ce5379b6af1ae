"""Step 1: unpack the aligned crops into one array and ask the teacher for its embeddings.

Writes `crops.npy` (N x 112 x 112 x 3, uint8, RGB), `teacher.npy` (N x 512, L2-normalised mean of the crop's and its
mirror image's embedding) and `basis.npy` (192 x 512, orthonormal rows spanning the teacher's embeddings).
"""

from __future__ import annotations

import argparse
import tarfile
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.embedder import EmbedderShape
from training.pictures import decode_picture

Array = NDArray[np.float32]

HELD_OUT_EVERY = 60
"""One crop in sixty is kept from training, to watch over-fitting."""


def training_indices(count: int) -> NDArray[np.int64]:
    """Numbers of those of `count` crops that may be trained on."""
    return np.flatnonzero(np.arange(count) % HELD_OUT_EVERY)


def unpack_crops(archive: Path, target: Path) -> NDArray[np.uint8]:
    """Decode every picture of the tar, ordered by name, into a memory-mapped array N x 112 x 112 x 3, RGB."""
    with tarfile.open(archive) as tar:
        members = sorted((m for m in tar.getmembers() if m.isfile()), key=lambda member: member.name)
        crops = np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=(len(members), 112, 112, 3))
        for position, member in enumerate(members):
            handle = tar.extractfile(member)
            if handle is None:
                raise ValueError(member.name)
            crops[position] = decode_picture(handle.read(), member.name)[..., ::-1]
    crops.flush()
    return crops


def embed_with_teacher(teacher: Path, crops: NDArray[np.uint8], batch: int = 32, threads: int = 2) -> Array:
    """N x 512: normalised mean of the embeddings of each crop (N x 112 x 112 x 3, RGB) and its mirror image."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(teacher, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    targets = np.zeros((len(crops), 512), np.float32)
    for start in range(0, len(crops), batch):
        pixels = ((crops[start : start + batch].astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
        for view in (pixels, pixels[..., ::-1]):
            embedding = session.run(None, {name: np.ascontiguousarray(view)})[0]
            targets[start : start + batch] += embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    return targets / np.linalg.norm(targets, axis=1, keepdims=True)


def principal_basis(embeddings: Array, dimensions: int) -> Array:
    """The strongest directions of the embeddings (N x D), as orthonormal rows: `dimensions` x D."""
    _, vectors = np.linalg.eigh(embeddings.T.astype(np.float64) @ embeddings)
    return np.ascontiguousarray(vectors[:, ::-1][:, :dimensions].T.astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=Path, default=Path("../shared/faces/train/crops_112_webp.tar"))
    parser.add_argument("--teacher", type=Path, default=Path("../shared/models/edgeface_xs_q_fp32.onnx"))
    parser.add_argument("--work", type=Path, required=True, help="folder for arrays and checkpoints")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    crops = unpack_crops(arguments.crops, arguments.work / "crops.npy")
    targets = embed_with_teacher(arguments.teacher, crops)
    basis = principal_basis(targets, EmbedderShape().code)
    np.save(arguments.work / "teacher.npy", targets)
    np.save(arguments.work / "basis.npy", basis)
    kept = np.linalg.norm(targets @ basis.T, axis=1).mean()
    print(f"{len(crops)} crops; the basis keeps {kept:.5f} of a unit embedding")


if __name__ == "__main__":
    main()
