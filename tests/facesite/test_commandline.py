"""manage.py: what an operator can mend is one sentence on stderr, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper

import pytest
from django.conf import settings

from facesite import commandline
from tests.support.sockets import PATIENCE_S


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "facesite.settings", **environment}
    return run([sys.executable, "manage.py", *arguments], env)


def run(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=PATIENCE_S)


class TestWrongSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DATABASE_URL", "postgres://db/faces"),
            ("SECRET_KEY", ""),
            ("DEBUG", "perhaps"),
            ("ALLOWED_HOSTS", "http://faces.example.org"),
            ("CSRF_TRUSTED_ORIGINS", "faces.example.org"),
            ("REDIS_URL", "localhost"),
            ("FACESITE_MQTT_URL", "localhost:1883"),
            ("GALLERY_URL", "milvus://localhost:19530"),
            ("GALLERY_FALLBACK", "perhaps"),
            ("FACESITE_MQTT_TOPIC", "faces/#"),
            ("FACESITE_MQTT_DISCOVERY", "home assistant"),
            ("FACESITE_MQTT_NAMES", "maybe"),
            ("FACESITE_MODELS_DIR", "manage.py"),
            ("FACESITE_MODELS_MIRROR", "ftp://host/x"),
            ("FACESITE_MODEL_PACK", "nonsense"),
            ("FACESITE_THREADS", "0"),
            ("FACESITE_DEVICE", "abacus"),
            ("FACESITE_LIVENESS", "sometimes"),
            ("FACESITE_SECOND_FACTOR", "always"),
            ("FACESITE_OIDC_ISSUER", "http://login.example.org"),
            ("FACESITE_FOLD_PASSWORDS", "perhaps"),
            ("FACESITE_HTTPS", "yes"),
        ],
    )
    def test_stop_the_start_with_one_sentence(self, name, value):
        done = manage("check", **{name: value})
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith(name)

    def test_stop_the_asgi_application_as_well(self):
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "facesite.settings", "DEBUG": "perhaps"}
        command = [sys.executable, "-c", "import facesite.asgi"]
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=PATIENCE_S
        )
        assert (done.returncode, done.stderr) == (1, "DEBUG must be on or off, not 'perhaps'.\n")


class TestFiles:
    def test_are_for_their_owner_alone(self, tmp_path):
        manage("migrate", DATABASE_URL=f"sqlite:///{tmp_path}/site.sqlite3", SECRET_KEY="k" * 50)
        assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


class TestDatabase:
    def test_without_tables_says_which_command_makes_them(self, tmp_path):
        done = manage("create_first_operator", DATABASE_URL=f"sqlite:///{tmp_path}/new.sqlite3")
        assert done.returncode == 1
        assert done.stderr.strip().endswith("The database has no tables for this version yet. Run: manage.py migrate")
        assert "Traceback" not in done.stderr

    def test_that_is_no_database_is_one_sentence(self, tmp_path):
        (tmp_path / "x.sqlite3").write_text("this is no database, whatever its name says" * 50)
        done = manage("migrate", DATABASE_URL=f"sqlite:///{tmp_path}/x.sqlite3")
        assert done.returncode == 1
        assert done.stderr.strip() == "The database cannot be used: file is not a database. Check DATABASE_URL."


class TestOutput:
    def test_a_name_that_the_terminal_cannot_show_is_no_traceback(self, monkeypatch, tmp_path):
        written = BytesIO()
        monkeypatch.setattr(sys, "stdout", TextIOWrapper(written, encoding="ascii", write_through=True))
        monkeypatch.setattr(commandline, "execute_from_command_line", lambda argv: print(*argv))  # noqa: T201
        monkeypatch.setattr(commandline, "ensure_secret_key", lambda env_file: False)
        commandline.run(["Zoë", os.fsdecode(b"\xff.jpg")], env_file=tmp_path / ".env")
        assert written.getvalue() == b"Zo\\xeb \\udcff.jpg\n"


class TestCtrlC:
    def test_is_one_word_and_the_status_that_shells_expect(self, monkeypatch, capsys, tmp_path):
        def stopped(argv: list[str]) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(commandline, "execute_from_command_line", stopped)
        monkeypatch.setattr(commandline, "ensure_secret_key", lambda env_file: False)
        with pytest.raises(SystemExit) as ended:
            commandline.run(["manage.py", "identify"], env_file=tmp_path / ".env")
        assert ended.value.code == 130
        assert capsys.readouterr().err == "Stopped.\n"


class TestOutputThatNobodyReads:
    def test_ends_a_command_without_a_word(self):
        reader, writer = os.pipe()
        os.close(reader)  # as `head` does once it has its lines
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "facesite.settings", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "manage.py", "packs", "list"]
        try:
            done = subprocess.run(
                command, cwd=settings.BASE_DIR, env=env, stdout=writer, stderr=subprocess.PIPE, timeout=PATIENCE_S
            )
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (141, b"")
