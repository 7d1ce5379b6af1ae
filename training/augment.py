"""What a webcam does to a face crop, drawn at random: geometry, light, colour, blur, compression, occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Side x side x 3, RGB."""


@dataclass(frozen=True)
class AugmentStrength:
    """Ranges and chances of one draw. `scaled(0.5)` halves them: the last epochs train on nearly clean crops."""

    rotation_degrees: float = 8.0
    shift: float = 0.035  # of the side
    zoom: float = 0.07
    gain: float = 0.35
    offset: float = 30.0
    colour: float = 0.12
    grey: float = 0.08
    blur: float = 0.2
    shrink: float = 0.2
    jpeg: float = 0.25
    noise: float = 0.15
    occlusion: float = 0.25
    shade: float = 0.25

    def scaled(self, factor: float) -> AugmentStrength:
        return AugmentStrength(**{name: value * factor for name, value in vars(self).items()})


def warp_crop(image: Image, size: int, strength: AugmentStrength, rng: np.random.Generator) -> Image:
    """Rotate, zoom, shift, mirror and resize to `size` x `size` x 3, in one interpolation."""
    side = image.shape[0]
    angle = np.deg2rad(rng.normal(0.0, strength.rotation_degrees / 2))
    zoom = size / side * np.exp(rng.normal(0.0, strength.zoom / 2))
    stretch = np.exp(rng.normal(0.0, strength.zoom / 4))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = zoom * np.array([[cosine * stretch * mirror, -sine], [sine * stretch * mirror, cosine]])
    shift = rng.normal(0.0, strength.shift / 2, 2) * size
    offset = np.full(2, (size - 1) / 2) + shift - linear @ np.full(2, (side - 1) / 2)
    matrix = np.column_stack([linear, offset])
    warped = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return warped.astype(np.uint8, copy=False)


def change_light(image: Image, strength: AugmentStrength, rng: np.random.Generator) -> Image:
    """Gain, offset, gamma-like curve, colour cast and desaturation, as one table per channel where possible."""
    levels = np.arange(256, dtype=np.float32)
    gain = np.exp(rng.normal(0.0, strength.gain / 2))
    offset = rng.normal(0.0, strength.offset / 2)
    gamma = np.exp(rng.normal(0.0, strength.gain / 2))
    casts = np.exp(rng.normal(0.0, strength.colour / 2, 3))
    curve = 255.0 * (levels / 255.0) ** gamma
    tables = np.clip((curve[:, None] - 127.5) * gain * casts + 127.5 + offset, 0, 255).astype(np.uint8)
    lit = cv2.LUT(image, np.ascontiguousarray(tables[None]))
    if rng.random() < strength.grey:
        lit = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < strength.shade:
        lit = _shade(lit, rng)
    return lit.astype(np.uint8, copy=False)


def _shade(image: Image, rng: np.random.Generator) -> Image:
    """A linear fall-off of light across the face."""
    size = image.shape[0]
    angle = rng.uniform(0.0, 2 * np.pi)
    ramp = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    field = np.cos(angle) * ramp[None, :] + np.sin(angle) * ramp[:, None]
    factor = 1.0 + rng.uniform(0.1, 0.5) * field
    return np.clip(image * factor[..., None], 0, 255).astype(np.uint8)


def degrade(image: Image, strength: AugmentStrength, rng: np.random.Generator) -> Image:
    """Blur (defocus or motion), low resolution, sensor noise and JPEG blocks, each with its own chance."""
    size = image.shape[0]
    if rng.random() < strength.blur:
        image = _blur(image, rng)
    if rng.random() < strength.shrink:
        small = max(16, int(size * rng.uniform(0.25, 0.8)))
        reduced = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    if rng.random() < strength.noise:
        noise = rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(2.0, 12.0)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < strength.jpeg:
        quality = int(rng.integers(20, 90))
        done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done:
            image = cv2.imdecode(encoded, cv2.IMREAD_COLOR).astype(np.uint8, copy=False)
    return image


def _blur(image: Image, rng: np.random.Generator) -> Image:
    if rng.random() < 0.6:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8)).astype(np.uint8, copy=False)
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0.0, np.pi)
    centre = (length - 1) / 2
    for step in np.linspace(-centre, centre, 2 * length):
        kernel[round(centre + step * np.sin(angle)), round(centre + step * np.cos(angle))] = 1.0
    return cv2.filter2D(image, -1, kernel / kernel.sum()).astype(np.uint8, copy=False)


def occlude(image: Image, strength: AugmentStrength, rng: np.random.Generator) -> Image:
    """Cover up to a third of the crop with one colour or with noise."""
    if rng.random() >= strength.occlusion:
        return image
    size = image.shape[0]
    height, width = (rng.uniform(0.08, 0.4, 2) * size).astype(int)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    covered = image.copy()
    if rng.random() < 0.5:
        covered[top : top + height, left : left + width] = rng.integers(0, 256, 3, dtype=np.uint8)
    else:
        covered[top : top + height, left : left + width] = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return covered


def augment_crop(image: Image, size: int, strength: AugmentStrength, rng: np.random.Generator) -> Image:
    """One training view of an aligned RGB crop: `size` x `size` x 3."""
    view = warp_crop(image, size, strength, rng)
    view = change_light(view, strength, rng)
    view = occlude(view, strength, rng)
    return degrade(view, strength, rng)
