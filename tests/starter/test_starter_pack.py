"""The starter pack is the one of a fresh clone, and good enough for two people."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchmarks.close import cut_faces
from enrollment.runtime.policy import DEFAULT_FMR, default_liveness
from recognizer.packs.choosing import choose_pack, verify_pack
from recognizer.packs.manifest import SHIPPED_DIR, Manifest
from recognizer.types import LivenessMode
from tests.support import portraits


def faces_of(engine, name, variations=(*portraits.ENROLLED, *portraits.SEEN)):
    pictures = [engine.decode(data) for data in portraits.pictures(name, variations)]
    return [engine.analyze(picture).faces[0] for picture in pictures]


class TestPack:
    def test_comes_with_the_product_and_is_the_last_choice(self, starter, starter_dir):
        manifest = Manifest.load(starter_dir)
        pack = choose_pack(manifest)
        assert (pack.name, starter.pack.name) == ("starter", "starter")
        free = [other.name for other in manifest.packs.values() if not other.only_by_name]
        assert free.index("starter") == len(free) - 1
        assert manifest.default != "starter"
        assert Manifest.load(SHIPPED_DIR).get("starter").installed

    def test_is_what_the_manifest_says_and_small(self, starter):
        verify_pack(starter.pack)
        assert sum(file.size for file in starter.pack.files) < 6_000_000

    def test_has_thresholds_that_were_measured(self, starter):
        assert starter.pack.thresholds_measured
        assert DEFAULT_FMR in starter.pack.thresholds

    def test_cannot_check_liveness_and_is_not_asked_to_by_default(self, starter):
        assert not starter.pack.checks_liveness
        assert default_liveness(starter.pack) == LivenessMode.ADVISORY


class TestDetector:
    @pytest.mark.parametrize("name", portraits.PEOPLE)
    def test_finds_the_person_before_anything_else(self, starter, name):
        for face in faces_of(starter, name):
            assert (face.quality.reasons, face.detection.detection_score > 0.75) == ((), True)

    @pytest.mark.parametrize("name", portraits.SCENES)
    def test_finds_nobody_where_nobody_is(self, starter, name):
        assert starter.detect(portraits.scene(name)) == []
        for quarters in range(4):
            assert starter.detect_still(np.ascontiguousarray(np.rot90(portraits.scene(name), quarters))) == []

    def test_finds_faces_in_pictures_that_were_cut_within_them(self, starter, shared_faces):
        cuts = list(cut_faces(shared_faces / "eval", 1 / 8, 3, every=3))
        seen_at_once = sum(bool(starter.detect(cut)) for cut in cuts)
        assert seen_at_once < 0.92 * len(cuts)
        assert sum(len(starter.detect_still(cut)) == 1 for cut in cuts) >= 0.93 * len(cuts)


class TestEmbedder:
    @pytest.mark.parametrize("name", portraits.PEOPLE)
    def test_knows_a_person_on_other_pictures(self, starter, name):
        vectors = np.stack([face.embedding for face in faces_of(starter, name)])
        assert (vectors @ vectors.T).min() >= starter.pack.thresholds[DEFAULT_FMR].match

    def test_tells_the_two_apart(self, starter):
        pairs = itertools.product(*(faces_of(starter, name) for name in portraits.PEOPLE))
        highest = max(float(one.embedding @ other.embedding) for one, other in pairs)
        assert highest < starter.pack.thresholds[DEFAULT_FMR].uncertain
