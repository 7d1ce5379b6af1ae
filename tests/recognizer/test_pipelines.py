from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from recognizer.engine import FaceEngine
from recognizer.errors import ImageUndecodable
from recognizer.pipelines import SEED_DISTANCE, SEED_THRESHOLD, FacesitePipeline, Pipeline, SeedPipeline, main_face
from recognizer.stages.detection import HaarDetector
from recognizer.types import Detection, Image, Vector
from tests.support.floats import approx_cosine


def detection(left: float, top: float, right: float, bottom: float) -> Detection:
    return Detection(np.array([left, top, right, bottom], np.float32), np.zeros((5, 2), np.float32), 0.9)


class TestMainFace:
    picture = np.zeros((200, 300, 3), np.uint8)

    def test_is_none_without_faces(self):
        assert main_face([], self.picture) is None

    def test_is_the_central_one_of_two_of_about_one_size(self):
        corner, centre = detection(0, 0, 70, 70), detection(120, 70, 180, 130)
        assert main_face([corner, centre], self.picture) is centre

    def test_is_the_large_one_even_off_the_centre(self):
        large, small = detection(0, 20, 150, 180), detection(140, 90, 160, 110)
        assert main_face([large, small], self.picture) is large


class TestSeedThreshold:
    @pytest.mark.parametrize(("distance", "matches"), [(SEED_DISTANCE - 1e-6, True), (SEED_DISTANCE + 1e-6, False)])
    def test_is_the_seed_s_distance_as_a_cosine(self, distance, matches):
        angle = 2 * np.arcsin(distance / 2)
        a, b = np.array([1.0, 0.0]), np.array([np.cos(angle), np.sin(angle)])
        assert np.linalg.norm(a - b) == pytest.approx(distance)
        assert (float(a @ b) >= SEED_THRESHOLD) == matches


def embed(pipeline: Pipeline, data: bytes) -> Vector:
    vector = pipeline.embed_picture(data)
    assert vector is not None
    return vector


class TestPipelines:
    @pytest.fixture
    def pictures(self, shared_faces: Path) -> list[bytes]:
        return [path.read_bytes() for path in sorted((shared_faces / "eval" / "Bill_Gates").glob("*.jpg"))[:2]]

    @pytest.mark.parametrize("pipeline", [FacesitePipeline, SeedPipeline])
    def test_give_vectors_of_length_one(self, engine: FaceEngine, pictures, pipeline):
        vector = pipeline(engine).embed_picture(pictures[0])
        assert vector.shape == (engine.dimension,)
        assert np.linalg.norm(vector) == approx_cosine(1, engine.dimension)

    def test_alignment_and_colour_bring_two_pictures_of_a_person_closer(self, engine: FaceEngine, pictures):
        ours, seed = (
            float(embed(pipeline, pictures[0]) @ embed(pipeline, pictures[1]))
            for pipeline in (FacesitePipeline(engine), SeedPipeline(engine))
        )
        assert ours > seed

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_ours_turns_a_picture_upright_as_pages_and_commands_do(self, engine: FaceEngine, pictures, quarters):
        ours = FacesitePipeline(engine)
        turned = np.rot90(engine.decode(pictures[0]), quarters)

        likeness = embed(ours, cv2.imencode(".png", turned)[1].tobytes()) @ embed(ours, pictures[0])

        assert float(likeness) > 0.9

    def test_ours_looks_for_faces_once(self, engine: FaceEngine, pictures, looks):
        embed(FacesitePipeline(engine), pictures[0])

        assert len(looks) == 1

    def test_the_seed_s_way_gives_the_model_the_pixels_in_their_bgr_order(self, engine: FaceEngine, pictures):
        """The embedder alone turns the channels, so that a picture with red and blue exchanged comes out as it was."""
        image = engine.decode(pictures[0])
        exchanged = cv2.imencode(".png", image[:, :, ::-1])[1].tobytes()
        [box] = [found.box_xyxy for found in HaarDetector().detect(engine.decode(exchanged))]
        left, top, right, bottom = (int(value) for value in box)
        crop = cast(Image, cv2.resize(image[top:bottom, left:right], (112, 112)))
        seen = embed(SeedPipeline(engine), exchanged)
        assert float(seen @ engine.embed([crop])[0]) == pytest.approx(1, abs=1e-4)

    @pytest.mark.parametrize("pipeline", [FacesitePipeline, SeedPipeline])
    def test_find_no_face_on_a_wall(self, engine: FaceEngine, pipeline):
        wall = cv2.imencode(".png", np.full((200, 200, 3), 120, np.uint8))[1].tobytes()
        assert pipeline(engine).embed_picture(wall) is None

    def test_refuse_what_is_no_picture(self, engine: FaceEngine):
        with pytest.raises(ImageUndecodable):
            FacesitePipeline(engine).embed_picture(b"nothing")

    def test_the_seed_s_detector_is_not_shared_between_threads(self, engine: FaceEngine, pictures):
        pipeline = SeedPipeline(engine)
        alone = embed(pipeline, pictures[0])
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda data: embed(pipeline, data), [pictures[0]] * 8))
        assert all(np.array_equal(vector, alone) for vector in together)
