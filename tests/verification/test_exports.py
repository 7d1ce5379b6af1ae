from __future__ import annotations

import csv

import pytest

from tests.support.downloads import without_mark
from tests.verification.rows import make_attempt, make_person
from verification.exports import COLUMNS, stream_attempts
from verification.selectors import find_attempts

pytestmark = pytest.mark.django_db


def export() -> list[dict[str, str]]:
    return list(csv.DictReader(without_mark(stream_attempts(find_attempts(), actor=None))))


class TestStreamAttempts:
    def test_an_empty_history_has_its_header(self):
        assert without_mark(stream_attempts(find_attempts(), actor=None)) == [",".join(COLUMNS) + "\r\n"]

    def test_a_row_says_who_asked_what_and_what_was_answered(self, operator):
        ada = make_person(external_id="X-17")
        make_attempt(matched_person=ada, operator=operator, reasons=["blurred", "too_dark"], runner_up=-0.12)
        (row,) = export()
        assert (row["matched_external_id"], row["claimed_external_id"]) == ("X-17", "")
        assert row["matched_person"] == "Ada Lovelace"
        assert row["claimed_person"] == ""
        assert row["operator"] == "olivia"
        assert row["reasons"] == "blurred too_dark"
        assert (row["comparison_score"], row["runner_up"], row["match_threshold"]) == ("0.62", "-0.12", "0.31")

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
    def test_no_name_can_become_a_formula(self, name):
        make_attempt(matched_person=make_person(name))
        assert export()[0]["matched_person"] == "'" + name

    def test_commas_quotes_and_lines_stay_in_their_cell(self):
        make_attempt(matched_person=make_person('Ada "Lady", Countess\nof Lovelace'))
        assert export()[0]["matched_person"] == 'Ada "Lady", Countess\nof Lovelace'

    def test_people_and_operators_cost_no_further_queries(self, operator, django_assert_num_queries):
        for _ in range(3):
            make_attempt(matched_person=make_person(), operator=operator)
        with django_assert_num_queries(1 + 6):  # and the audit row: savepoint, count, and the row itself
            export()
