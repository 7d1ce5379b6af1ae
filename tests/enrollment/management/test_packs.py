from __future__ import annotations

from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from enrollment.packs import store as pack_store
from recognizer.engine import FaceEngine
from recognizer.errors import PackCorrupt
from recognizer.packs import cohorts
from recognizer.packs.choosing import sha256_of
from recognizer.packs.cohorts import load_cohort
from recognizer.packs.manifest import SHIPPED_DIR, Manifest
from recognizer.types import RecognizerConfig
from tests.support.packs import FILES, fill_folder, write_embedder, write_manifest

pytestmark = pytest.mark.django_db


@pytest.fixture
def models(tmp_path: Path, settings) -> Path:
    write_manifest(tmp_path / "models")
    settings.FACESITE_MODELS_DIR = tmp_path / "models"
    settings.FACESITE_MODELS_MIRROR = ""
    settings.FACESITE_MODEL_PACK = None
    return tmp_path / "models"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def packs(*arguments: str) -> str:
    out = StringIO()
    call_command("packs", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


class TestList:
    def test_shows_state_and_licence_of_every_pack(self, models):
        assert "not installed" in packs("list")

        fill_folder(models)
        guarded, tiny = (line for line in packs("list").splitlines() if not line.startswith(" "))

        assert guarded.split()[:2] == ["guarded", "installed"]
        assert tiny.split()[:3] == ["tiny", "in", "use"]
        assert "for tests" in tiny

    def test_says_of_every_shipped_pack_what_is_known_of_its_training_data_and_terms(self, models):
        (models / "manifest.toml").unlink()
        said = packs("list")

        assert said.count("Trained on: ") == said.count("Terms: ") == len(Manifest.load(models).packs)
        assert "Trained on: not known" not in said
        sface = said[said.index("\nsface ") :]
        assert "CASIA-WebFace" in sface[: sface.index("Terms: ")]


class TestVerify:
    def test_confirms_what_is_installed(self, models):
        fill_folder(models)

        assert "tiny: 2 files" in packs("verify")
        assert packs("verify", "tiny").count("\n") == 1

    def test_fails_when_a_file_was_changed(self, models):
        fill_folder(models)
        (models / "tiny_embedder.onnx").write_bytes(b"x" * len(FILES["tiny"][2]))

        with pytest.raises(CommandError, match="packs install"):
            packs("verify")

    @pytest.mark.parametrize("file", ["tiny_embedder.onnx", "tiny_detector.onnx"])
    def test_fails_when_a_file_was_cut_short(self, models, file):
        fill_folder(models)
        (models / file).write_bytes((models / file).read_bytes()[:-1])

        with pytest.raises(CommandError, match=f"{file} has .* bytes where the manifest says"):
            packs("verify")

    def test_fails_when_a_file_is_missing(self, models):
        fill_folder(models)
        (models / "tiny_detector.onnx").unlink()

        with pytest.raises(CommandError, match="missing"):
            packs("verify")

    def test_fails_when_nothing_is_installed(self, models):
        with pytest.raises(CommandError, match=r"manage\.py packs install tiny"):
            packs("verify")


class TestInstall:
    def test_installs_the_default_pack_from_a_folder(self, models, tmp_path):
        said = packs("install", "--from", str(fill_folder(tmp_path / "mirror")))

        assert "tiny is installed" in said
        assert Manifest.load(models).get("tiny").installed

    def test_installs_from_the_sites_mirror(self, models, tmp_path, settings):
        settings.FACESITE_MODELS_MIRROR = str(fill_folder(tmp_path / "mirror"))

        assert "tiny is installed" in packs("install", "tiny")

    def test_prefers_the_folder_that_is_named(self, models, tmp_path, settings):
        settings.FACESITE_MODELS_MIRROR = str(tmp_path / "nowhere")

        packs("install", "--from", str(fill_folder(tmp_path / "mirror")))

    def test_takes_nothing_from_elsewhere_than_the_folder_that_is_named(self, models, tmp_path, settings, monkeypatch):
        settings.FACESITE_MODELS_MIRROR = str(fill_folder(tmp_path / "mirror"))
        monkeypatch.setattr(pack_store, "SHIPPED_DIR", tmp_path / "mirror")
        damaged = fill_folder(tmp_path / "damaged")
        (damaged / "tiny_embedder.onnx").write_bytes(b"tampered with")

        with pytest.raises(CommandError, match=r"damaged has no file with the size and sha256 of tiny_embedder\.onnx"):
            packs("install", "--from", str(damaged))
        assert not any(models.glob("*.onnx"))

    def test_shows_terms_that_must_be_accepted(self, models, tmp_path):
        mirror = str(fill_folder(tmp_path / "mirror"))

        with pytest.raises(CommandError, match="for tests"):
            packs("install", "guarded", "--from", mirror)
        assert "rebuild_templates --pack guarded" in packs("install", "guarded", "--from", mirror, "--accept-licence")

    def test_asks_for_nothing_more_where_it_is_the_one_in_use(self, models, tmp_path):
        assert "rebuild_templates" not in packs("install", "--from", str(fill_folder(tmp_path / "mirror")))

    def test_shows_progress_on_a_terminal_only(self, models, tmp_path):
        terminal, pipe = Terminal(), StringIO()
        mirror = str(fill_folder(tmp_path / "mirror"))
        call_command("packs", "install", "--from", mirror, stdout=StringIO(), stderr=terminal)
        (models / "tiny_embedder.onnx").unlink()
        call_command("packs", "install", "--from", mirror, stdout=StringIO(), stderr=pipe)

        assert "tiny_embedder.onnx [##############################] 100 % of 0.0 MB\n" in terminal.getvalue()
        assert pipe.getvalue() == ""

    def test_fails_with_one_sentence(self, models, tmp_path):
        with pytest.raises(CommandError) as failure:
            packs("install", "--from", str(tmp_path))

        assert "\n" not in str(failure.value)
        assert "tiny_detector.onnx could not be installed" in str(failure.value)

    def test_knows_only_the_packs_of_the_manifest(self, models):
        with pytest.raises(CommandError, match="no model pack called 'huge'"):
            packs("install", "huge")


class TestAdd:
    def test_takes_the_operators_own_model(self, models, tmp_path):
        fill_folder(models)
        file = write_embedder(tmp_path / "My Model (v2).onnx", dimension=11)

        said = packs("add", str(file), "--sha256", sha256_of(file), "--licence", "ours", "--colour", "BGR")
        pack = Manifest.load(models).get("My-Model-v2")

        assert "11 numbers per face" in said
        assert "names nobody" in said
        assert "packs cohort My-Model-v2 --crops" in said
        assert "rebuild_templates --pack My-Model-v2" in said
        assert (pack.dimension, pack.licence, pack.preprocessing.colour) == (11, "ours", "BGR")

    def test_says_how_to_get_the_detector(self, models, tmp_path):
        file = write_embedder(tmp_path / "own.onnx")

        assert "packs install own" in packs("add", str(file), "--sha256", sha256_of(file))

        mirror = fill_folder(tmp_path / "mirror")
        assert "own is installed" in packs("install", "own", "--from", str(mirror))

    def test_refuses_another_hash_and_a_missing_file(self, models, tmp_path):
        file = write_embedder(tmp_path / "own.onnx")

        with pytest.raises(CommandError, match="sha256"):
            packs("add", str(file), "--sha256", "0" * 64)
        with pytest.raises(CommandError, match="There is no file"):
            packs("add", str(tmp_path / "none.onnx"), "--sha256", "0" * 64)


class TestQuantize:
    def test_adds_a_variant_with_an_embedding_space_of_its_own(self, shared_faces, shared_models, tmp_path, settings):
        settings.FACESITE_MODELS_DIR = tmp_path
        settings.FACESITE_MODEL_PACK = None
        packs("install", "mobile", "--from", str(shared_models))
        people = tmp_path / "people"
        for number, path in enumerate(sorted((shared_faces / "eval").glob("*/*.jpg"))[:44]):
            folder = people / path.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.jpg").write_bytes(path.read_bytes())
        empty = cv2.imencode(".png", np.zeros((200, 200, 3), np.uint8))[1].tobytes()
        (people / "nobody.png").write_bytes(empty)
        (people / "broken.jpg").write_bytes(b"no picture")

        said = packs("quantize", "--crops", str(people))
        manifest = Manifest.load(tmp_path)
        original, variant = manifest.get("mobile"), manifest.get("mobile-int8")

        assert "on 22 faces" in said
        assert "rebuild_templates --pack mobile-int8" in said
        assert variant.installed
        assert variant.contract_id != original.contract_id
        assert variant.thresholds == original.thresholds
        assert not variant.thresholds_measured
        # The gate belongs to one embedding space; the variant's is nearly the same, and says where it has it from.
        assert original.gate and variant.gate
        assert variant.gate.value == original.gate.value
        assert "that of mobile; the 8-bit embeddings agree" in variant.gate.source
        loaded = load_cohort(variant), load_cohort(original)
        assert loaded[0] and loaded[1]
        np.testing.assert_array_equal(loaded[0].centres, loaded[1].centres)

    def test_calibrates_on_kept_samples_and_says_when_there_are_too_few(self, pack):
        with pytest.raises(CommandError, match="0 faces are too few"):
            packs("quantize", pack.name)

    def test_names_a_folder_that_is_not_there(self, pack, tmp_path):
        with pytest.raises(CommandError, match="is no folder"):
            packs("quantize", pack.name, "--crops", str(tmp_path / "none"))


class TestCohort:
    """A small one: ten centres of a hundred crops."""

    @pytest.fixture
    def own(self, shared_models, tmp_path, settings, monkeypatch) -> Path:
        """A models folder with the pack `own`: the operator's model, for which nobody has built a cohort."""
        settings.FACESITE_MODELS_DIR = tmp_path / "models"
        settings.FACESITE_MODEL_PACK = "own"
        packs("install", "mobile", "--from", str(shared_models))
        file = SHIPPED_DIR / "starter_embedder.onnx"
        packs("add", str(file), "--sha256", sha256_of(file), "--name", "own")
        monkeypatch.setattr(cohorts, "CENTRES", 10)
        monkeypatch.setattr(cohorts, "FEWEST_MATCHES", 20)
        return tmp_path / "models"

    @pytest.fixture
    def known(self, shared_faces, tmp_path) -> Path:
        """Forty pictures in folders by person."""
        for number, path in enumerate(sorted((shared_faces / "eval").glob("*/*.jpg"))[:40]):
            folder = tmp_path / "known" / path.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.jpg").write_bytes(path.read_bytes())
        return tmp_path / "known"

    @pytest.fixture
    def tar(self, shared_faces) -> str:
        return str(shared_faces / "train" / "crops_112_webp.tar")

    def test_gives_a_pack_that_has_none_strangers_to_stand_out_against(self, own, known, tar):
        def line() -> str:
            return next(line for line in packs("list").splitlines() if line.startswith("own "))

        assert "No cohort: a match needs its score alone." in line()
        arguments = ("cohort", "--crops", tar, "--under", "celeba/000", "--faces", str(known))
        said = packs(*arguments)
        pack = Manifest.load(own).get("own")
        assert "own has a cohort, made of 100 faces. A match must stand out by" in said
        assert "No cohort" not in line()
        assert pack.gate and "100 crops of strangers" in pack.gate.source
        cohort = load_cohort(pack)
        assert cohort and cohort.centres.shape == (10, 512)
        before = pack.files_of("cohort")[0].path.read_bytes()
        packs(*arguments)
        assert pack.files_of("cohort")[0].path.read_bytes() == before

    def test_leaves_crops_out_that_shall_measure_it(self, own, known, tar, monkeypatch):
        monkeypatch.setattr(cohorts, "CENTRES", 4)
        said = packs(*("cohort", "--crops", tar, "--under", "celeba/000", "--held-out", "0.5", "--faces", str(known)))
        left = sum(not cohorts.is_held_out(f"celeba/{number:05d}.webp", 0.5) for number in range(100))
        assert f"made of {left} faces" in said

    def test_a_damaged_one_stops_the_engine_and_is_built_again(self, own, known, tar):
        arguments = ("cohort", "--crops", tar, "--under", "celeba/000", "--faces", str(known))
        packs(*arguments)
        file = Manifest.load(own).get("own").files_of("cohort")[0].path
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        with pytest.raises(PackCorrupt, match="packs cohort own"):
            FaceEngine(RecognizerConfig(own, pack="own")).startup()
        with pytest.raises(CommandError, match="packs cohort own"):
            packs("verify", "own")
        packs(*arguments)
        assert "own: 7 files are what the manifest says" in packs("verify", "own")

    def test_takes_a_folder_and_refuses_what_is_no_crop(self, own, known, tmp_path):
        (tmp_path / "crops").mkdir()
        wide = cv2.imencode(".png", np.zeros((112, 120, 3), np.uint8))[1].tobytes()
        (tmp_path / "crops" / "wide.png").write_bytes(wide)
        with pytest.raises(CommandError, match=r"wide\.png is no crop"):
            packs("cohort", "--crops", str(tmp_path / "crops"), "--faces", str(known))
        (tmp_path / "crops" / "wide.png").unlink()
        with pytest.raises(CommandError, match="0 crops are too few for a cohort: at least 100 are needed"):
            packs("cohort", "--crops", str(tmp_path / "crops"), "--faces", str(known))
        with pytest.raises(CommandError, match="neither a folder nor a tar file"):
            packs("cohort", "--crops", str(own / "own.onnx"), "--faces", str(known))

    def test_changes_nothing_where_too_few_people_are_known_to_set_the_gate(self, own, tar):
        with pytest.raises(CommandError, match="0 pairs of pictures of one person are too few to set the gate"):
            packs("cohort", "--crops", tar, "--under", "celeba/000")
        assert Manifest.load(own).get("own").gate is None
        assert not list(own.glob("*.npy"))
