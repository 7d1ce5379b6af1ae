"""Step 2: more faces than there are pictures: mixtures of two aligned crops, and the teacher's embeddings of them.

Thirty thousand crops are few for a student that sees millions of views: it begins to learn them by heart. A mixture of
two aligned faces is a face that the teacher has an answer for, and there are some 450 million pairs of crops to mix.
(Mixed inputs with the teacher's answer to the mixture: Beyer et al. 2022, "Knowledge distillation: A good teacher is
patient and consistent", arXiv:2106.05237.)

Writes `morphs.npy` (M x 112 x 112 x 3, uint8, RGB) and `morph_teacher.npy` (M x 512), as step 1 does for the crops.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.prepare_crops import embed_with_teacher, training_indices

SHARES = (0.3, 0.7)
"""Range of the first parent's share, drawn evenly. With less or more the mixture would look like one of its parents."""


def mix_crops(
    crops: NDArray[np.uint8], parents: NDArray[np.int64], rng: np.random.Generator, target: NDArray[np.uint8]
) -> None:
    """Fill `target` (M x 112 x 112 x 3) with mixtures of two different crops each.

    crops: N x 112 x 112 x 3; parents: numbers of the crops that may be mixed. The second crop is mirrored half of the
    time.
    """
    for morph in target:
        first, second = rng.choice(parents, 2, replace=False)
        other = crops[second][:, ::-1] if rng.random() < 0.5 else crops[second]
        share = rng.uniform(*SHARES)
        morph[:] = cv2.addWeighted(crops[first], share, np.ascontiguousarray(other), 1 - share, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder that step 1 filled")
    parser.add_argument("--teacher", type=Path, default=Path("../shared/models/edgeface_xs_q_fp32.onnx"))
    parser.add_argument("--count", type=int, default=45000)
    parser.add_argument("--seed", type=int, default=10)
    arguments = parser.parse_args()
    crops = np.load(arguments.work / "crops.npy", mmap_mode="r")
    shape = (arguments.count, *crops.shape[1:])
    morphs = np.lib.format.open_memmap(arguments.work / "morphs.npy", mode="w+", dtype=np.uint8, shape=shape)
    mix_crops(crops, training_indices(len(crops)), np.random.default_rng(arguments.seed), morphs)
    morphs.flush()
    np.save(arguments.work / "morph_teacher.npy", embed_with_teacher(arguments.teacher, morphs))
    print(f"{len(morphs)} mixtures of {len(crops)} crops")


if __name__ == "__main__":
    main()
