"""Folders that cannot be written and files of other users: one sentence and an exit status, never a traceback.

A project of the test's own, whose folder really is read-only to the command (tests/support/permissions.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.permissions import bound_by_permissions
from tests.support.sockets import PATIENCE_S

OWN = ("facesite", "manage.py")
"""Copied: they say where the project's folder is. The rest is linked."""
LINKED = (
    "api",
    "attendance",
    "benchmarks",
    "enrollment",
    "models",
    "recognizer",
    "security",
    "static",
    "templates",
    "verification",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in LINKED:
        (folder / name).symlink_to(settings.BASE_DIR / name)
    shutil.copytree(settings.BASE_DIR / "facesite", folder / "facesite", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(settings.BASE_DIR / "manage.py", folder)
    return folder


@pytest.fixture(autouse=True)
def writable_again(tmp_path: Path):
    """pytest removes old folders of tests."""
    yield
    for path in (tmp_path, *(path for path in tmp_path.rglob("*") if not path.is_symlink())):
        path.chmod(path.stat().st_mode | 0o700)


def manage(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in {"SECRET_KEY", "DATABASE_URL"}}
    return subprocess.run(
        bound_by_permissions([sys.executable, "-B", "manage.py", *arguments]),
        cwd=project,
        env={**clean, "DJANGO_SETTINGS_MODULE": "facesite.settings", "DEBUG": "off", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


class TestProjectFolder:
    def test_that_is_read_only_says_where_no_key_could_be_written(self, project):
        project.chmod(0o555)
        assert sentence(manage(project, "migrate")) == (
            f"No SECRET_KEY is set, and a new one cannot be written to {project}/.env (Permission denied): "
            "set SECRET_KEY or SECRET_KEY_FILE, or run this as a user who may write there."
        )

    def test_that_is_read_only_takes_no_database(self, project):
        project.chmod(0o555)
        said = sentence(manage(project, "migrate", SECRET_KEY="k" * 50))
        assert said.startswith("The database cannot be used: unable to open database file; SQLite writes the file")

    def test_that_is_read_only_takes_no_static_files(self, project, tmp_path):
        """With the database elsewhere."""
        elsewhere = f"sqlite:///{tmp_path}/site.sqlite3"
        assert manage(project, "migrate", SECRET_KEY="k" * 50, DATABASE_URL=elsewhere).returncode == 0
        project.chmod(0o555)
        site = {"SECRET_KEY": "k" * 50, "DATABASE_URL": elsewhere, "FACESITE_MODEL_PACK": "starter"}
        for command in (["prepare"], ["serve", "--port", "1"], ["runserver", "--noreload"]):
            said = sentence(manage(project, *command, **site))
            assert said.startswith(f"{project}/staticfiles cannot be used: Permission denied; run this as the user who")

    def test_that_is_read_only_takes_no_virtual_environment(self, project):
        (project / "scripts").mkdir()
        shutil.copy(settings.BASE_DIR / "scripts" / "bootstrap.py", project / "scripts")
        project.chmod(0o555)
        command = bound_by_permissions([sys.executable, "-B", "scripts/bootstrap.py"])
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE_S)
        assert sentence(done) == (
            f"{project} cannot be written by this user: run this as the user who owns it, or let this user write there."
        )


class TestEnvFile:
    def test_of_another_user_is_named(self, project):
        (project / ".env").write_text("SECRET_KEY=x")
        (project / ".env").chmod(0)
        assert sentence(manage(project, "check")) == (
            f"{project}/.env cannot be read (Permission denied): run this as the user who owns that file."
        )

    def test_in_another_encoding_is_named(self, project):
        (project / ".env").write_text("SECRET_KEY=x", encoding="utf-16")
        said = f"{project}/.env cannot be read: save it as plain text in UTF-8."
        assert sentence(manage(project, "check")) == said

    def test_with_a_byte_order_mark_is_read(self, project):
        (project / ".env").write_text("SECRET_KEY='" + "k" * 50 + "'\n", encoding="utf-8-sig")
        done = manage(project, "check")
        assert (done.returncode, done.stderr) == (0, "")

    def test_that_is_a_folder_is_named(self, project):
        (project / ".env").mkdir()
        assert f"cannot be written to {project}/.env (Is a directory)" in sentence(manage(project, "check"))


class TestDatabaseFile:
    def test_that_is_read_only_says_who_must_run_this(self, project):
        assert manage(project, "migrate", SECRET_KEY="k" * 50).returncode == 0
        for file in project.glob("db.sqlite3*"):
            file.chmod(0o444)
        done = manage(project, "create_first_operator", SECRET_KEY="k" * 50)
        assert "SQLite writes the file that DATABASE_URL names and others beside it" in sentence(done)


class TestModelsFolder:
    def test_that_nobody_may_enter_is_one_sentence(self, project, tmp_path):
        (tmp_path / "closed").mkdir(mode=0)
        done = manage(project, "packs", "list", SECRET_KEY="k" * 50, FACESITE_MODELS_DIR=f"{tmp_path}/closed/models")
        assert sentence(done)
