"""facesite/machine.py: a container's limits, written into a folder as Linux shows them, and the machine's zone."""

import os
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import pytest
import tzlocal

from facesite import machine


@pytest.fixture
def cores(tmp_path, monkeypatch):
    """Asks for the cores of a machine that has eight, with a cgroup and limits: {folder: {file: text}}."""

    def ask(own: str, limits: dict[str, dict[str, str]]) -> int:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
        (tmp_path / "own").write_text(own)
        for folder, files in limits.items():
            (tmp_path / "cgroup" / folder).mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (tmp_path / "cgroup" / folder / name).write_text(text)
        return machine.usable_cores(tmp_path / "cgroup", tmp_path / "own")

    return ask


class TestUsableCores:
    @pytest.mark.parametrize(
        ("limit", "expected"),
        [("max 100000\n", 8), ("200000 100000\n", 2), ("250000 100000\n", 2), ("50000 100000\n", 1)],
    )
    def test_a_containers_limit_counts(self, cores, limit, expected):
        assert cores("0::/\n", {".": {"cpu.max": limit}}) == expected

    def test_a_limit_of_a_group_above_counts_too(self, cores):
        limits = {"site": {"cpu.max": "300000 100000\n"}, "site/web": {"cpu.max": "max 100000\n"}}
        assert cores("0::/site/web\n", limits) == 3

    def test_the_hosts_path_of_a_group_is_no_trouble_in_a_container(self, cores):
        assert cores("0::/docker/abc\n", {".": {"cpu.max": "400000 100000\n"}}) == 4

    def test_version_1_has_its_own_files(self, cores):
        files = {"cpu.cfs_quota_us": "150000\n", "cpu.cfs_period_us": "50000\n"}
        assert cores("4:cpu,cpuacct:/site\n3:memory:/site\n", {"cpu,cpuacct/site": files}) == 3
        assert cores("4:cpu,cpuacct:/site\n", {"cpu,cpuacct/site": files | {"cpu.cfs_quota_us": "-1\n"}}) == 8

    @pytest.mark.parametrize("broken", ["", "many 100000", "100000 0"])
    def test_a_limit_that_cannot_be_read_is_none(self, cores, broken):
        assert cores("0::/\n", {".": {"cpu.max": broken}}) == 8

    def test_a_process_bound_to_one_core_uses_one(self, monkeypatch):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)
        assert machine.usable_cores(Path("/nowhere"), Path("/nowhere/own")) == 1


class TestLocalZone:
    def test_it_is_the_machines(self, monkeypatch):
        monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: "Europe/Berlin")
        assert machine.local_zone() == "Europe/Berlin"

    @pytest.mark.parametrize("answer", [ZoneInfoNotFoundError("two zones"), OSError("unreadable"), None])
    def test_it_is_utc_where_the_machine_does_not_say(self, monkeypatch, answer):
        def ask():
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(tzlocal, "get_localzone_name", ask)
        assert machine.local_zone() == "UTC"
