"""Two people in the public domain, and scenes without anybody, out of packages that tests need anyway.

Eileen Collins (NASA) comes with scikit-image, Grace Hopper (US Navy) with matplotlib: the files lie in their wheels, so
nothing is downloaded, and neither package is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from recognizer.types import Image
from tests.support.webcam import fit, jpeg

PEOPLE = {
    "Eileen Collins": ("skimage", "data/astronaut.png"),
    "Grace Hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}
SCENES = {
    "a cup of coffee": ("skimage", "data/coffee.png"),
    "a brick wall": ("skimage", "data/brick.png"),
    "a cat": ("skimage", "data/chelsea.png"),
    "a rocket": ("skimage", "data/rocket.jpg"),
}


@dataclass(frozen=True, slots=True)
class Variation:
    """How one picture differs from the original: degrees, share of the height, factor of brightness, JPEG quality."""

    angle: float
    height: float
    light: float
    quality: int


ENROLLED = (
    Variation(angle=0, height=0.75, light=1.0, quality=90),
    Variation(angle=6, height=0.8, light=0.85, quality=75),
    Variation(angle=-5, height=0.7, light=1.1, quality=80),
)
SEEN = (
    Variation(angle=3, height=0.9, light=0.75, quality=70),
    Variation(angle=-8, height=0.75, light=1.15, quality=85),
    Variation(angle=0, height=1.0, light=0.9, quality=60),
)
"""The same people on other pictures than those they are enrolled with."""


def find_picture(package: str, member: str) -> Path:
    """A file inside an installed package. Raises ModuleNotFoundError."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed: pip install -r requirements-dev.txt")
    return Path(spec.submodule_search_locations[0]) / member


@cache
def portrait(name: str) -> Image:
    """The original, H x W x 3 BGR."""
    return read(find_picture(*PEOPLE[name]))


@cache
def scene(name: str) -> Image:
    return read(find_picture(*SCENES[name]))


def read(path: Path) -> Image:
    image = cv2.imread(str(path))
    assert image is not None, f"{path} cannot be read"
    return image  # type: ignore[return-value]  # cv2's stubs know no shapes


def vary(image: Image, variation: Variation) -> bytes:
    """A JPEG of the picture: turned about its middle, its lower part cut off, brighter or darker."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 3), variation.angle, 1.0)
    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    lit = np.clip(turned[: round(height * variation.height)] * variation.light, 0, 255).astype(np.uint8)
    return jpeg(lit, variation.quality)


def pictures(name: str, variations: tuple[Variation, ...] = ENROLLED) -> list[bytes]:
    return [vary(portrait(name), variation) for variation in variations]


def webcam_frame(name: str) -> Image:
    """The person in front of a webcam: the portrait's upper part in the size of a frame."""
    image = portrait(name)
    return fit(image[: image.shape[1] * 3 // 4])


def write_people(folder: Path) -> Path:
    """folder/<name>/*.jpg for everybody, as enroll_folder reads it."""
    for name in PEOPLE:
        (folder / name).mkdir(parents=True)
        for number, data in enumerate(pictures(name)):
            (folder / name / f"{number}.jpg").write_bytes(data)
    return folder
