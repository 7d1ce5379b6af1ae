"""Re-shots of live clips, composed: what a camera would see of a screen that plays them, its edges out of view.

They are no measurements of real screens. They have a screen's raster, gamma, glare and tilt, and the camera's blur,
noise and compression, and they show what the liveness models do where nothing else gives a replay away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from recognizer.types import Image, Vector

SIZE = (640, 480)
"""Width and height of the composed camera's picture."""
FINE = 3
"""The camera's picture is composed so many times as fine, and then averaged: moire comes from that."""
GAMMA = 2.2


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen as the camera sees it."""

    name: str
    pitch: float
    """Camera pixels per screen pixel."""
    blur: float
    """Sigma of the camera's blur, in its pixels."""
    glare: float
    """Share of the light that is mirrored, 0..1."""


SCREENS = (Screen("coarse", 1.3, 0.5, 0.06), Screen("tablet", 0.8, 0.6, 0.04), Screen("fine", 0.45, 0.7, 0.03))


def film(image: Image, screen: Screen, random: np.random.Generator) -> Image:
    """The screen, showing a H x W x 3 uint8 BGR picture, before the camera: (480, 640, 3) uint8 BGR."""
    shown = _linear(_cover(image, screen))
    light = _seen(_raster(shown), screen, degrees=float(random.normal(0, 1)))
    light *= float(shown.mean()) / max(float(light.mean()), 1e-6)
    light = light * (1 - screen.glare) + screen.glare * (0.5 + _gradient(random))
    signal = np.clip(light, 0, 1) ** (1 / GAMMA) * 255 + random.normal(0, 2, light.shape)
    _, data = cv2.imencode(".jpg", np.clip(signal, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return cast(Image, cv2.imdecode(data, cv2.IMREAD_COLOR))


def cut_to_room(image: Image, box_xyxy: Vector, room: float) -> Image:
    """The part of a H x W x 3 picture, 4:3, that has room for so many of a face's boxes (4,) across or down."""
    height, width = image.shape[:2]
    left, top, right, bottom = (float(value) for value in box_xyxy)
    tall = room * max(bottom - top, (right - left) * 3 / 4)
    wide, tall = min(tall * 4 / 3, width), min(tall, height)
    x = min(max((left + right - wide) / 2, 0.0), width - wide)
    y = min(max((top + bottom - tall) / 2, 0.0), height - tall)
    return np.ascontiguousarray(image[int(y) : int(y + tall), int(x) : int(x + wide)])


def _cover(image: Image, screen: Screen) -> Image:
    """The picture in the screen's pixels: a quarter more on each axis than the camera sees."""
    width, height = (int(side / screen.pitch * 1.25) for side in SIZE)
    scale = max(width / image.shape[1], height / image.shape[0])
    size = math.ceil(image.shape[1] * scale), math.ceil(image.shape[0] * scale)
    shown = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return cast(Image, shown[top : top + height, left : left + width])


def _linear(image: Image) -> Vector:
    """Light, 0..1."""
    return cast(Vector, (image.astype(np.float32) / 255) ** GAMMA)


def _raster(shown: Vector) -> Vector:
    """Each pixel as 3 x 3 cells: columns of red, green and blue, the lowest row mostly dark."""
    height, width = shown.shape[:2]
    cells = np.zeros((height * 3, width * 3, 3), np.float32)
    for column, channel in enumerate((2, 1, 0)):
        for row, light in enumerate((1.0, 1.0, 0.25)):
            cells[row::3, column::3, channel] = shown[:, :, channel] * light
    return cells


def _seen(cells: Vector, screen: Screen, *, degrees: float) -> Vector:
    """The middle of the raster through the camera, tilted a little: (480, 640, 3)."""
    width, height = SIZE[0] * FINE, SIZE[1] * FINE
    step = 3 / screen.pitch / FINE
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, step)
    matrix[:, 2] += (cells.shape[1] - width) / 2, (cells.shape[0] - height) / 2
    if step > 1:
        cells = cast(Vector, cv2.GaussianBlur(cells, (0, 0), 0.35 * step))
    fine = cv2.warpAffine(
        cells, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
    )
    blurred = cv2.GaussianBlur(fine, (0, 0), screen.blur * FINE)
    return cast(Vector, cv2.resize(blurred, SIZE, interpolation=cv2.INTER_AREA))


def _gradient(random: np.random.Generator) -> Vector:
    """What is mirrored: brighter on one side, (480, 640, 1)."""
    across, down = random.normal(0, 0.1, 2)
    x, y = np.linspace(-1, 1, SIZE[0]), np.linspace(-1, 1, SIZE[1])
    return cast(Vector, (across * x[np.newaxis, :] + down * y[:, np.newaxis])[:, :, np.newaxis].astype(np.float32))
