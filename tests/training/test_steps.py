"""Every step of training/README.md on a dozen invented pictures: data, two batches, resume, ONNX, table."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 5
PICTURES = 4


def draw_face(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    image = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    centre = (width // 2, height // 2)
    cv2.ellipse(image, centre, (width // 3, height // 3), 0, 0, 360, (140, 170, 220), -1)
    for side in (-1, 1):
        cv2.circle(image, (centre[0] + side * width // 8, centre[1] - height // 10), width // 25, (30, 30, 30), -1)
    noise = rng.integers(0, 20, image.shape, dtype=np.uint8)
    return np.asarray(image + np.minimum(noise, 255 - image), np.uint8)


def write_tar(target: Path, suffix: str, height: int, width: int, count: int) -> Path:
    rng = np.random.default_rng(count)
    with tarfile.open(target, "w") as tar:
        for index in range(count):
            _, encoded = cv2.imencode(suffix, draw_face(rng, height, width))
            data = encoded.tobytes()
            member = tarfile.TarInfo(f"faces/{index:05d}{suffix}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return target


def write_teacher(target: Path) -> Path:
    """A 'teacher' with the right shapes: coarse pixels times a random matrix."""
    matrix = np.random.default_rng(1).standard_normal((147, 512)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["input"], ["pooled"], kernel_shape=[16, 16], strides=[16, 16]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
        ],
        "teacher",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 512])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), target)
    return target


def write_evaluation(folder: Path) -> Path:
    """Pictures, landmarks and pairs laid out like ../shared/faces/eval."""
    rng = np.random.default_rng(2)
    names = [
        f"Person_{person}/Person_{person}_{index:04d}.jpg" for person in range(PEOPLE) for index in range(PICTURES)
    ]
    columns = ["file", *(f"{point}_{axis}" for point in ("reye", "leye", "nose", "rmouth", "lmouth") for axis in "xy")]
    with (folder / "landmarks.csv").open("w") as handle:
        writer = csv.writer(handle)
        writer.writerow(columns)
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            cv2.imwrite(str(folder / name), draw_face(rng, 160, 160))
            writer.writerow([name, 60, 64, 100, 64, 80, 85, 65, 105, 95, 105])
    with (folder / "pairs.csv").open("w") as handle:
        writer = csv.writer(handle)
        writer.writerow(["a", "b", "same"])
        for first in names:
            for second in names:
                if first < second:
                    writer.writerow([first, second, int(first.split("/")[0] == second.split("/")[0])])
    return folder


def run_steps(python: Path, *steps: list[object]) -> str:
    lines = json.dumps([[str(word) for word in step] for step in steps])
    command = [str(python), str(ROOT / "tests" / "training" / "run_steps.py"), lines]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


class TestEmbedderSteps:
    def test_lead_from_crops_to_an_onnx_file_and_its_table(self, training_python: Path, tmp_path: Path) -> None:
        crops = write_tar(tmp_path / "crops.tar", ".webp", 112, 112, 12)
        teacher = write_teacher(tmp_path / "teacher.onnx")
        (tmp_path / "eval").mkdir()
        evaluation = write_evaluation(tmp_path / "eval")
        run, target = tmp_path / "run", tmp_path / "embedder.onnx"
        train = ["train_embedder", "--work", tmp_path, "--run", run, "--eval", evaluation, "--batch", 4, "--threads", 1]
        output = run_steps(
            training_python,
            ["prepare_crops", "--crops", crops, "--teacher", teacher, "--work", tmp_path],
            ["make_morphs", "--teacher", teacher, "--work", tmp_path, "--count", 6],
            [*train, "--size", 64, "--steps", 2, "--report-every", 1],
            [*train, "--size", 64, "--steps", 3, "--report-every", 1],
            ["export", "embedder", "--mirror", "--run", run, "--target", target],
            ["evaluate_embedder", target, "--eval", evaluation],
        )
        curve = [json.loads(line) for line in (run / "curve.jsonl").read_text().splitlines()]
        assert [line["step"] for line in curve] == [1, 2, 3], "the second run goes on where the first one ended"
        assert "from step 2" in output
        assert "190 pairs in ten folds; 30 mated and 160 non-mated cross pairs" in output
        session = onnxruntime.InferenceSession(target)
        pixels = np.random.default_rng(3).uniform(-1, 1, (3, 3, 112, 112)).astype(np.float32)
        together = session.run(None, {"input": pixels})[0]
        assert together.shape == (3, 512)
        alone = session.run(None, {"input": pixels[1:2]})[0]
        np.testing.assert_allclose(together[1:2], alone, rtol=1e-3, atol=1e-4)


class TestDetectorSteps:
    def test_lead_from_pictures_to_an_onnx_file_with_the_contract_of_yunet(
        self, training_python: Path, tmp_path: Path
    ) -> None:
        loose = write_tar(tmp_path / "loose.tar", ".jpg", 109, 89, 4)
        rng = np.random.default_rng(4)
        np.save(tmp_path / "crops.npy", np.stack([draw_face(rng, 112, 112) for _ in range(4)]))
        run, target = tmp_path / "run", tmp_path / "detector.onnx"
        labeller = ROOT / "models" / "starter_detector.onnx"
        train = ["train_detector", "--work", tmp_path, "--run", run, "--batch", 2, "--threads", 1, "--report-every", 1]
        output = run_steps(
            training_python,
            ["scenes", "--loose", loose, "--yunet", labeller, "--work", tmp_path, "--count", 6],
            [*train, "--steps", 1],
            [*train, "--steps", 2],
            ["export", "detector", "--run", run, "--target", target],
        )
        assert "6 scenes" in output
        assert "from step 1" in output
        assert target.stat().st_size <= 400_000
        session = onnxruntime.InferenceSession(target)
        values = session.run(None, {"input": np.full((1, 3, 64, 96), 127, np.float32)})
        shapes = {output.name: value.shape for output, value in zip(session.get_outputs(), values, strict=True)}
        for stride in (8, 16, 32):
            cells = 64 // stride * (96 // stride)
            for kind, numbers in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
                assert shapes[f"{kind}_{stride}"] == (1, cells, numbers)


class TestLandmarkSteps:
    def test_lead_from_labelled_scenes_to_an_onnx_file(self, training_python: Path, tmp_path: Path) -> None:
        rng = np.random.default_rng(5)
        scenes = np.stack([draw_face(rng, 320, 320) for _ in range(4)])
        tables = np.zeros((4, 24, 15), np.float32)
        tables[:, 0] = [80, 60, 240, 260, 120, 128, 200, 128, 160, 170, 130, 210, 190, 210, 1]
        np.save(tmp_path / "scenes.npy", scenes)
        np.save(tmp_path / "scene_faces.npy", tables)
        run, target = tmp_path / "run", tmp_path / "landmarks.onnx"
        train = ["train_landmarks", "--work", tmp_path, "--run", run, "--batch", 2, "--steps", 2, "--report-every", 1]
        output = run_steps(training_python, train, ["export", "landmarks", "--run", run, "--target", target])
        assert "4 faces" in output
        assert "'step': 2" in output
        assert target.stat().st_size <= 400_000
        session = onnxruntime.InferenceSession(target)
        assert session.run(None, {"input": np.full((3, 3, 64, 64), 127, np.float32)})[0].shape == (3, 10)


class TestCheckSteps:
    def test_lead_from_pictures_to_an_onnx_file(self, training_python: Path, tmp_path: Path) -> None:
        crops = write_tar(tmp_path / "crops.tar", ".webp", 112, 112, 12)
        rng = np.random.default_rng(6)
        np.save(tmp_path / "turned.npy", np.stack([draw_face(rng, 112, 112) for _ in range(4)]))
        np.save(tmp_path / "turned_angles.npy", np.array([0, 90, 180, -90], np.float32))
        run, target = tmp_path / "run", tmp_path / "checks.onnx"
        train = ["train_checks", "--crops", crops, "--work", tmp_path, "--run", run, "--batch", 2, "--steps", 2]
        output = run_steps(
            training_python,
            [*train, "--report-every", 1],
            ["export", "checks", "--run", run, "--target", target],
        )
        assert "12 crops" in output
        assert "'step': 2" in output
        assert target.stat().st_size <= 400_000
        answers = onnxruntime.InferenceSession(target).run(None, {"input": np.full((3, 3, 56, 56), 127, np.float32)})[0]
        assert answers.shape == (3, 2)
        assert ((answers >= 0) & (answers <= 1)).all()


class TestShippedWeights:
    @pytest.mark.parametrize(
        "name", [f"starter_{kind}.onnx" for kind in ("checks", "detector", "embedder", "landmarks")]
    )
    def test_are_of_this_project_and_small(self, name: str) -> None:
        path = ROOT / "models" / name
        assert onnx.load(path).producer_name == "facesite training"
        assert path.stat().st_size < 6_000_000
