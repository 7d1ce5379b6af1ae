"""The systemd units: what systemd says of them, whether they name what exists, and a backup as they order it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import load_command_class

from benchmarks.site import START_SECONDS
from tests.support import skips

ROOT = Path(settings.BASE_DIR)
DEPLOY = ROOT / "deploy"
SERVICES = ("facesite.service", "facesite-backup.service")
HARDENING = re.compile(r"(NoNew|Private|Protect|Restrict|ReadWrite)\w+")


def read(*names: str) -> ConfigParser:
    """What holds where a unit and its drop-ins are read one after the other: the last word on each setting."""
    found = ConfigParser(strict=False, interpolation=None, delimiters=["="])
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read(DEPLOY / name for name in names)
    return found


def words(line: str, state: Path = Path("/var/lib")) -> list[str]:
    """As systemd reads a command line, with %S for the folder of states."""
    return shlex.split(line.replace("%S", str(state)).replace("%%", "%").replace("$$", "$"))


def here(text: str) -> str:
    """With the project where it lies now instead of /srv/facesite."""
    return text.replace("/srv/facesite/.venv/bin/python", sys.executable).replace("/srv/facesite", str(ROOT))


def management_commands() -> list[list[str]]:
    lines = [read(*names)["Service"]["ExecStart"] for names in (*zip(SERVICES), ("facesite-processes.conf",))]
    return [shlex.split(line.rpartition("manage.py ")[2].rstrip("'")) for line in lines]


class TestTheUnits:
    def test_are_what_systemd_understands(self, tmp_path):
        if not shutil.which("systemd-analyze"):
            skips.skip("systemd", "no systemd-analyze")
        for path in DEPLOY.glob("facesite*"):
            place = "facesite.service.d" if path.suffix == ".conf" else ""
            (tmp_path / place).mkdir(exist_ok=True)
            (tmp_path / place / path.name).write_text(here(path.read_text()))
        units = [str(path) for path in tmp_path.iterdir() if path.is_file()]
        command = ["systemd-analyze", "verify", "--man=no", *units]
        said = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS)
        assert (len(units), said.returncode, said.stderr) == (3, 0, "")

    @pytest.mark.parametrize("command", management_commands(), ids=lambda command: command[0])
    def test_give_commands_what_they_take(self, command):
        name, *arguments = command
        load_command_class("facesite", name).create_parser("manage.py", name).parse_args(arguments)

    def test_all_run_as_the_same_user_without_rights(self):
        server, backup = (read(name)["Service"] for name in SERVICES)
        assert server["User"] == backup["User"] == "facesite"
        bounds = {name: value for name, value in server.items() if HARDENING.fullmatch(name)}
        assert bounds == {name: value for name, value in backup.items() if HARDENING.fullmatch(name)}
        assert bounds["NoNewPrivileges"] == "yes"
        assert bounds["ProtectSystem"] == "strict"

    def test_reload_only_where_a_parent_hears_it(self):
        assert "ExecReload" not in read("facesite.service")["Service"]
        several = read("facesite.service", "facesite-processes.conf")["Service"]
        assert several["ExecStart"].startswith(read("facesite.service")["Service"]["ExecStart"] + " --processes ")
        assert several["ExecReload"] == "/bin/kill -HUP $MAINPID"

    def test_the_timer_starts_the_backup_with_the_machine(self):
        timer = read("facesite-backup.timer")
        assert "Unit" not in timer["Timer"]  # so it is the service of the same name
        assert timer["Install"]["WantedBy"] == "timers.target"


class TestANightsBackup:
    def test_is_dated_and_keeps_one_file_of_keys_and_no_names_for_ever(self, tmp_path):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "facesite.settings",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'site.sqlite3'}",
            "SECRET_KEY": "k" * 50,
        }

        def run(*command: str) -> None:
            subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=START_SECONDS)

        run(sys.executable, "manage.py", "migrate", "--verbosity", "0")
        unit = read("facesite-backup.service")["Service"]
        backups, keys = (tmp_path / name for name in unit["StateDirectory"].split())
        for folder in (backups, keys):
            folder.mkdir()
        for days in (29, 32):
            (backups / f"faces-{days}").touch()
            os.utime(backups / f"faces-{days}", times=(time.time() - days * 86400,) * 2)
        for step in ("ExecStart", "ExecStartPost"):
            run(*words(unit[step].replace(".venv/bin/python", sys.executable), tmp_path))
        assert sorted(path.name for path in backups.iterdir()) == [time.strftime("faces-%Y-%m-%d"), "faces-29"]
        assert [path.name for path in keys.iterdir()] == ["facesite.keys"]
