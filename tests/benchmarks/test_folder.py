from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks import folder
from benchmarks.sample import altered
from recognizer.images import UPLOAD_LIMITS, decode_image


class TestRun:
    def test_enrols_every_picture_and_looks_at_each_without(self, engine, shared_faces):
        result = folder.run(faces=shared_faces / "eval", pictures=24, each=2, turns=2)
        assert (result["pictures"], result["people"]) == (24, 12)
        assert 0 < result["enrolled"] <= 24
        assert all(way["pictures_per_s"] > 0 and way["cpu_ms_per_picture"] > 0 for way in result["ways"].values())
        assert len(result["ratio_by_turn"].split()) == 2
        assert result["goal_reached"] is (result["ratio"] >= result["goal"])

    def test_has_further_people_from_aligned_crops(self, shared_faces):
        tar = shared_faces / "train" / "crops_112_webp.tar"
        found = folder._people_of_crops(tar, 3)
        assert [decode_image(picture, UPLOAD_LIMITS).shape for [picture] in found] == [(250, 250, 3)] * 3
        assert len({picture for [picture] in found}) == 3

    def test_a_file_that_is_no_tar_of_crops_is_refused(self, shared_faces, tmp_path):
        (tmp_path / "crops.tar").write_bytes(b"no tar" * 200)
        with pytest.raises(ValueError, match="no tar of aligned crops: name one with --crops"):
            folder.run(faces=shared_faces / "eval", pictures=4_000, each=2, turns=2, crops=tmp_path / "crops.tar")

    def test_senseless_numbers_are_refused(self, shared_faces):
        with pytest.raises(ValueError, match="at least one picture"):
            folder.run(faces=shared_faces / "eval", pictures=3, each=2, turns=2)

    def test_says_which_folder_has_none(self, tmp_path):
        with pytest.raises(ValueError, match="--faces"):
            folder.run(faces=tmp_path, pictures=24, each=2, turns=2)


class TestAltered:
    def test_gives_the_same_picture_in_other_files(self):
        picture = cv2.imencode(".png", np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))[1].tobytes()
        files = {altered(picture, way) for way in range(200)}
        assert len(files) == 200
        assert altered(picture, 0) == picture
