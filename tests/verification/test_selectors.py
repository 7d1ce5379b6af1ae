from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from django.utils import timezone

from tests.support.plans import plans_of
from tests.verification.rows import JPEG, make_attempt, make_person
from verification import selectors
from verification.models import VerificationAttempt
from verification.selectors import AttemptFilters, DayCount

pytestmark = pytest.mark.django_db


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


class TestFindAttempts:
    def test_the_newest_comes_first(self):
        old, new = make_attempt(created_at=at(1)), make_attempt(created_at=at(2))
        assert list(selectors.find_attempts()) == [new, old]

    def test_a_page_of_the_list_is_one_query_and_reads_no_thumbnail(self, operator, django_assert_num_queries):
        for _ in range(3):
            make_attempt(matched_person=make_person(), operator=operator)
        with django_assert_num_queries(1) as captured:
            shown = [(str(a.matched_person), a.claimed_person, str(a.operator)) for a in selectors.find_attempts()]
        assert len(shown) == 3
        assert "thumbnail" not in captured[0]["sql"]

    def test_both_days_of_a_range_are_included_whole(self):
        make_attempt(created_at=at(1, 23, 59))
        first, last = make_attempt(created_at=at(2, 0)), make_attempt(created_at=at(3, 23, 59))
        make_attempt(created_at=at(4, 0))
        found = selectors.find_attempts(AttemptFilters(since=date(2026, 3, 2), until=date(2026, 3, 3)))
        assert list(found) == [last, first]

    def test_a_range_may_have_the_first_and_the_last_day_there_is(self):
        attempt = make_attempt(created_at=at(1))
        assert list(selectors.find_attempts(AttemptFilters(since=date.min, until=date.max))) == [attempt]

    @pytest.mark.parametrize(
        ("filters", "values"),
        [
            (AttemptFilters(verdict="non_match"), {"verdict": "non_match"}),
            (AttemptFilters(mode="verify"), {"mode": "verify"}),
            (AttemptFilters(source="photo"), {"source": "photo"}),
            (AttemptFilters(liveness="attack"), {"liveness_verdict": "attack"}),
        ],
    )
    def test_every_filter_keeps_only_its_own(self, filters, values):
        make_attempt()
        wanted = make_attempt(**values)
        assert list(selectors.find_attempts(filters)) == [wanted]

    def test_a_person_is_found_as_matched_and_as_claimed(self):
        ada, bob = make_person("Ada"), make_person("Bob")
        matched, claimed = make_attempt(matched_person=ada), make_attempt(claimed_person=ada, verdict="non_match")
        make_attempt(matched_person=bob)
        assert set(selectors.find_attempts(AttemptFilters(person=ada.uuid))) == {matched, claimed}
        assert selectors.attempts_of(ada, limit=1) == [claimed]

    def test_operators_are_told_apart(self, operator, staff):
        wanted = make_attempt(operator=staff)
        make_attempt(operator=operator)
        assert list(selectors.find_attempts(AttemptFilters(operator=staff.pk))) == [wanted]

    @pytest.mark.parametrize("text", ["lovelace", "ada lovel", "olivia ada", "  A-17 "])
    def test_every_word_must_occur_in_a_name_an_external_id_or_the_login(self, operator, text):
        wanted = make_attempt(matched_person=make_person(external_id="A-17"), operator=operator)
        make_attempt(matched_person=make_person("Ada Byron"))
        assert list(selectors.find_attempts(AttemptFilters(text=text))) == [wanted]

    def test_wildcards_of_sql_are_plain_text(self):
        make_attempt(matched_person=make_person())
        assert not selectors.find_attempts(AttemptFilters(text="%"))


class TestThumbnails:
    def test_a_page_gets_its_thumbnails_in_one_query_less_the_erased_ones(self, django_assert_num_queries):
        kept, erased = make_attempt(), make_attempt(thumbnail=b"")
        with django_assert_num_queries(1):
            urls = selectors.thumbnail_urls([kept, erased])
        assert list(urls) == [kept.pk]
        assert urls[kept.pk].startswith("data:image/jpeg;base64,")

    def test_an_attempt_alone_comes_with_its_thumbnail(self):
        attempt = selectors.attempt_by_uuid(make_attempt().uuid)
        assert bytes(attempt.thumbnail) == JPEG
        assert selectors.thumbnail_url(make_attempt(thumbnail=b"")) == ""

    def test_an_unknown_attempt_is_said_so(self):
        with pytest.raises(VerificationAttempt.DoesNotExist):
            selectors.attempt_by_uuid(uuid4())


class TestAttemptsPerDay:
    def test_days_without_attempts_are_listed_too(self):
        make_attempt(created_at=at(3, 0))
        make_attempt(created_at=at(3, 23, 59))
        make_attempt(created_at=at(5), verdict="attack")
        make_attempt(created_at=at(2, 23, 59))
        days = selectors.attempts_per_day(3, until=date(2026, 3, 5))
        assert days == [
            DayCount(date(2026, 3, 3), match=2),
            DayCount(date(2026, 3, 4)),
            DayCount(date(2026, 3, 5), attack=1),
        ]
        assert [day.total for day in days] == [2, 0, 1]

    def test_they_are_counted_by_the_index_alone(self, django_assert_num_queries):
        with django_assert_num_queries(1) as asked:
            selectors.attempts_per_day(13, until=date(2026, 3, 5))
        [plan] = plans_of(asked)
        assert "who_was_named_when" in plan
        assert "USE TEMP B-TREE" not in plan  # sorting a million rows of two weeks took more than a second

    @pytest.mark.parametrize(
        ("zone", "expected"), [("UTC", [1, 1]), ("Europe/Berlin", [0, 2]), ("America/New_York", [2, 0])]
    )
    def test_a_day_is_one_of_the_sites_clocks(self, zone, expected):
        make_attempt(created_at=at(3, 23, 30))
        make_attempt(created_at=at(4, 3))
        with timezone.override(zone):
            days = selectors.attempts_per_day(2, until=date(2026, 3, 4))
            assert [day.total for day in days] == expected
            listed = selectors.find_attempts(AttemptFilters(since=date(2026, 3, 4), until=date(2026, 3, 4)))
            assert listed.count() == expected[1]


class TestPeople:
    def test_names_of_unknown_people_are_absent(self):
        ada = make_person("Ada")
        assert selectors.person_names([str(ada.uuid), str(uuid4())]) == {str(ada.uuid): "Ada"}

    def test_only_active_people_can_be_claimed(self):
        assert selectors.claimable_person_exists(str(make_person().uuid))
        assert not selectors.claimable_person_exists(str(make_person(is_active=False).uuid))
        assert not selectors.claimable_person_exists(str(uuid4()))
        assert not selectors.claimable_person_exists("Ada")
