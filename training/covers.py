"""Painted covers of the mouth (masks, scarves, hands), and what only looks like one (beards, chins, shadows).

All are drawn on an aligned crop, 112 x 112 x 3, whose landmarks lie on recognizer.stages.alignment.TEMPLATE.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Field = NDArray[np.float32]

SIDE = 112
MOUTH = (56.0, 92.3)
MASK_COLOURS = ((225, 190, 150), (235, 235, 230), (40, 40, 40), (150, 120, 90), (190, 170, 210), (90, 130, 60))
"""BGR: surgical blue, white, black, dark blue, pink, green."""


def cover_mouth(crop: Image, others: Sequence[Image], rng: np.random.Generator) -> Image:
    """The crop with its mouth covered. others: further crops, whose pixels make patterns."""
    draw = rng.choice(["mask", "scarf", "hand"], p=[0.7, 0.15, 0.15])
    if draw == "hand":
        return _blend(crop, _hand(rng), _skin(crop, rng), rng)
    shape = _mask_shape(rng) if draw == "mask" else _scarf_shape(rng)
    cloth = _cloth(others, rng)
    covered = _blend(crop, shape, cloth, rng)
    return _straps(covered, cloth, rng) if draw == "mask" and rng.random() < 0.4 else covered


def decoy(crop: Image, others: Sequence[Image], rng: np.random.Generator) -> Image:
    """The crop with something that leaves the mouth to be seen."""
    kind = rng.choice(["beard", "chin", "eyes", "forehead", "shadow", "side"])
    if kind == "beard":
        return _beard(crop, rng)
    if kind == "shadow":
        rows = np.arange(SIDE, dtype=np.float32)[:, None, None]
        strength = rng.uniform(-0.6, 0.5) / (1 + np.exp(-(rows - rng.uniform(60, 85)) / rng.uniform(2, 15)))
        return np.clip(crop * (1 + strength), 0, 255).astype(np.uint8)
    left, right = rng.uniform(-10, 25), rng.uniform(87, 122)
    top, bottom = {
        "chin": (rng.uniform(104, 109), 130),
        "eyes": (rng.uniform(38, 46), rng.uniform(56, 66)),
        "forehead": (-10, rng.uniform(15, 44)),
        "side": (-10, 130),
    }[str(kind)]
    if kind == "side":
        left, right = (-20, rng.uniform(5, 32)) if rng.random() < 0.5 else (rng.uniform(80, 107), 130)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return _blend(crop, corners + rng.normal(0, 1.5, (4, 2)), _cloth(others, rng), rng)


def _mask_shape(rng: np.random.Generator) -> Field:
    """A mask's outline: over the nose, or slipped below it; down to the chin or beyond."""
    nose = rng.uniform(58, 74) if rng.random() < 0.8 else rng.uniform(75, 84)
    side = nose + rng.uniform(-2, 10)
    left, right, chin = rng.uniform(6, 26), rng.uniform(86, 106), rng.uniform(106, 124)
    jaw = rng.uniform(92, 108)
    middle = 56 + rng.normal(0, 3)
    return _smooth(
        [(left, side), (middle - 16, nose + 3), (middle, nose), (middle + 16, nose + 3), (right, side),
         (right - rng.uniform(0, 8), jaw), (middle + 20, chin), (middle - 20, chin), (left + rng.uniform(0, 8), jaw)],
        rng,
    )  # fmt: skip


def _scarf_shape(rng: np.random.Generator) -> Field:
    height = rng.uniform(62, 82)
    tilt = rng.normal(0, 5)
    edge = [(-10, height + tilt), (30, height), (56, height + rng.uniform(-4, 6)), (82, height), (122, height - tilt)]
    return _smooth([*edge, (122, 130), (-10, 130)], rng)


def _hand(rng: np.random.Generator) -> Field:
    """A fist or a palm over the mouth, as an outline of knuckles."""
    centre = np.array(MOUTH) + rng.normal(0, 3, 2)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = np.array([rng.uniform(24, 40), rng.uniform(15, 26)])
    bumps = 1 + 0.08 * np.sin(angles * rng.integers(4, 8) + rng.uniform(0, 6))
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * radius * bumps[:, None]
    turn = rng.uniform(-0.9, 0.9)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (centre + points @ rotation.T).astype(np.float32)


def _smooth(corners: Sequence[tuple[float, float]], rng: np.random.Generator) -> Field:
    """A closed curve near the corners (Chaikin 1974, two rounds)."""
    points = np.array(corners) + rng.normal(0, 1.2, (len(corners), 2))
    for _ in range(2):
        after = np.roll(points, -1, 0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], 1).reshape(-1, 2)
    return points.astype(np.float32)


def _cloth(others: Sequence[Image], rng: np.random.Generator) -> Field:
    """112 x 112 x 3: one colour, stripes, dots or a piece of another picture, with folds and light."""
    if rng.random() < 0.6:
        colour = np.array(MASK_COLOURS[rng.integers(len(MASK_COLOURS))]) + rng.normal(0, 20, 3)
    else:
        colour = rng.uniform(0, 255, 3)
    cloth = np.ones((SIDE, SIDE, 3), np.float32) * colour.astype(np.float32)
    pattern = rng.random()
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    if pattern < 0.15:
        other = others[rng.integers(len(others))]
        zoom = int(rng.integers(30, 110))
        at = rng.integers(0, SIDE - zoom + 1, 2)
        cloth = cv2.resize(other[at[0] : at[0] + zoom, at[1] : at[1] + zoom], (SIDE, SIDE)).astype(np.float32)
    elif pattern < 0.4:
        wave = np.sin(rows * rng.uniform(-1, 1) + columns * rng.uniform(-1, 1) + rng.uniform(0, 6))
        cloth += (rng.uniform(10, 90) * (wave > rng.uniform(-0.5, 0.8)))[..., None].astype(np.float32) * rng.choice(
            [-1, 1]
        )
    if rng.random() < 0.7:  # folds run across a mask
        folds = np.sin(rows / rng.uniform(1.5, 4) + columns * rng.normal(0, 0.03) + rng.uniform(0, 6))
        cloth += (rng.uniform(2, 18) * folds)[..., None]
    light = 1 + rng.uniform(-0.35, 0.35) * (columns - 56) / 56 + rng.uniform(-0.3, 0.2) * (rows - 84) / 40
    cloth = cloth * light[..., None] + rng.normal(0, rng.uniform(0, 8), (SIDE, SIDE, 1))
    return np.clip(cloth, 0, 255).astype(np.float32)


def _skin(crop: Image, rng: np.random.Generator) -> Field:
    """The cheeks' colour with some light and noise: a hand."""
    colour = crop[66:82, 30:82].reshape(-1, 3).mean(0) * rng.uniform(0.75, 1.2) + rng.normal(0, 6, 3)
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    gaps = np.sin(columns / rng.uniform(2.5, 5) + rows * rng.normal(0, 0.06) + rng.uniform(0, 6))
    light = 1 + rng.uniform(-0.25, 0.25) * (columns - 56) / 56 - rng.uniform(0.02, 0.3) * (gaps > 0.85)
    return np.clip(colour * light[..., None] + rng.normal(0, 5, (SIDE, SIDE, 1)), 0, 255).astype(np.float32)


def _blend(crop: Image, outline: Field, paint: Field, rng: np.random.Generator) -> Image:
    cover = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(cover, [np.round(outline * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    alpha = cv2.GaussianBlur(cover, (0, 0), rng.uniform(0.4, 1.4)).astype(np.float32)[..., None] / 255
    return np.clip(crop * (1 - alpha) + paint * alpha, 0, 255).astype(np.uint8)


def _straps(crop: Image, cloth: Field, rng: np.random.Generator) -> Image:
    colour = [float(value) for value in cloth[80, 56] * rng.uniform(0.7, 1.1)]
    for side in (-1, 1):
        start = (int(56 + side * rng.uniform(30, 44)), int(rng.uniform(64, 82)))
        end = (int(56 + side * rng.uniform(52, 60)), int(rng.uniform(40, 70)))
        crop = np.ascontiguousarray(cv2.line(crop, start, end, colour, 1, cv2.LINE_AA))
    return crop


def _beard(crop: Image, rng: np.random.Generator) -> Image:
    """Hair around the mouth, with the lips to be seen and sometimes a moustache above them."""
    tone = rng.uniform(10, 90) if rng.random() < 0.75 else rng.uniform(120, 210)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), rng.uniform(0.5, 1.1))
    hair = tone + rng.uniform(25, 70) * noise[..., None] + rng.normal(0, 6, 3)
    outline = _smooth([(14, 74), (32, 84), (56, 80 if rng.random() < 0.6 else 100), (80, 84), (98, 74), (94, 100),
                       (70, 122), (42, 122), (18, 100)], rng)  # fmt: skip
    bearded = _blend(crop, outline, np.clip(hair, 0, 255).astype(np.float32), rng)
    lips = np.zeros((SIDE, SIDE), np.uint8)
    size = (int(rng.uniform(13, 20)), int(rng.uniform(4, 9)))
    cv2.ellipse(lips, (56, 93), size, 0, 0, 360, 255, -1, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(lips, (0, 0), 1.2).astype(np.float32)[..., None] / 255
    thin = rng.uniform(0.55, 1.0)  # hair is never quite dense
    mixed = crop * (1 - thin) + bearded * thin
    return np.clip(mixed * (1 - alpha) + crop * alpha, 0, 255).astype(np.uint8)
