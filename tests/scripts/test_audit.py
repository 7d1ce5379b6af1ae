"""What CI says about the pinned requirements: a vulnerability fails, silence is told and is not called clean."""

from __future__ import annotations

import json

import pytest

from benchmarks.site import free_port
from scripts import audit
from scripts.audit import ask, verdict
from tests.support.advisories import advisory_service

CLEAN = {"name": "django", "version": "5.2.19", "vulns": []}
HOLED = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1", "2.0"]}]}
UNKNOWN = {"name": "daphne", "skip_reason": "Dependency not found on PyPI and could not be audited: daphne (4.2.3)"}


def answer(*packages: dict) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_no_vulnerability_is_success():
    assert verdict(answer(CLEAN)) == (0, ["pip-audit: 1 of 1 packages looked up, 0 known vulnerabilities."])


def test_a_vulnerability_fails_and_says_what_mends_it():
    code, lines = verdict(answer(CLEAN, HOLED))
    assert code == 1
    assert lines[0] == "VULNERABLE: pillow 1.0: PYSEC-2026-1, mended in 1.1, 2.0"


def test_what_could_not_be_looked_up_is_named():
    code, lines = verdict(answer(CLEAN, UNKNOWN))
    assert code == 0
    assert lines[0] == "pip-audit: 1 of 2 packages looked up, 0 known vulnerabilities."
    assert lines[1].startswith("NOT AUDITED")
    assert lines[1].endswith(": daphne.")


def test_a_vulnerability_fails_whatever_else_could_not_be_looked_up():
    assert verdict(answer(UNKNOWN, HOLED))[0] == 1


def test_a_service_that_is_not_reached_is_told():
    code, (line,) = verdict("Traceback ...\nrequests.exceptions.ConnectionError: no route\n")
    assert code == 0
    assert line == (
        "NOT AUDITED: pip-audit could not ask for advisories (requests.exceptions.ConnectionError: no route)."
    )


class TestAgainstAService:
    """pip-audit itself, which asks a stand-in for pypi.org."""

    @pytest.fixture(autouse=True)
    def _three_packages(self, monkeypatch, tmp_path):
        pinned = (f"{name} --hash=sha256:{'0' * 64}" for name in ("django==5.2.19", "pillow==1.0", "daphne==4.2.3"))
        requirements = tmp_path / "requirements.txt"
        requirements.write_text("\n".join(pinned))
        monkeypatch.setattr(audit, "REQUIREMENTS", requirements)
        for name in ("https_proxy", "no_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)

    def test_a_vulnerability_fails_and_what_is_unknown_there_is_named(self, monkeypatch, tmp_path):
        hole = {"id": "PYSEC-2026-1", "aliases": [], "fixed_in": ["1.1"], "details": "A hole.", "withdrawn": None}
        with advisory_service(tmp_path, {"django": [], "pillow": [hole]}) as environment:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            code, lines = verdict(ask())
        assert code == 1
        assert lines[:2] == [
            "VULNERABLE: pillow 1.0: PYSEC-2026-1, mended in 1.1",
            "pip-audit: 2 of 3 packages looked up, 1 known vulnerabilities.",
        ]
        assert lines[2].endswith("no answer about them: daphne.")

    def test_nothing_found_is_success(self, monkeypatch, tmp_path):
        with advisory_service(tmp_path, {"django": [], "pillow": [], "daphne": []}) as environment:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            assert verdict(ask()) == (0, ["pip-audit: 3 of 3 packages looked up, 0 known vulnerabilities."])

    def test_a_service_that_does_not_listen_is_told(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
        code, lines = verdict(ask())
        assert code == 0
        assert lines[0].startswith("NOT AUDITED: pip-audit could not ask for advisories")
