from __future__ import annotations

import pytest

from enrollment.models import Person
from security import tables
from security.tables import by_pages, csv_lines, safe_cell
from tests.verification.rows import make_person


class TestSafeCell:
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
    def test_disarms_what_a_spreadsheet_would_run(self, text):
        assert safe_cell(text) == "'" + text

    @pytest.mark.parametrize("value", ["Ada", "a=b", 3, -3, 0.5, None])
    def test_leaves_everything_else_as_it_is(self, value):
        assert safe_cell(value) == value


class TestCsvLines:
    def test_quotes_as_rfc_4180_says(self):
        assert list(csv_lines(["a", "b"], [['x"y', "z,1"]])) == ["\ufeffa,b\r\n", '"x""y","z,1"\r\n']


@pytest.mark.django_db
class TestByPages:
    @pytest.mark.parametrize("number", [0, 3, 4, 7])
    def test_has_every_row_once_in_order(self, monkeypatch, number):
        monkeypatch.setattr(tables, "PAGE", 2)
        keys = [make_person(f"Person {index}").pk for index in range(number)]
        rows = Person.objects.order_by("-name")
        assert [row.pk for row in by_pages(rows)] == keys
        assert [row.pk for row in by_pages(rows, newest_first=True)] == keys[::-1]

    def test_never_asks_for_more_than_a_page(self, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(tables, "PAGE", 2)
        for index in range(5):
            make_person(f"Person {index}")
        rows = by_pages(Person.objects.all())
        with django_assert_num_queries(1) as first:
            next(rows)
        assert " LIMIT 2" in first[0]["sql"]
        with django_assert_num_queries(2):
            assert len(list(rows)) == 4
