from __future__ import annotations

import http.server
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from enrollment.packs.fetching import InstallFailed
from enrollment.packs.store import LicenceNotAccepted, install_pack
from recognizer.errors import PackUnknown
from recognizer.packs.choosing import verify_pack
from tests.support.packs import FILES, fill_folder, sha256, write_manifest

NAMES = {name for _, name, _ in FILES.values()}
EMBEDDER = FILES["tiny"][2]


class Publisher(http.server.ThreadingHTTPServer):
    """A web server on loopback whose answers a test sets: path to body, and how much of it really comes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {name: data for _, name, data in FILES.values()}
        self.cut_after: int | None = None
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        self.server.asked.append(name)
        data = self.server.files.get(name)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: self.server.cut_after])

    def log_message(self, *args: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_manifest(tmp_path / "models")
    return tmp_path / "models"


def installed_names(models: Path) -> set[str]:
    return {path.name for path in models.iterdir()} - {"manifest.toml"}


class TestInstallFromAFolder:
    @pytest.mark.parametrize("renamed", [False, True])
    def test_finds_files_by_content_whatever_their_names(self, models, tmp_path, renamed):
        mirror = fill_folder(tmp_path / "mirror", renamed=renamed)

        pack = install_pack(models_dir=models, sources=(str(mirror),))

        assert pack.name == "tiny"
        assert pack.installed
        verify_pack(pack)
        assert installed_names(models) == NAMES

    def test_makes_the_models_folder(self, tmp_path, shared_models):
        target = tmp_path / "deep" / "down"

        verify_pack(install_pack(models_dir=target, sources=(str(shared_models),)))

        assert {path.suffix for path in target.iterdir()} == {".onnx"}

    def test_mends_a_damaged_file(self, models, tmp_path):
        mirror = fill_folder(tmp_path / "mirror")
        fill_folder(models)
        (models / "tiny_embedder.onnx").write_bytes(b"x" * len(EMBEDDER))

        verify_pack(install_pack(models_dir=models, sources=(str(mirror),)))

    def test_copies_nothing_when_all_is_there(self, models):
        fill_folder(models)
        before = {path: path.stat().st_mtime_ns for path in models.iterdir()}

        assert install_pack(models_dir=models).installed
        assert {path: path.stat().st_mtime_ns for path in models.iterdir()} == before

    def test_refuses_a_file_of_the_right_size_with_another_hash(self, models, tmp_path):
        mirror = fill_folder(tmp_path / "mirror")
        (mirror / "tiny_embedder.onnx").write_bytes(b"x" * len(EMBEDDER))

        with pytest.raises(InstallFailed, match=r"tiny_embedder\.onnx .*Nothing was changed"):
            install_pack(models_dir=models, sources=(str(mirror),))
        assert installed_names(models) == set()

    def test_names_a_folder_that_is_not_there(self, models, tmp_path):
        with pytest.raises(InstallFailed, match="nowhere is no folder"):
            install_pack(models_dir=models, sources=(str(tmp_path / "nowhere"),))

    def test_mends_nothing_of_a_pack_that_cannot_be_whole(self, models, tmp_path):
        mirror = fill_folder(tmp_path / "mirror")
        (mirror / "tiny_embedder.onnx").unlink()
        (models / "tiny_detector.onnx").write_bytes(b"old and damaged")

        with pytest.raises(InstallFailed, match="Nothing was changed"):
            install_pack(models_dir=models, sources=(str(mirror),))
        assert (models / "tiny_detector.onnx").read_bytes() == b"old and damaged"
        assert installed_names(models) == {"tiny_detector.onnx"}

    def test_names_the_models_folder_that_cannot_be_made(self, tmp_path, shared_models):
        (tmp_path / "file").touch()

        with pytest.raises(InstallFailed, match=r"file/models cannot be written to: Not a directory\."):
            install_pack(models_dir=tmp_path / "file" / "models", sources=(str(shared_models),))

    def test_says_when_there_is_no_source_at_all(self, models):
        with pytest.raises(InstallFailed, match=r"no published address.*--from"):
            install_pack(models_dir=models)


class TestInstallFromTheNetwork:
    def test_fetches_the_published_files(self, tmp_path, publisher):
        models = tmp_path / "models"
        write_manifest(models, **{key: f"{publisher.url}/{name}" for key, (_, name, _) in FILES.items()})

        verify_pack(install_pack(models_dir=models))

        assert installed_names(models) == NAMES

    def test_tries_the_mirror_first(self, models, publisher):
        verify_pack(install_pack(models_dir=models, sources=(f"{publisher.url}/mirror/",)))

        assert publisher.asked == ["tiny_detector.onnx", "tiny_embedder.onnx"]

    def test_falls_back_to_the_published_address(self, tmp_path, publisher):
        models = tmp_path / "models"
        write_manifest(models, yunet=f"{publisher.url}/published.onnx", tiny=f"{publisher.url}/tiny_embedder.onnx")
        publisher.files["published.onnx"] = FILES["yunet"][2]
        (tmp_path / "empty").mkdir()

        verify_pack(install_pack(models_dir=models, sources=(str(tmp_path / "empty"),)))

    def test_stays_with_the_sources_where_nothing_published_is_wanted(self, tmp_path, publisher):
        models = tmp_path / "models"
        write_manifest(models, **{key: f"{publisher.url}/{name}" for key, (_, name, _) in FILES.items()})

        with pytest.raises(InstallFailed, match=r"nowhere is no folder\. Nothing was changed"):
            install_pack(models_dir=models, sources=(str(tmp_path / "nowhere"),), published=False)
        assert publisher.asked == []

    def test_names_both_places_when_neither_has_it(self, tmp_path, publisher):
        models = tmp_path / "models"
        write_manifest(models, yunet=f"{publisher.url}/gone.onnx")
        (tmp_path / "empty").mkdir()

        with pytest.raises(InstallFailed, match=r"empty has no file .*; http://127\.0\.0\.1.*gone\.onnx answered 404"):
            install_pack(models_dir=models, sources=(str(tmp_path / "empty"),))

    @pytest.mark.parametrize("cut_after", [0, 1, 200])
    def test_leaves_nothing_behind_when_a_download_breaks_off(self, models, publisher, cut_after):
        publisher.cut_after = cut_after

        with pytest.raises(InstallFailed, match=f"broke off after {cut_after} of 400 bytes"):
            install_pack(models_dir=models, sources=(publisher.url,))
        assert installed_names(models) == set()

    def test_leaves_nothing_behind_for_a_wrong_hash(self, models, publisher):
        publisher.files["tiny_detector.onnx"] = b"x" * 400

        with pytest.raises(InstallFailed, match="sha256"):
            install_pack(models_dir=models, sources=(publisher.url,))
        assert installed_names(models) == set()

    def test_stops_reading_when_more_comes_than_the_manifest_says(self, models, publisher):
        publisher.files["tiny_detector.onnx"] = b"x" * 5_000_000

        with pytest.raises(InstallFailed, match="more than the expected 400 bytes"):
            install_pack(models_dir=models, sources=(publisher.url,))
        assert installed_names(models) == set()

    def test_keeps_the_old_file_when_the_new_one_cannot_be_had(self, models, publisher):
        publisher.files.clear()
        (models / "tiny_detector.onnx").write_bytes(b"old and damaged")

        with pytest.raises(InstallFailed):
            install_pack(models_dir=models, sources=(publisher.url,))
        assert (models / "tiny_detector.onnx").read_bytes() == b"old and damaged"

    def test_says_when_nobody_answers(self, models):
        with pytest.raises(InstallFailed, match="Connection refused"):
            install_pack(models_dir=models, sources=("http://127.0.0.1:9",))

    def test_reports_progress_up_to_the_whole(self, models, publisher):
        seen: list[tuple[str, int, int | None]] = []

        install_pack(models_dir=models, sources=(publisher.url,), progress=lambda *step: seen.append(step))

        assert seen[0][0] == "tiny_detector.onnx"
        assert seen[-1] == ("tiny_embedder.onnx", len(EMBEDDER), len(EMBEDDER))


class TestLicence:
    def test_must_be_accepted_where_it_restricts(self, models):
        fill_folder(models)

        with pytest.raises(LicenceNotAccepted, match=r"for tests.*--accept-licence"):
            install_pack(models_dir=models, name="guarded")
        assert install_pack(models_dir=models, name="guarded", accept_licence=True).installed

    def test_comes_after_the_question_whether_the_pack_exists(self, models):
        with pytest.raises(PackUnknown):
            install_pack(models_dir=models, name="huge")


class TestInstallFromAnArchive:
    def write_archive(self, tmp_path: Path, member: str, data: bytes) -> Path:
        """A models folder whose embedder is published inside a zip, and the folder with that zip."""
        mirror = fill_folder(tmp_path / "mirror")
        (mirror / "tiny_embedder.onnx").unlink()
        with zipfile.ZipFile(mirror / "pack.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("readme.txt", "hello")
            bundle.writestr(member, data)
        digest = sha256((mirror / "pack.zip").read_bytes())
        archive = (
            f'name = "pack.zip"\nsha256 = "{digest}"\nurl = "http://127.0.0.1:9/pack.zip"\nmember = "model.onnx"\n'
        )
        write_manifest(tmp_path / "models", extra=f"[files.tiny.archive]\n{archive}")
        return mirror

    @pytest.mark.parametrize("member", ["model.onnx", "buffalo/model.onnx"])
    def test_takes_the_member_out_and_leaves_no_archive_behind(self, tmp_path, member):
        mirror = self.write_archive(tmp_path, member, EMBEDDER)

        verify_pack(install_pack(models_dir=tmp_path / "models", sources=(str(mirror),)))

        assert installed_names(tmp_path / "models") == NAMES

    def test_takes_the_bare_file_when_the_mirror_has_that(self, tmp_path):
        mirror = self.write_archive(tmp_path, "model.onnx", b"never read")
        (mirror / "bare.onnx").write_bytes(EMBEDDER)

        verify_pack(install_pack(models_dir=tmp_path / "models", sources=(str(mirror),)))

    def test_refuses_another_archive(self, tmp_path):
        mirror = self.write_archive(tmp_path, "model.onnx", EMBEDDER)
        with zipfile.ZipFile(mirror / "pack.zip", "a") as bundle:
            bundle.writestr("more.txt", "tampered")

        with pytest.raises(InstallFailed, match=r"pack\.zip is not the published archive"):
            install_pack(models_dir=tmp_path / "models", sources=(str(mirror),))
        assert installed_names(tmp_path / "models") == set()

    def test_never_unpacks_more_than_the_manifest_says(self, tmp_path):
        mirror = self.write_archive(tmp_path, "model.onnx", bytes(50_000_000))

        with pytest.raises(InstallFailed, match=f"more than the expected {len(EMBEDDER)} bytes"):
            install_pack(models_dir=tmp_path / "models", sources=(str(mirror),))
        assert installed_names(tmp_path / "models") == set()

    def test_says_which_member_is_missing(self, tmp_path):
        mirror = self.write_archive(tmp_path, "other.onnx", EMBEDDER)

        with pytest.raises(InstallFailed, match=r"no member model\.onnx"):
            install_pack(models_dir=tmp_path / "models", sources=(str(mirror),))

    def test_refuses_what_is_no_archive(self, tmp_path):
        mirror = self.write_archive(tmp_path, "model.onnx", EMBEDDER)
        (mirror / "pack.zip").write_bytes(b"no zip at all")

        with pytest.raises(InstallFailed, match="not the published archive"):
            install_pack(models_dir=tmp_path / "models", sources=(str(mirror),))
