from __future__ import annotations

import csv

import pytest

from enrollment import selectors, services
from enrollment.exports import COLUMNS, csv_lines, safe_cell, stream_people
from tests.support.consent import ON_PAPER


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


@pytest.mark.django_db
class TestStreamPeople:
    def test_has_a_line_per_person(self, make_draft, django_assert_num_queries):
        for number, name in enumerate(["Ada", "=HYPERLINK(1)"]):
            services.enroll_person(
                actor=None, name=name, consent=ON_PAPER, samples=[make_draft(number)], despite_duplicate=True
            )
        with django_assert_num_queries(2):
            lines = list(csv.DictReader(stream_people(selectors.search_people(), actor=None)))
        assert tuple(lines[0]) == COLUMNS
        assert [line["name"] for line in lines] == ["'=HYPERLINK(1)", "Ada"]
        assert (lines[1]["samples"], lines[1]["active"], lines[1]["consent"]) == ("1", "yes", "Consent, on paper")
