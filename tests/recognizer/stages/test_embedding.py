from __future__ import annotations

import cv2
import numpy as np
import pytest

from recognizer.errors import PackCorrupt
from recognizer.stages.embedding import OnnxEmbedder, normalize_rows
from recognizer.stages.sessions import open_session
from recognizer.types import Preprocessing
from tests.support.floats import approx_cosine
from tests.support.packs import write_embedder

IMAGENET = Preprocessing("RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def crops(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(3).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8))


def embedder(tmp_path, preprocessing: Preprocessing = IMAGENET, **shape) -> OnnxEmbedder:
    return OnnxEmbedder(open_session(write_embedder(tmp_path / "any.onnx", **shape)), preprocessing)


class TestOnnxEmbedder:
    @pytest.mark.parametrize("colour", ["RGB", "BGR"])
    @pytest.mark.parametrize("count", [1, 3])
    def test_prepares_what_the_manifest_says(self, tmp_path, colour, count):
        preprocessing = Preprocessing(colour, (1.0, 20.0, 30.0), (4.0, 5.0, 60.0))
        given = np.stack(crops(count)).astype(np.float32)
        ordered = given[..., ::-1] if colour == "RGB" else given
        expected = (ordered - np.array(preprocessing.mean)) / np.array(preprocessing.std)

        first = embedder(tmp_path, preprocessing).prepare(crops(count))
        last = embedder(tmp_path, preprocessing, channels_last=True).prepare(crops(count))

        assert np.abs(first - expected.transpose(0, 3, 1, 2)).max() < 1e-3
        assert np.abs(last - expected).max() < 1e-3

    @pytest.mark.parametrize("batch", ["n", 1])
    @pytest.mark.parametrize("count", [0, 1, 2, 35])
    def test_gives_one_vector_of_length_one_per_crop(self, tmp_path, batch, count):
        vectors = embedder(tmp_path, dimension=9, batch=batch).embed(crops(count))

        assert vectors.shape == (count, 9)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == approx_cosine(1, 9)

    @pytest.mark.parametrize("batch", ["n", 1])
    def test_gives_the_same_alone_and_in_company(self, tmp_path, batch):
        model = embedder(tmp_path, batch=batch)
        alone = np.concatenate([model.embed([crop]) for crop in crops(5)])

        assert model.embed(crops(5)) == pytest.approx(alone, abs=1e-5)

    def test_reads_the_dimension_from_the_graph(self, tmp_path):
        assert embedder(tmp_path, dimension=333).dimension == 333

    def test_refuses_a_model_of_another_kind(self, shared_models):
        with pytest.raises(PackCorrupt, match="112"):
            OnnxEmbedder(open_session(shared_models / "yunet_s_dynamic.onnx"), IMAGENET)

    def test_refuses_a_model_for_another_picture_size(self, shared_models):
        with pytest.raises(PackCorrupt, match="112"):
            OnnxEmbedder(open_session(shared_models / "omz_face-reidentification-retail-0095_fp32.onnx"), IMAGENET)


class TestRealWeights:
    def test_hold_the_same_person_closer_than_another(self, engine, shared_faces):
        faces = {}
        for name in ("obama", "obama2", "biden", "biden2"):
            image = cv2.imread(str(shared_faces / "portraits" / f"{name}.jpg"))
            faces[name] = engine.embed([engine.align(image, engine.detect(image)[0])])[0]

        mated = [faces["obama"] @ faces["obama2"], faces["biden"] @ faces["biden2"]]
        non_mated = [faces["obama"] @ faces["biden"], faces["obama2"] @ faces["biden2"]]

        assert min(mated) > engine.pack.thresholds[1e-4].match
        assert max(non_mated) < engine.pack.thresholds[1e-3].match


class TestNormalizeRows:
    def test_leaves_a_zero_vector_finite(self):
        assert np.isfinite(normalize_rows(np.zeros((2, 4), np.float32))).all()
