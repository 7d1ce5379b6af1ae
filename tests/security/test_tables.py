from __future__ import annotations

import pytest

from security.tables import csv_lines, safe_cell


class TestSafeCell:
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
    def test_disarms_what_a_spreadsheet_would_run(self, text):
        assert safe_cell(text) == "'" + text

    @pytest.mark.parametrize("value", ["Ada", "a=b", 3, -3, 0.5, None])
    def test_leaves_everything_else_as_it_is(self, value):
        assert safe_cell(value) == value


class TestCsvLines:
    def test_quotes_as_rfc_4180_says(self):
        assert list(csv_lines(["a", "b"], [['x"y', "z,1"]])) == ["a,b\r\n", '"x""y","z,1"\r\n']
