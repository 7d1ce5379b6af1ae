from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from facesite.management.commands.benchmark import table_lines


class TestBenchmark:
    def test_prints_one_json_object(self, engine, shared_faces: Path):
        out = StringIO()
        call_command("benchmark", "pipeline", "--json", "--limit", "2", "--rounds", "1", stdout=out)

        assert json.loads(out.getvalue())["measurements"] == 2

    def test_prints_a_table(self, engine, shared_faces: Path):
        out = StringIO()
        call_command("benchmark", "pipeline", "--limit", "2", "--rounds", "1", stdout=out)

        assert "overhead" in out.getvalue()
        assert "{" not in out.getvalue()

    def test_fails_with_one_sentence(self, engine, tmp_path):
        with pytest.raises(CommandError, match="no pictures"):
            call_command("benchmark", "pipeline", "--faces", str(tmp_path), stdout=StringIO())


class TestTableLines:
    def test_gives_a_table_a_column_for_every_key(self):
        lines = list(table_lines({"stages": {"decode": {"median": 1.5, "p95": 22}, "embed": {"median": 10.25}}}))

        assert lines == ["stages", "          median  p95", "  decode     1.5   22", "  embed    10.25"]

    def test_numbers_the_rows_of_a_list(self):
        assert list(table_lines({"sizes": [{"count": 10}, {"count": 20}]}))[2:] == ["  1     10", "  2     20"]

    def test_shows_single_values_in_plain_words(self):
        assert list(table_lines({"goal": 1.25, "reached": True, "pack": "mobile"})) == [
            "goal     1.25",
            "reached  yes",
            "pack     mobile",
        ]
