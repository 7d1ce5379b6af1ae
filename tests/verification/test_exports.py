from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from security.days import moment
from security.tables import safe_cell
from tests.support.downloads import without_mark
from tests.verification.rows import make_attempt, make_person
from verification.exports import COLUMNS, stream_attempts
from verification.models import VerificationAttempt
from verification.selectors import find_attempts

pytestmark = pytest.mark.django_db


def export() -> list[dict[str, str]]:
    return list(csv.DictReader(without_mark(stream_attempts(find_attempts(), actor=None))))


def cells_of(attempt: VerificationAttempt) -> list[object]:
    claimed, matched = attempt.claimed_person, attempt.matched_person
    people = [value for one in (claimed, matched) for value in ((one.name, one.external_id) if one else (None, None))]
    decided = (attempt.comparison_score, attempt.runner_up, attempt.match_threshold, attempt.fmr)
    live = (attempt.liveness_verdict, attempt.liveness_score, attempt.quality_score)
    frames = (attempt.frames_agreed, attempt.frames_seen, " ".join(attempt.reasons))
    grounds = (attempt.contract_id, attempt.policy_id, attempt.gallery_revision)
    asked = (moment(attempt.created_at), attempt.uuid, attempt.mode, attempt.source, attempt.verdict)
    return [*asked, *people, *decided, *live, *frames, attempt.operator and attempt.operator.username, *grounds]


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

    def test_it_says_what_the_attempts_themselves_say(self, operator):
        ada = make_person('Ada "Lady", Countess\nof Lovelace', external_id="+17")
        moments = [datetime(2026, 3, 29, 0, 59, 59, 999_999, UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)]
        for at in moments:  # Berlin's clocks go forward between the two
            make_attempt(created_at=at, mode="verify", claimed_person=ada, fmr=1e-05, reasons=["blurred", "too_dark"])
            make_attempt(created_at=at, matched_person=ada, operator=operator, liveness_score=1.0, gallery_revision=3)
            make_attempt(created_at=at, comparison_score=None, contract_id='a "pack", ours', match_threshold=-1.0)
        plain = io.StringIO(newline="")
        with timezone.override("Europe/Berlin"):
            rows = [[safe_cell(cell) for cell in cells_of(attempt)] for attempt in find_attempts().order_by("-pk")]
            csv.writer(plain).writerows([COLUMNS, *rows])
            assert "".join(stream_attempts(find_attempts(), actor=None)) == "\ufeff" + plain.getvalue()

    def test_commas_quotes_and_lines_stay_in_their_cell(self):
        make_attempt(matched_person=make_person('Ada "Lady", Countess\nof Lovelace'))
        assert export()[0]["matched_person"] == 'Ada "Lady", Countess\nof Lovelace'

    def test_people_and_operators_cost_no_further_queries(self, operator, django_assert_num_queries):
        for _ in range(3):
            make_attempt(matched_person=make_person(), operator=operator)
        with django_assert_num_queries(1 + 6):  # and the audit row: savepoint, count, and the row itself
            export()
