from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from security.keyset import KeysetPage, newest_first
from tests.verification.rows import make_attempt
from verification.models import VerificationAttempt

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def page_at(place: str = "", size: int = 2) -> KeysetPage[VerificationAttempt]:
    return newest_first(VerificationAttempt.objects.all(), moment="created_at", place=place, size=size)


class TestNewestFirst:
    def test_older_pages_and_back_again_show_each_row_once_also_those_of_one_moment(self):
        moments = [NOON, NOON, NOON, NOON + timedelta(microseconds=1), NOON - timedelta(days=1)]
        rows = [make_attempt(created_at=moment) for moment in moments]
        wanted = [rows[3], rows[2], rows[1], rows[0], rows[4]]
        first = page_at()
        second = page_at(first.older)
        last = page_at(second.older)
        assert [*first, *second, *last] == wanted
        assert (first.newer, last.older) == ("", "")
        assert list(page_at(last.newer)) == list(second)
        assert page_at(second.newer) == first

    def test_what_came_meanwhile_moves_no_older_page(self):
        older, newer = make_attempt(created_at=NOON), make_attempt(created_at=NOON + timedelta(hours=1))
        place = page_at(size=1).older
        make_attempt(created_at=NOON + timedelta(hours=2))
        assert list(page_at(place, size=1)) == [older]
        assert list(page_at(page_at(place, size=1).newer, size=1)) == [newer]

    @pytest.mark.parametrize(
        "place", ["older-x-1", "older-1-1", "sideways-1-1", "newer-9999999999999999-1", "2", "older-1-²"]
    )
    def test_a_place_that_leads_nowhere_is_the_first_page(self, place):
        attempt = make_attempt(created_at=NOON)
        assert page_at(place) == KeysetPage([attempt])

    def test_an_empty_list_has_one_empty_page(self):
        assert page_at() == KeysetPage([])
