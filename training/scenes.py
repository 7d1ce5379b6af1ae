"""Step 5: compose scenes with faces, label them with YuNet and store them for the detector's training.

A scene is 320 x 320. Pictures (loose CelebA ones and tight aligned crops) are pasted onto a background at sizes that
put faces between 16 and 300 pixels. Some scenes are one large portrait, some hold no face at all. YuNet labels the
clean scene. Darkness, blur and noise come later, in training, so that they hide no face from the labels.

Writes `scenes.npy` (N x 320 x 320 x 3, uint8, BGR) and `scene_faces.npy` (N x 24 x 15, float32): x1, y1, x2, y2, ten
landmark numbers, and 1 for a face, -1 for a region to ignore (a doubtful face), 0 for an empty row.
"""

from __future__ import annotations

import argparse
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.boxes import OnnxDetector
from training.pictures import Image, decode_picture
from training.steady import steady_landmarks

Array = NDArray[np.float32]

SCENE_SIZE = 320
MOST_FACES = 24
LOOKS = 10
"""Further looks at each scene, for the landmarks of its faces."""
SURE_SCORE = 0.75
DOUBTFUL_SCORE = 0.25
FACE_SHARE = {"loose": 0.58, "tight": 0.78}  # width of the face over the width of the picture


@dataclass(frozen=True)
class Paste:
    """The region of a pasted picture's face: to be ignored if no sure face is found there."""

    x1: float
    y1: float
    x2: float
    y2: float


class PictureStore:
    """Loose pictures (BGR, of any size) and tight 112 x 112 crops (RGB, N x 112 x 112 x 3). Draws give BGR."""

    def __init__(self, loose: list[Image], tight: NDArray[np.uint8]) -> None:
        self.loose, self.tight = loose, tight

    @classmethod
    def load(cls, loose_archive: Path, crops: Path) -> PictureStore:
        loose = []
        with tarfile.open(loose_archive) as tar:
            for member in sorted((m for m in tar.getmembers() if m.isfile()), key=lambda m: m.name):
                handle = tar.extractfile(member)
                if handle is not None:
                    loose.append(decode_picture(handle.read(), member.name))
        return cls(loose, np.load(crops, mmap_mode="r"))

    def draw(self, kind: str, rng: np.random.Generator) -> Image:
        if kind == "loose":
            return self.loose[rng.integers(len(self.loose))]
        return np.ascontiguousarray(self.tight[rng.integers(len(self.tight))][..., ::-1])


def fractal_noise(rng: np.random.Generator, size: int = SCENE_SIZE) -> Image:
    """Coloured noise over several octaves: clouds, plaster, foliage, fur."""
    field = np.zeros((size, size, 3), np.float32)
    slope = rng.uniform(0.3, 1.1)
    channels = 3 if rng.random() < 0.4 else 1
    for octave in range(1, 8):
        cells = 2**octave
        noise = rng.standard_normal((cells, cells, channels), dtype=np.float32)
        grown = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC).reshape(size, size, channels)
        field += grown * cells**-slope
    field = (field - field.mean()) / (field.std() + 1e-6)
    tint = rng.uniform(0.5, 1.5, 3)
    return np.clip(rng.uniform(30, 220, 3) + field * rng.uniform(8, 60) * tint, 0, 255).astype(np.uint8)


def gradient(rng: np.random.Generator, size: int = SCENE_SIZE) -> Image:
    """A wall: two colours from one side to the other, some grain."""
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.linspace(-0.5, 0.5, size)
    weight = np.clip(np.cos(angle) * ramp[None] + np.sin(angle) * ramp[:, None] + 0.5, 0, 1)[..., None]
    colours = rng.uniform(0, 255, (2, 3))
    wall = colours[0] * weight + colours[1] * (1 - weight)
    return np.clip(wall + rng.normal(0, rng.uniform(0, 6), (size, size, 1)), 0, 255).astype(np.uint8)


def draw_clutter(image: Image, rng: np.random.Generator, count: int) -> Image:
    """Rectangles, ellipses, lines and letters, some of them skin-coloured."""
    size = image.shape[0]
    skin = np.array([rng.uniform(60, 190), rng.uniform(90, 200), rng.uniform(140, 250)])
    for _ in range(count):
        colour = skin * rng.uniform(0.7, 1.1) if rng.random() < 0.3 else rng.uniform(0, 255, 3)
        colour = tuple(float(c) for c in np.clip(colour, 0, 255))
        centre = tuple(int(v) for v in rng.integers(0, size, 2))
        axes = tuple(int(v) for v in np.exp(rng.uniform(np.log(3), np.log(size / 3), 2)))
        thickness = -1 if rng.random() < 0.6 else int(rng.integers(1, 8))
        kind = rng.random()
        if kind < 0.35:
            cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, thickness, cv2.LINE_AA)
        elif kind < 0.65:
            corner = (centre[0] + axes[0], centre[1] + axes[1])
            cv2.rectangle(image, centre, corner, colour, thickness)
        elif kind < 0.85:
            end = tuple(int(v) for v in rng.integers(0, size, 2))
            cv2.line(image, centre, end, colour, int(rng.integers(1, 12)), cv2.LINE_AA)
        else:
            text = "".join(chr(rng.integers(33, 122)) for _ in range(rng.integers(1, 9)))
            cv2.putText(image, text, centre, int(rng.integers(0, 8)), float(rng.uniform(0.4, 3)), colour, 2)
    return image


def stripes(rng: np.random.Generator, size: int = SCENE_SIZE) -> Image:
    """Blinds, bricks, shelves, tiles: two crossed periodic patterns."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    angle = rng.normal(0, 0.15) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    across = np.cos(angle) * columns + np.sin(angle) * rows
    along = -np.sin(angle) * columns + np.cos(angle) * rows
    periods = np.exp(rng.uniform(np.log(5), np.log(90), 2))
    wave = np.sin(2 * np.pi * across / periods[0])
    if rng.random() < 0.6:
        wave = np.maximum(wave, np.sin(2 * np.pi * along / periods[1]))
    if rng.random() < 0.5:
        wave = np.sign(wave - rng.uniform(-0.5, 0.5))
    weight = (wave[..., None] + 1) / 2
    colours = rng.uniform(0, 255, (2, 3))
    grain = rng.normal(0, rng.uniform(0, 12), (size, size, 1))
    return np.clip(colours[0] * weight + colours[1] * (1 - weight) + grain, 0, 255).astype(np.uint8)


def picture_border(store: PictureStore, rng: np.random.Generator, size: int = SCENE_SIZE) -> Image:
    """An enlarged piece of a loose picture without its face: surroundings, hair, clothes."""
    picture = store.draw("loose", rng)
    height, width = picture.shape[:2]
    side = int(rng.integers(4))
    strip = int(width * rng.uniform(0.12, 0.18))
    low = int(height * rng.uniform(0.12, 0.17))
    pieces = (picture[:, :strip], picture[:, -strip:], picture[:low], picture[-low:])
    piece = pieces[side]
    if side < 2:
        start = rng.integers(0, max(1, piece.shape[0] - strip))
        piece = piece[start : start + strip]
    else:
        start = rng.integers(0, max(1, piece.shape[1] - low))
        piece = piece[:, start : start + low]
    grown = cv2.resize(piece, (size, size), interpolation=cv2.INTER_CUBIC)
    return _roughen(grown.astype(np.uint8), rng)


def _roughen(image: Image, rng: np.random.Generator) -> Image:
    """Give an enlarged picture back some detail, so that smoothness does not mean 'pasted'."""
    noise = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32) * rng.uniform(0, 10)
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), 0.8)[..., None] * 1.5
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def shuffled_patches(store: PictureStore, rng: np.random.Generator, size: int = SCENE_SIZE) -> Image:
    """Face pictures cut into tiles and mixed: parts of faces everywhere, a face nowhere."""
    tiles = int(rng.choice([4, 5, 8, 10, 16]))
    step = size // tiles
    canvas = np.zeros((size, size, 3), np.uint8)
    # A tile must not show a whole face: it shows at most a third of the picture's side.
    for row in range(tiles):
        for column in range(tiles):
            picture = store.draw("tight" if rng.random() < 0.5 else "loose", rng)
            part = int(min(picture.shape[:2]) * rng.uniform(0.15, 0.33))
            top, left = rng.integers(0, picture.shape[0] - part), rng.integers(0, picture.shape[1] - part)
            tile = cv2.resize(picture[top : top + part, left : left + part], (step, step))
            canvas[row * step : (row + 1) * step, column * step : (column + 1) * step] = np.rot90(tile, rng.integers(4))
    return canvas


def make_background(store: PictureStore, rng: np.random.Generator) -> Image:
    """A scene without a face, of a kind drawn at random, often with clutter on it."""
    kind = rng.random()
    if kind < 0.25:
        image = fractal_noise(rng)
    elif kind < 0.4:
        image = gradient(rng)
    elif kind < 0.52:
        image = stripes(rng)
    elif kind < 0.85:
        image = picture_border(store, rng)
    else:
        image = shuffled_patches(store, rng)
    if rng.random() < 0.5:
        image = draw_clutter(np.ascontiguousarray(image), rng, int(rng.integers(1, 25)))
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 4)).astype(np.uint8)
    return image


def paste_picture(
    scene: Image,
    picture: Image,
    kind: str,
    face_width: float,
    centre: tuple[float, float],
    rng: np.random.Generator,
    *,
    lone: bool = False,
) -> Paste:
    """Warp a picture into the scene, rotated by up to 30 degrees, with hard, feathered, oval or mirrored borders.

    kind: "loose" or "tight"; face_width, centre: of the face, in pixels of the scene; lone: it is the first picture.
    """
    height, width = picture.shape[:2]
    scale = face_width / (width * FACE_SHARE[kind])
    angle = float(np.clip(rng.normal(0, 12), -30, 30)) if rng.random() < 0.7 else 0.0
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    matrix[:, 2] += np.array(centre) - np.array([width / 2, height / 2])
    size = scene.shape[0]
    # A mirrored border fills the whole scene: only for the first and large picture.
    filled = lone and scale * min(width, height) > size / 3 and rng.random() < (0.5 if face_width > 100 else 0.05)
    source = cv2.GaussianBlur(picture, (0, 0), 0.35 / scale) if scale < 0.6 else picture
    left, top, right, bottom = (0, 0, size, size) if filled else _paste_bounds(matrix, height, width, size)
    matrix[:, 2] -= (left, top)
    view = scene[top:bottom, left:right]
    border = cv2.BORDER_REFLECT_101 if filled else cv2.BORDER_CONSTANT
    area = (right - left, bottom - top)
    warped = cv2.warpAffine(source, matrix, area, flags=cv2.INTER_CUBIC, borderMode=border).astype(np.uint8)
    if scale > 1.3:
        warped = _sharpen(warped, scale, rng)
    if filled:
        view[:] = warped
    else:
        mask = cv2.warpAffine(_paste_mask(height, width, rng), matrix, area, flags=cv2.INTER_LINEAR)[..., None]
        view[:] = (warped * mask + view * (1 - mask)).astype(np.uint8)
    half = face_width * 0.6
    return Paste(centre[0] - half, centre[1] - half * 1.3, centre[0] + half, centre[1] + half * 1.3)


def _paste_bounds(matrix: NDArray[np.float64], height: int, width: int, size: int) -> tuple[int, int, int, int]:
    """The part of the scene that the warped picture touches."""
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ matrix[:, :2].T + matrix[:, 2]
    low = np.clip(np.floor(corners.min(0)), 0, size - 1).astype(int)
    high = np.clip(np.ceil(corners.max(0)), low + 1, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _sharpen(image: Image, scale: float, rng: np.random.Generator) -> Image:
    """Unsharp masking at the blur that enlarging left, so that large faces are not always soft."""
    soft = cv2.GaussianBlur(image, (0, 0), 0.5 * scale).astype(np.float32)
    return _roughen(np.clip(image + (image - soft) * rng.uniform(0, 1.5), 0, 255).astype(np.uint8), rng)


def _paste_mask(height: int, width: int, rng: np.random.Generator) -> Array:
    mask = np.ones((height, width), np.float32)
    kind = rng.random()
    if kind < 0.35:  # feathered
        edge = int(rng.integers(2, 10))
        mask[:edge], mask[-edge:], mask[:, :edge], mask[:, -edge:] = 0, 0, 0, 0
        mask = cv2.GaussianBlur(mask, (0, 0), edge / 2).astype(np.float32)
    elif kind < 0.6:  # an oval
        mask[:] = 0
        axes = (int(width * rng.uniform(0.42, 0.5)), int(height * rng.uniform(0.45, 0.5)))
        cv2.ellipse(mask, (width // 2, height // 2), axes, 0, 0, 360, 1.0, -1)
        mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 3)).astype(np.float32)
    return mask


def compose_scene(store: PictureStore, rng: np.random.Generator) -> tuple[Image, list[Paste]]:
    """A scene, and where its pictures went.

    A fifth of the scenes have no face. Two fifths have one of 50 to 300 pixels; of these, three in ten have a second
    one. The rest have two to nine of 14 to 110 pixels.
    """
    scene = make_background(store, rng)
    kind = rng.random()
    if kind < 0.2:
        return np.ascontiguousarray(scene), []
    pastes: list[Paste] = []
    if kind < 0.6:
        count, smallest, largest = 1, 50.0, 300.0
        if rng.random() < 0.3:
            count = 2
    else:
        count, smallest, largest = int(rng.integers(2, 10)), 14.0, 110.0
    for _ in range(count):
        face_width = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
        if count == 2 and pastes:
            face_width = min(face_width, 110.0)
        kind_of_picture = "loose" if rng.random() < (0.8 if face_width > 60 else 0.5) else "tight"
        for _attempt in range(8):
            inset = face_width * rng.uniform(0.2, 0.7)
            low, high = inset, max(inset + 1, SCENE_SIZE - inset)
            centre = (float(rng.uniform(low, high)), float(rng.uniform(low, high)))
            if all(_far_apart(paste, centre, face_width) for paste in pastes):
                picture = store.draw(kind_of_picture, rng)
                lone = not pastes
                pastes.append(paste_picture(scene, picture, kind_of_picture, face_width, centre, rng, lone=lone))
                break
    if rng.random() < 0.15:
        scene = draw_clutter(np.ascontiguousarray(scene), rng, int(rng.integers(1, 5)))
    return np.ascontiguousarray(scene), pastes


def compose_mosaic(store: PictureStore, rng: np.random.Generator) -> tuple[Image, list[Paste]]:
    """A crowd of 4, 9 or 16 faces, and where its pictures went.

    Boxes and landmarks are learned from faces, and a crowd has the most faces per pixel.
    """
    scene = np.ascontiguousarray(make_background(store, rng))
    side = int(rng.choice([2, 2, 3, 3, 4]))
    cell = SCENE_SIZE / side
    pastes = []
    for index in rng.permutation(side * side):
        corner = np.array(divmod(int(index), side)) * cell
        centre = corner + cell / 2 + rng.uniform(-0.08, 0.08, 2) * cell
        kind = "loose" if rng.random() < 0.75 else "tight"
        face_width = cell * rng.uniform(0.4, 0.72)
        picture = store.draw(kind, rng)
        pastes.append(paste_picture(scene, picture, kind, face_width, (float(centre[0]), float(centre[1])), rng))
    return scene, pastes


def _far_apart(paste: Paste, centre: tuple[float, float], width: float) -> bool:
    gap_x = abs((paste.x1 + paste.x2) / 2 - centre[0]) - (paste.x2 - paste.x1) / 2
    gap_y = abs((paste.y1 + paste.y2) / 2 - centre[1]) - (paste.y2 - paste.y1) / 2
    return gap_x > width * 0.75 or gap_y > width


def label_scene(detector: OnnxDetector, scene: Image, pastes: list[Paste]) -> Array:
    """The rows (24 x 15) of one scene, as this module's description has them.

    YuNet's sure faces are faces, with landmarks from several looks. Its doubtful faces, and pasted faces that it
    misses, are regions to ignore.
    """
    rows = np.zeros((MOST_FACES, 15), np.float32)
    if not pastes:
        return rows  # whatever YuNet sees there is not a face
    found = detector.detect(scene, DOUBTFUL_SCORE)
    landmark_sets = steady_landmarks(detector, scene, found, LOOKS)
    used = min(len(found), MOST_FACES)
    for row, box, landmarks, score in zip(rows, found.boxes, landmark_sets, found.scores, strict=False):
        centre = (box[:2] + box[2:]) / 2
        on_paste = any(p.x1 < centre[0] < p.x2 and p.y1 < centre[1] < p.y2 for p in pastes)
        row[:4], row[4:14] = box, landmarks.reshape(-1)
        row[14] = 1.0 if score >= SURE_SCORE and on_paste else -1.0
    sure = rows[rows[:, 14] == 1]
    for paste in pastes:
        inside = (sure[:, 0] + sure[:, 2]) / 2, (sure[:, 1] + sure[:, 3]) / 2
        hit = (inside[0] > paste.x1) & (inside[0] < paste.x2) & (inside[1] > paste.y1) & (inside[1] < paste.y2)
        if not hit.any() and used < MOST_FACES:
            rows[used, :4], rows[used, 14] = (paste.x1, paste.y1, paste.x2, paste.y2), -1.0
            used += 1
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loose", type=Path, default=Path("../shared/faces/train/celeba_89x109_10000.tar"))
    parser.add_argument("--yunet", type=Path, default=Path("../shared/models/yunet_s_dynamic.onnx"))
    parser.add_argument("--work", type=Path, required=True, help="folder with crops.npy; the scenes go there too")
    parser.add_argument("--count", type=int, default=4200)
    parser.add_argument("--mosaics", type=float, default=0.6, help="share of the scenes that are crowds")
    parser.add_argument("--seed", type=int, default=40)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    store = PictureStore.load(arguments.loose, arguments.work / "crops.npy")
    detector = OnnxDetector(arguments.yunet)
    shape = (arguments.count, SCENE_SIZE, SCENE_SIZE, 3)
    scenes = np.lib.format.open_memmap(arguments.work / "scenes.npy", mode="w+", dtype=np.uint8, shape=shape)
    labels = np.zeros((arguments.count, MOST_FACES, 15), np.float32)
    for position in range(arguments.count):
        rng = np.random.default_rng([arguments.seed, position])
        compose = compose_mosaic if rng.random() < arguments.mosaics else compose_scene
        scene, pastes = compose(store, rng)
        scenes[position], labels[position] = scene, label_scene(detector, scene, pastes)
        done = position + 1
        if done % 500 == 0 or done == arguments.count:
            np.save(arguments.work / "scene_faces.npy", labels[:done])  # training may begin on the first ones
            faces = labels[:done, :, 14]
            print(f"{done} scenes, {(faces > 0).sum()} faces, {(faces < 0).sum()} ignored", flush=True)


if __name__ == "__main__":
    main()
