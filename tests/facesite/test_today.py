"""Who was seen today, the last two weeks, and what the dashboard asks for again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from facesite.today import past_days, seen_today, trend
from security.roles.table import Role
from tests.support.operators import make_client
from tests.support.plans import plans_of
from tests.verification.rows import make_attempt, make_person
from verification.selectors import attempts_per_day

NOW = datetime(2026, 6, 10, 22, 30, tzinfo=UTC)
"""In Tokyo the eleventh has begun."""


@pytest.fixture(autouse=True)
def _at_half_past_seven_in_tokyo(db, settings, monkeypatch):
    settings.TIME_ZONE = "Asia/Tokyo"
    timezone.deactivate()
    timezone.get_default_timezone.cache_clear()  # type: ignore[attr-defined]
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    past_days.forget()
    yield
    past_days.forget()
    timezone.get_default_timezone.cache_clear()  # type: ignore[attr-defined]


class TestSeenToday:
    def test_is_each_person_once_by_the_sites_day_the_last_first(self):
        ada, bob, carol = (make_person(name) for name in ("Ada", "Bob", "Carol"))
        for hours, person in ((1, ada), (2, bob), (3, ada), (8, carol)):  # Carol: yesterday in Tokyo
            make_attempt(matched_person=person, created_at=NOW - timedelta(hours=hours))
        make_attempt(verdict="non_match", created_at=NOW)
        found = seen_today()
        assert [one.person for one in found.people] == [ada, bob]
        assert [one.last for one in found.people] == [NOW - timedelta(hours=hours) for hours in (1, 2)]
        assert (found.number, found.others) == (2, 0)

    def test_is_found_by_the_index_alone(self, django_assert_num_queries):
        """However many attempts there are: those of other days cost nothing, and no row with a picture is opened."""
        with django_assert_num_queries(2) as asked:
            seen_today()
        assert all("who_was_named_when" in plan for plan in plans_of(asked))


class TestTrend:
    def test_has_fourteen_days_and_stacks_what_was_not_recognised(self):
        for _ in range(3):
            make_attempt(created_at=NOW)
        make_attempt(verdict="attack", created_at=NOW)
        make_attempt(created_at=NOW - timedelta(days=13))
        make_attempt(created_at=NOW - timedelta(days=14))
        found = trend(attempts_per_day(1)[0])
        assert [day.total for day in found.days] == [1, *[0] * 12, 4]
        assert (found.most, found.width) == (4, 140.0)
        last = [(bar.kind, bar.y, bar.height) for bar in found.bars if bar.x > 130]
        assert last == [("match", 25.0, 75.0), ("other", 0.0, 25.0)]


class TestFragment:
    def test_is_sent_again_only_when_something_has_changed(self, operator_client, engine):
        make_attempt(matched_person=make_person("Ada"), created_at=NOW)
        first = operator_client.get("/today/")
        assertContains(first, "Ada")
        mark = {"If-None-Match": first.headers["ETag"]}
        assert operator_client.get("/today/", headers=mark).status_code == 304
        make_attempt(matched_person=make_person("Bob"), created_at=NOW)
        assertContains(operator_client.get("/today/", headers=mark), "Bob")

    def test_names_nobody_to_a_role_without_the_history(self, engine):
        make_attempt(matched_person=make_person("Ada"), created_at=NOW)
        answer = make_client(Role.RECEPTIONIST).get("/today/")
        assertNotContains(answer, "Ada")
        assertContains(answer, "does not include the history")

    def test_says_what_to_see_to_to_those_who_can(self, operator_client, engine):
        make_attempt(verdict="attack", created_at=NOW)
        words = "Today a picture or a screen was held up to a camera once"
        assertContains(operator_client.get("/today/"), words)
        assertNotContains(make_client(Role.RECEPTIONIST).get("/today/"), words)
