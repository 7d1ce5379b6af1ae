"""In which order people are listed, and when they were recognised last: in the list and on the person's own page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from pytest_django.asserts import assertContains, assertNotContains

from enrollment.finding import PeopleFilter, find_people
from enrollment.models import Person
from security.rights import Right
from tests.support.operators import client_of, make_operator
from tests.verification.rows import make_attempt
from verification.models import FalseMatch
from verification.sightings import look_up_again, note_seen

pytestmark = pytest.mark.django_db


class TestByEnrolment:
    @pytest.mark.parametrize("sort", ["newest", "oldest"])
    def test_a_page_is_found_by_the_index(self, sort):
        """A page of 50,000 people does not look up what belongs to each of them, to sort them and drop all but 50."""
        Person.objects.bulk_create(Person(name=f"Person {number}") for number in range(100))
        page = find_people(PeopleFilter({"sort": sort}, sees_history=True))[:2]
        assert "people_by_enrolment" in page.explain()


class TestByStatus:
    @pytest.mark.parametrize(("status", "lists"), [("ended", 1), ("unrecorded", 1), ("outside", 0)])
    def test_those_who_are_counted_are_listed_once_by_the_database(self, status, lists, django_assert_num_queries):
        """MariaDB takes eight times as long to count people in a list of people who are in a list."""
        with django_assert_num_queries(1) as queries:
            find_people(PeopleFilter({"active": status})).count()
        assert queries[0]["sql"].count("IN (SELECT") == lists


class TestLastSeen:
    NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)

    def seen(self, person, days: int, **values):
        at = self.NOON + timedelta(days=days)
        attempt = make_attempt(matched_person=person, created_at=at, thumbnail=b"", **values)
        note_seen(attempt)
        return attempt

    @pytest.fixture
    def trio(self, enroll):
        return [enroll(name, number) for number, name in enumerate(("Ada", "Bob", "Cy"), 1)]

    def names(self, client, **asked) -> list[str]:
        return [person.name for person, _ in client.get("/enrollment/people/", asked).context["rows"]]

    def test_orders_the_list_and_stands_in_it_without_another_query(
        self, operator_client, trio, django_assert_num_queries
    ):
        ada, bob, _ = trio
        for days in (0, 1, 2):
            self.seen(bob, days)
        self.seen(ada, 1)
        with django_assert_num_queries(13):
            answer = operator_client.get("/enrollment/people/", {"sort": "seen"})
        assertContains(answer, "6 Mar 2026")
        assertContains(answer, "Never")
        assert self.names(operator_client, sort="seen") == ["Bob", "Ada", "Cy"]
        assert self.names(operator_client, sort="unseen") == ["Cy", "Ada", "Bob"]

    def test_is_kept_from_those_who_may_not_see_the_history(self, trio):
        _, bob, _ = trio
        self.seen(bob, 3)
        viewer = make_operator(name="sees people, no history")
        viewer.user_permissions.set(Permission.objects.filter(codename=Right.SEE_PEOPLE.codename))
        client = client_of(viewer)
        assertNotContains(client.get("/enrollment/people/"), "Last seen")
        assert self.names(client, sort="seen") == ["Ada", "Bob", "Cy"]
        assertNotContains(client.get(bob.get_absolute_url()), "Last seen")

    def test_is_on_the_page_of_the_person_and_forgets_a_wrong_match(self, operator_client, trio):
        ada, *_ = trio
        self.seen(ada, 0)
        wrong = self.seen(ada, 5)
        self.seen(None, 6, claimed_person=ada, verdict="non_match", mode="verify")
        assertContains(operator_client.get(ada.get_absolute_url()), "9 Mar 2026, 12:00</time>")
        FalseMatch.objects.create(attempt=wrong, person=ada)
        look_up_again([ada.pk])
        assertContains(operator_client.get(ada.get_absolute_url()), "4 Mar 2026, 12:00</time>")

    @pytest.mark.parametrize(
        ("sort", "index"), [("seen", "people_seen_last_first"), ("unseen", "people_unseen_for_longest")]
    )
    def test_orders_the_list_by_an_index_alone(self, sort, index):
        """Looking each of 200,000 people up in the history took a second for every page."""
        Person.objects.bulk_create(Person(name=f"Person {number}") for number in range(100))
        plan = find_people(PeopleFilter({"sort": sort}, sees_history=True)).values_list("pk")[:25].explain()
        if connection.vendor == "sqlite":  # a server's depends on how many rows there are
            assert index in plan
            assert "TEMP B-TREE" not in plan
