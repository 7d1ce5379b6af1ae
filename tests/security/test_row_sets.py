"""Sets of rows by their primary keys, compared with Python's own sets."""

from __future__ import annotations

import pytest
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from enrollment.models import Person, PersonGroup
from security.row_sets import RowSet, _InOneText

KEYS = st.sets(st.integers(1, 60))


def keys_in(found: RowSet) -> set[int]:
    return {key for key in range(-1, 70) if key in found}


class TestRowSet:
    @given(KEYS, KEYS)
    def test_compares_as_sets_do(self, one, other):
        assert keys_in(RowSet(one) | RowSet(other)) == one | other
        assert keys_in(RowSet(one) & RowSet(other)) == one & other
        assert keys_in(RowSet(one) - RowSet(other)) == one - other

    @given(st.lists(st.integers(1, 60)))
    def test_counts_each_once(self, keys):
        assert len(RowSet(keys)) == len(set(keys))


@pytest.mark.django_db
class TestRowsOfADatabase:
    @pytest.fixture
    def people(self) -> list[Person]:
        return [Person.objects.create(name=f"Person {number}") for number in range(12)]

    def test_are_read_with_one_query(self, people, django_assert_num_queries):
        with django_assert_num_queries(1):
            found = RowSet.of(Person.objects.exclude(pk=people[0].pk).order_by("name"))
        assert [person.pk in found for person in people] == [False, *[True] * 11]

    def test_may_be_named_more_than_once_or_not_at_all(self, people):
        groups = [PersonGroup.objects.create(name=name) for name in ("One", "Two")]
        for group in groups:
            group.people.add(people[3])
        found = RowSet.of(Person.objects.annotate(either=F("groups__pk")), "either")
        assert (len(found), all(group.pk in found for group in groups)) == (2, True)

    def test_of_nothing_are_nothing(self, db):
        assert len(RowSet.of(Person.objects.all())) == 0

    @pytest.mark.parametrize("cut", [1, 2, 8])
    def test_are_all_there_where_a_server_cuts_the_text(self, people, monkeypatch, cut):
        """MariaDB does, with a warning that nobody sees: between two numbers or within one."""
        length = len(",".join(str(person.pk) for person in people)) - cut
        monkeypatch.setattr(_InOneText, "template", f"SUBSTR(%(function)s(%(expressions)s), 1, {length})")
        found = RowSet.of(Person.objects.all())
        assert len(found) == len(people)
        assert all(person.pk in found for person in people)
