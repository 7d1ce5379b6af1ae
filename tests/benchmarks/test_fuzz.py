from __future__ import annotations

import json
import subprocess
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from benchmarks import fuzz
from recognizer.images import decode_image

NOWHERE = Path("/nowhere")
"""No folder of faces: the pictures are made up, so that the test runs everywhere."""


class TestRun:
    def test_finds_nothing_in_some_hundred_damaged_pictures(self):
        result = fuzz.run(count=400, seed=1, faces=NOWHERE)

        assert result["failures"] == []
        assert sum(result["outcomes"].values()) == result["inputs"] == 400
        assert {"accepted", "image_undecodable"} <= result["outcomes"].keys()
        assert json.loads(json.dumps(result)) == result

    def test_of_the_command_fails_when_an_input_does(self, monkeypatch):
        failed = {"input": 3, "outcome": "accepted", "ms": 400.0, "mb": 0.0, "failure": "the thread was held too long"}
        monkeypatch.setattr(fuzz, "run", lambda **options: {"inputs": 10, "failures": [failed]})
        with pytest.raises(CommandError, match="1 of 10 inputs failed"):
            call_command("benchmark", "fuzz", "--json", stdout=StringIO())

    def test_goes_on_behind_an_input_that_ends_the_process(self, monkeypatch):
        calls: list[str] = []

        class Done:
            returncode, stdout = -9, ""

        def run(command: list[str], **options: object) -> type[Done]:
            calls.append(command[4])
            return Done

        monkeypatch.setattr(subprocess, "run", run)
        result = fuzz.run(count=3, seed=1, faces=NOWHERE)

        assert calls == ["0", "1", "2"]
        assert result["outcomes"] == {"ended": 3}
        assert {failure["failure"] for failure in result["failures"]} == {"the process ended with -9"}


class TestSpoil:
    def test_gives_the_same_input_for_the_same_number(self):
        originals = fuzz.make_originals(NOWHERE)
        first, again = (fuzz.spoil(np.random.default_rng((1, 5)), originals) for _ in range(2))
        assert first == again

    def test_starts_from_pictures_that_decode(self):
        assert all(decode_image(data).shape[2] == 3 for data in fuzz.make_originals(NOWHERE))


class TestFault:
    @pytest.mark.parametrize(
        ("outcome", "seconds", "grown", "failure"),
        [
            ("accepted", 0.2, 1 << 20, ""),
            ("accepted", 0.3, 0, "the thread was held too long"),
            ("image_undecodable", 0.0, 101 << 20, "memory rose too far"),
            ("escaped: IndexError", 0.0, 0, "escaped: IndexError"),
        ],
    )
    def test_is_named(self, outcome, seconds, grown, failure):
        assert fuzz._fault(outcome, seconds, grown) == failure
