"""What CI says about the pinned requirements: a vulnerability fails, silence is told and is not called clean."""

from __future__ import annotations

import json

from scripts.audit import verdict

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
