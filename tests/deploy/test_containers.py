"""Dockerfile and compose.yaml where no registry can be reached: what can be checked without building is checked here.

The last stage of the image is played: its files and nothing else, its environment, its steps, a read-only root.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import build_opener

import pytest
import yaml
from django.conf import settings

from benchmarks.site import START_SECONDS, free_port
from tests.support.permissions import bound_by_permissions
from tests.support.server import wait_until_ready

ROOT = Path(settings.BASE_DIR)
DOCKERFILE = re.sub(r"\s*\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
STEPS = [tuple(line.split(" ", 1)) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
FINAL = STEPS[max(number for number, (word, _) in enumerate(STEPS) if word == "FROM") :]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
ENVIRONMENT = dict(re.findall(r"(\w+)=(\S+)", next(rest for word, rest in FINAL if word == "ENV")))


def is_in_the_image(path: str) -> bool:
    """As .dockerignore decides: the last pattern that fits a path or one of its folders counts."""
    inside = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if not line or line.startswith("#"):
            continue
        names = [path, *(str(parent) for parent in Path(path).parents)]
        deep = pattern.removeprefix("**/")
        if any(fnmatch(name, pattern) or (deep != pattern and fnmatch(Path(name).name, deep)) for name in names):
            inside = line.startswith("!")
    return inside


@cache
def files_of_the_image() -> tuple[str, ...]:
    """Paths below ROOT. A folder that stays outside is not entered: environments and caches hold 100,000 files."""
    comes_back = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    found: list[str] = []
    for folder, folders, files in os.walk(ROOT):
        inside = Path(folder).relative_to(ROOT)
        paths = {name: (inside / name).as_posix() for name in folders}
        folders[:] = [
            name
            for name, path in paths.items()
            if is_in_the_image(path) or any(pattern.startswith(f"{path}/") for pattern in comes_back)
        ]
        found += (path for name in files if is_in_the_image(path := (inside / name).as_posix()))
    return tuple(found)


class TestWhatIsCopied:
    @pytest.mark.parametrize(
        "path",
        [
            ".env",
            ".data-key",
            ".audit-key",
            "db.sqlite3",
            "models/mobile_embedder.onnx",
            "secrets/secret_key",
            "tests/conftest.py",
            "facesite/__pycache__/env.cpython-311.pyc",
        ],
    )
    def test_never_holds_a_sites_own_files(self, path):
        assert not is_in_the_image(path)

    def test_holds_every_app_the_languages_and_the_starter_pack(self):
        files = files_of_the_image()
        apps = {path.parent.name for path in ROOT.glob("*/apps.py")}
        assert apps <= {path.partition("/")[0] for path in files}
        assert [path for path in files if fnmatch(path, "models/starter_*.onnx")]
        assert {path.split("/")[1] for path in files if path.startswith("locale/")} == {"ar", "de", "es", "fr"}


class TestTheDockerfile:
    def test_runs_as_a_user_without_rights(self):
        users = [rest for word, rest in FINAL if word == "USER"]
        assert users == ["facesite"]
        assert FINAL.index(("USER", "facesite")) < [word for word, _ in FINAL].index("CMD")

    def test_names_its_base_exactly(self):
        assert re.search(r"^ARG PYTHON=\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
        assert all(rest.startswith("python:${PYTHON}") for word, rest in STEPS if word == "FROM")

    def test_installs_only_what_is_pinned_and_leaves_no_lists_behind(self):
        steps = [rest for word, rest in STEPS if word == "RUN"]
        assert all("--require-hashes" in step for step in steps if "pip install" in step)
        packages = [step for step in steps if "apt-get install" in step]
        assert packages
        assert all("--no-install-recommends" in step and "rm -rf /var/lib/apt/lists/*" in step for step in packages)

    def test_copies_what_is_there(self):
        sources = [rest.split()[:-1] for word, rest in STEPS if word == "COPY" and "--from" not in rest]
        assert all((ROOT / source).exists() for names in sources for source in names)

    def test_starts_without_a_shell_so_that_the_server_hears_its_end(self):
        assert json.loads(next(rest for word, rest in FINAL if word == "CMD"))[:3] == ["python", "manage.py", "serve"]

    def test_sets_only_what_is_a_setting(self):
        known = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "settings.md").read_text()))
        assert set(ENVIRONMENT) - known == {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TMPDIR"}


class TestTheImage:
    def test_serves_from_a_read_only_root(self, tmp_path):
        """And its health check says so."""
        app, data = tmp_path / "app", tmp_path / "data"
        for path in files_of_the_image():
            (app / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, app / path)
        for folder in ("keys", "models"):
            (data / folder).mkdir(parents=True)
        port = str(free_port())
        inside = {name: value.replace("/data", str(data)) for name, value in ENVIRONMENT.items()}
        environment = inside | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SECRET_KEY": "k" * 50,
            "FACESITE_MODEL_PACK": "starter",  # no other is looked for on the network
        }
        step = next(rest for word, rest in FINAL if word == "RUN" and "manage.py" in rest)
        step = re.sub(r"&& chown \S+ \S+ \S+", "", step).replace("/data", str(data))
        subprocess.run(["sh", "-ec", step], cwd=app, env=environment, check=True, timeout=START_SECONDS)
        self.make_read_only(app)
        command = json.loads(next(rest for word, rest in FINAL if word == "CMD"))
        log = tmp_path / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                bound_by_permissions([port if word == "8000" else word for word in command]),
                cwd=app,
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            wait_until_ready(server, f"http://127.0.0.1:{port}", log, build_opener())
            check = json.loads(next(rest for word, rest in FINAL if word == "HEALTHCHECK").partition("CMD ")[2])
            healthy = [word.replace(":8000/", f":{port}/") for word in check]
            assert subprocess.run(healthy, env=environment, timeout=START_SECONDS).returncode == 0
            server.send_signal(signal.SIGTERM)
            assert server.wait(START_SECONDS) == 0, log.read_text()
        finally:
            server.kill()
            self.make_writable(app)
        assert "Traceback" not in log.read_text()
        assert (data / "keys" / "site-key").stat().st_mode & 0o077 == 0

    def make_read_only(self, folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode & ~0o222)

    def make_writable(self, folder: Path) -> None:
        """pytest removes it."""
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)


class TestCompose:
    def test_names_nothing_that_it_does_not_define(self):
        services = COMPOSE["services"]
        for service in services.values():
            assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
            assert set(service.get("depends_on", [])) <= set(services)
            named = {volume.partition(":")[0] for volume in service.get("volumes", []) if not volume.startswith(".")}
            assert named <= set(COMPOSE["volumes"])
            own = [volume.partition(":")[0] for volume in service.get("volumes", []) if volume.startswith(".")]
            assert all((ROOT / path).is_file() for path in own)

    def test_gives_the_app_settings_that_exist(self):
        known = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "settings.md").read_text()))
        given = set(COMPOSE["services"]["app"]["environment"])
        assert {name.removesuffix("_FILE") for name in given} <= known

    def test_keeps_every_secret_out_of_the_environment(self):
        environments = [service.get("environment", {}) for service in COMPOSE["services"].values()]
        secret = [name for each in environments for name in each if re.search("PASSWORD|SECRET|DATABASE_URL", name)]
        assert secret
        assert all(name.endswith("_FILE") or name == "MARIADB_RANDOM_ROOT_PASSWORD" for name in secret)

    def test_lets_only_the_proxy_be_reached_from_outside(self):
        assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["proxy"]

    def test_pins_every_image(self):
        images = [service["image"] for service in COMPOSE["services"].values() if "build" not in service]
        assert all(re.fullmatch(r"[a-z/]+:v?\d[\w.-]*", image) for image in images)

    def test_starts_the_gallerys_engine_only_where_it_is_asked_for_and_never_without_a_login(self):
        profiles = {name: service["profiles"] for name, service in COMPOSE["services"].items() if "profiles" in service}
        assert profiles == {"milvus": ["scale"]}
        assert COMPOSE["services"]["milvus"]["environment"]["COMMON_SECURITY_AUTHORIZATIONENABLED"] == "true"
