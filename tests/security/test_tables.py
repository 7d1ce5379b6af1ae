from __future__ import annotations

import csv
import io
import re
from datetime import date
from itertools import product
from uuid import UUID

import pytest
from django.utils.safestring import mark_safe

from enrollment.models import Person
from security import tables
from security.tables import by_pages, counted, csv_lines, repeated_text, safe_cell, tuples_by_pages
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

    def test_writes_what_pythons_own_writer_does_of_safe_cells(self):
        texts = ["", " ", "Zoë", "=1", "'", '"', '=","', "a,b", "a\nb", "a\rb", "\r", "\t", "a;b", "a\u2028b", "\ufeff"]
        others = [None, True, 0, -3, 0.1, -0.12, 1e-05, 1e22, UUID(int=7), date(2026, 2, 1), mark_safe("<b>")]
        rows = 2 * list(product([*texts, *others], repeat=2))
        plain = io.StringIO(newline="")
        csv.writer(plain).writerows([["a", "b"], *([safe_cell(cell) for cell in row] for row in rows)])
        assert len(rows) > tables.WRITTEN_AT_ONCE
        assert "".join(csv_lines(["a", "b"], rows)) == "\ufeff" + plain.getvalue()

    def test_a_column_of_few_values_reads_the_same(self):
        rows: list[list[object]] = [[1], [1.0], [True], [0.0], ["=1"], [None], ["a,b"], ["1"]]
        few = csv_lines(["a"], rows, ways={"a": repeated_text})
        assert list(few) == list(csv_lines(["a"], rows))

    def test_no_row_may_be_shorter_than_its_header(self):
        with pytest.raises(ValueError, match="shorter"):
            list(csv_lines(["a", "b"], [["x", "y"], ["x"]]))


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


@pytest.mark.django_db
class TestCounted:
    def test_says_how_many_there_are_and_leaves_them_as_they_are(self):
        others = [make_person("Ada"), make_person("Grace")]
        keys = [make_person(f"Person {index}").pk for index in range(3)]
        number, rows = counted(Person.objects.filter(name__startswith="Person").order_by("-name"))
        assert number == 3
        assert [row.pk for row in rows] == keys[::-1]
        assert counted(Person.objects.exclude(pk__in=keys))[0] == len(others)

    def test_nothing_stays_nothing(self):
        number, rows = counted(Person.objects.all())
        make_person("Ada")
        assert (number, list(rows)) == (0, [])

    def test_no_page_looks_at_rows_older_than_the_oldest(self, django_assert_num_queries):
        make_person("Ada")
        oldest = make_person("Person 1").pk
        make_person("Person 2")
        _, rows = counted(Person.objects.filter(name__startswith="Person"))
        with django_assert_num_queries(1) as pages:
            assert len(list(tuples_by_pages(rows, ["name"], newest_first=True))) == 2
        assert re.search(rf"\Wid\W >= {oldest}\W", pages[0]["sql"])
