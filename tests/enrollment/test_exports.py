from __future__ import annotations

import csv

import pytest

from enrollment import exports, selectors, services
from enrollment.exports import COLUMNS, by_pages, stream_people
from enrollment.models import Person
from tests.support.consent import ON_PAPER
from tests.verification.rows import make_person


@pytest.mark.django_db
class TestStreamPeople:
    def test_has_a_line_per_person(self, make_draft, django_assert_num_queries):
        for number, name in enumerate(["Ada", "=HYPERLINK(1)"]):
            services.enroll_person(
                actor=None, name=name, consent=ON_PAPER, samples=[make_draft(number)], despite_duplicate=True
            )
        with django_assert_num_queries(2 + 6):  # people, consents; the audit row: savepoint, count, and the row itself
            lines = list(csv.DictReader(stream_people(selectors.search_people(), actor=None)))
        assert tuple(lines[0]) == COLUMNS
        assert [line["name"] for line in lines] == ["Ada", "'=HYPERLINK(1)"]
        assert (lines[0]["samples"], lines[0]["active"], lines[0]["consent"]) == ("1", "yes", "Consent, on paper")


@pytest.mark.django_db
class TestByPages:
    @pytest.mark.parametrize("number", [0, 3, 4, 7])
    def test_has_every_row_once_in_order(self, monkeypatch, number):
        monkeypatch.setattr(exports, "PAGE", 2)
        keys = [make_person(f"Person {index}").pk for index in range(number)]
        rows = Person.objects.order_by("-name")
        assert [row.pk for row in by_pages(rows)] == keys
        assert [row.pk for row in by_pages(rows, newest_first=True)] == keys[::-1]

    def test_never_asks_for_more_than_a_page(self, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(exports, "PAGE", 2)
        for index in range(5):
            make_person(f"Person {index}")
        rows = by_pages(Person.objects.all())
        with django_assert_num_queries(1) as first:
            next(rows)
        assert " LIMIT 2" in first[0]["sql"]
        with django_assert_num_queries(2):
            assert len(list(rows)) == 4
