"""Step 13: faces turned by quarters, as the detector and the landmark network take them.

Each loose picture is put on a larger ground and turned by a quarter, a half and three quarters (and not at all). The
crop that the product would make is kept with the angle that the face really has in it: where YuNet sets the landmarks
of an upside-down face as if it were upright, the crop stands on its head.
"""

from __future__ import annotations

import argparse
import tarfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.stages.alignment import align_face, similarity_to_template
from recognizer.stages.detection import YuNetDetector
from recognizer.stages.landmarks import LandmarkRefiner
from recognizer.stages.sessions import open_session
from recognizer.types import Detection
from training.pictures import decode_picture

Image = NDArray[np.uint8]


def quarter_turns(picture: Image, detector: YuNetDetector) -> Iterator[tuple[Image, float]]:
    """Crops (112 x 112 x 3 BGR) of the picture's main face, and its angle in each, in degrees (-180 to 180)."""
    height, width = picture.shape[:2]
    ground = cv2.copyMakeBorder(picture, height // 2, height // 2, width // 2, width // 2, cv2.BORDER_REPLICATE)
    upright = detector.detect(ground)
    if not upright:
        return
    down = _down(upright[0])
    for quarters in range(4):
        turned = np.ascontiguousarray(np.rot90(ground, quarters)).astype(np.uint8)
        found = detector.detect(turned)
        if not found:
            continue
        real = _rotated(down, quarters)
        matrix = similarity_to_template(found[0].landmarks)[:, :2]
        seen = matrix @ real
        yield align_face(turned, found[0].landmarks), float(np.degrees(np.arctan2(-seen[0], seen[1])))


def _down(face: Detection) -> NDArray[np.float32]:
    """(2,): from between the eyes to between the corners of the mouth."""
    points = face.landmarks
    return points[3:].mean(0) - points[:2].mean(0)  # type: ignore[no-any-return]


def _rotated(vector: NDArray[np.float32], quarters: int) -> NDArray[np.float32]:
    """As numpy.rot90 turns a picture: counter-clockwise."""
    x, y = vector
    return np.array([(x, y), (y, -x), (-x, -y), (-y, x)][quarters], np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, default=Path("../shared/faces/train/celeba_89x109_10000.tar"))
    parser.add_argument("--detector", type=Path, default=Path("../shared/models/yunet_s_dynamic.onnx"))
    parser.add_argument("--landmarks", type=Path, default=Path("models/starter_landmarks.onnx"))
    parser.add_argument("--work", type=Path, required=True, help="folder for arrays and checkpoints")
    arguments = parser.parse_args()
    refiner = LandmarkRefiner(open_session(arguments.landmarks))
    detector = YuNetDetector(open_session(arguments.detector), refiner=refiner)
    crops, angles = [], []
    with tarfile.open(arguments.pictures) as tar:
        for member in sorted((m for m in tar.getmembers() if m.isfile()), key=lambda member: member.name):
            handle = tar.extractfile(member)
            if handle is None:
                raise ValueError(member.name)
            for crop, angle in quarter_turns(decode_picture(handle.read(), member.name), detector):
                crops.append(crop)
                angles.append(angle)
    np.save(arguments.work / "turned.npy", np.stack(crops))
    np.save(arguments.work / "turned_angles.npy", np.array(angles, np.float32))
    print(f"{len(crops)} crops, {np.mean(np.abs(angles) > 45):.1%} of them turned by more than 45 degrees")


if __name__ == "__main__":
    main()
