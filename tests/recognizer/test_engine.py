from __future__ import annotations

import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognizer.engine import FaceEngine
from recognizer.errors import EngineNotReady, ImageTooManyPixels, PackCorrupt, PackNotInstalled, PackUnknown
from recognizer.images import UPLOAD_LIMITS, encode_thumbnail
from recognizer.packs.manifest import SHIPPED_DIR, Pack
from recognizer.types import Detection, LivenessVerdict, RecognizerConfig
from tests.support.floats import approx_cosine


@pytest.fixture
def portrait(shared_faces: Path) -> np.ndarray:
    image = cv2.imread(str(shared_faces / "portraits" / "obama.jpg"))
    assert image is not None
    return image


@pytest.fixture
def both(shared_faces: Path) -> np.ndarray:
    image = cv2.imread(str(shared_faces / "portraits" / "obama_and_biden.jpg"))
    assert image is not None
    return image


@pytest.fixture
def own_models(pack: Pack, tmp_path: Path) -> Path:
    """A models folder that a test may damage."""
    for file in pack.files:
        shutil.copy(file.path, tmp_path)
    return tmp_path


class TestAnalyze:
    def test_gives_every_face_with_all_its_parts(self, engine, both):
        result = engine.analyze(both, liveness=True)

        assert result.image_size == (2000, 1428)
        assert len(result.faces) >= 2
        for face in result.faces:
            assert face.aligned.shape == (112, 112, 3)
            assert face.embedding is not None
            assert face.embedding.shape == (engine.dimension,)
            assert np.linalg.norm(face.embedding) == approx_cosine(1, engine.dimension)
            assert face.liveness.verdict is not LivenessVerdict.NOT_CHECKED

    def test_leaves_out_what_was_not_asked_for(self, engine, portrait):
        face = engine.analyze(portrait, embed=False).faces[0]

        assert face.embedding is None
        assert face.liveness.verdict is LivenessVerdict.NOT_CHECKED

    def test_reports_the_time_of_every_stage(self, engine, portrait):
        timings = engine.analyze(portrait).timings_ms

        assert set(timings) == {"detect", "align", "quality", "liveness", "embed", "total"}
        assert timings["total"] >= max(timings["detect"], timings["embed"]) > 0

    def test_finds_nobody_in_an_empty_picture(self, engine):
        assert engine.analyze(np.zeros((480, 640, 3), np.uint8), liveness=True).faces == ()

    def test_is_the_same_from_many_threads_at_once(self, engine, portrait):
        expected = engine.analyze(portrait).faces[0].embedding
        results = [engine.submit(engine.analyze, portrait) for _ in range(8)]

        assert all((result.result().faces[0].embedding == expected).all() for result in results)


class TestDecode:
    def test_bounds_frames_more_tightly_than_uploads(self, engine, both):
        data = cv2.imencode(".jpg", both, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()

        assert engine.decode(data, UPLOAD_LIMITS).shape == both.shape
        with pytest.raises(ImageTooManyPixels):
            engine.decode(data)


class TestStartup:
    def test_takes_pack_dimension_and_space_from_the_manifest(self, engine):
        assert engine.ready
        assert engine.dimension == engine.pack.dimension
        assert engine.contract_id == engine.pack.contract_id

    def test_says_what_to_do_without_a_pack(self, tmp_path):
        with pytest.raises(PackNotInstalled, match="packs install mobile"):
            FaceEngine(RecognizerConfig(tmp_path, pack="mobile")).startup()

    def test_refuses_a_pack_that_nobody_knows(self, tmp_path):
        with pytest.raises(PackUnknown):
            FaceEngine(RecognizerConfig(tmp_path, pack="huge")).startup()

    def test_notices_that_a_file_was_changed(self, own_models, pack):
        path = own_models / pack.embedder.name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))

        with pytest.raises(PackCorrupt, match="sha256"):
            FaceEngine(RecognizerConfig(own_models, pack=pack.name)).startup()

    def test_refuses_an_embedder_of_another_dimension(self, own_models, pack):
        text = (SHIPPED_DIR / "manifest.toml").read_text()
        at = text.index(f"[packs.{pack.name}]")
        (own_models / "manifest.toml").write_text(
            text[:at] + text[at:].replace(f"dimension = {pack.dimension}", "dimension = 64", 1)
        )

        with pytest.raises(PackCorrupt, match=f"{pack.dimension} numbers"):
            FaceEngine(RecognizerConfig(own_models, pack=pack.name)).startup()

    def test_may_be_repeated(self, models_dir, pack):
        engine = FaceEngine(RecognizerConfig(models_dir, pack=pack.name))
        engine.startup()
        first = engine.detector
        engine.startup()

        assert engine.detector is first
        engine.close()

    def test_works_without_liveness_models(self, own_models, portrait):
        text = (SHIPPED_DIR / "manifest.toml").read_text()
        (own_models / "manifest.toml").write_text(text.replace(', "minifas-2_7", "minifas-4_0"', ""))
        engine = FaceEngine(RecognizerConfig(own_models, pack="mobile"))
        engine.startup()
        try:
            face = engine.analyze(portrait, liveness=True).faces[0]
        finally:
            engine.close()

        assert face.liveness.verdict is LivenessVerdict.NOT_CHECKED


class TestLife:
    def test_refuses_every_stage_before_startup(self, models_dir, portrait):
        engine = FaceEngine(RecognizerConfig(models_dir))

        assert not engine.ready
        for call in (lambda: engine.detect(portrait), lambda: engine.embed([]), lambda: engine.submit(len, "a")):
            with pytest.raises(EngineNotReady, match="startup"):
                call()

    def test_finishes_what_runs_and_refuses_what_comes_after_close(self, models_dir, pack):
        engine = FaceEngine(RecognizerConfig(models_dir, pack=pack.name, threads=1))
        engine.startup()
        started, may_end = threading.Event(), threading.Event()

        def work() -> str:
            started.set()
            may_end.wait(10)
            return "done"

        running, waiting = engine.submit(work), engine.submit(work)
        waiting.add_done_callback(lambda _: may_end.set())  # the first one ends after the second was refused
        assert started.wait(10)
        engine.close()
        engine.close()

        assert running.result() == "done"
        assert waiting.cancelled()
        assert not engine.ready
        with pytest.raises(EngineNotReady):
            engine.submit(work)

    def test_runs_as_many_jobs_at_once_as_it_has_threads(self, models_dir, pack):
        engine = FaceEngine(RecognizerConfig(models_dir, pack=pack.name, threads=2))
        engine.startup()
        pairs = threading.Barrier(2, timeout=10)
        running: set[int] = set()
        seen: list[int] = []

        def work(number: int) -> None:
            running.add(number)
            seen.append(len(running))
            pairs.wait()  # passes only when another job runs beside this one
            running.discard(number)

        for job in [engine.submit(work, number) for number in range(8)]:
            job.result(20)
        engine.close()

        assert max(seen) == 2


class TestTurnUpright:
    @pytest.mark.parametrize("quarters", [0, 1, 2, 3])
    def test_hands_on_what_it_found_in_the_picture_that_it_returns(self, engine, both, quarters):
        """Nobody looks again, so each number is the one that another look would give."""
        upright, found = engine.turn_upright(np.ascontiguousarray(np.rot90(both, quarters)))

        assert (upright == both).all()
        assert [numbers(face) for face in found] == [numbers(face) for face in engine.detect_still(both)]
        for face, expected in zip(engine.analyze(upright, found).faces, engine.analyze(both).faces, strict=True):
            assert (face.embedding == expected.embedding).all()
            assert face.quality == expected.quality

    def test_hands_on_nobody_of_an_empty_picture(self, engine, looks):
        blank = np.zeros((240, 320, 3), np.uint8)
        upright, found = engine.turn_upright(blank)

        assert upright is blank
        assert engine.analyze(upright, found).faces == ()
        assert len(looks) == 4

    def test_looks_once_at_an_upright_picture(self, engine, portrait, looks):
        engine.analyze(*engine.turn_upright(portrait))

        assert len(looks) == 1


def numbers(found: Detection) -> tuple[object, ...]:
    return found.box_xyxy.tolist(), found.landmarks.tolist(), found.detection_score


class TestThumbnailOfAFrame:
    def test_shows_the_same_person_still(self, engine, portrait):
        image = engine.decode(encode_thumbnail(portrait, 400))
        small, full = engine.analyze(image).faces[0], engine.analyze(portrait).faces[0]

        assert small.embedding @ full.embedding > 0.8
