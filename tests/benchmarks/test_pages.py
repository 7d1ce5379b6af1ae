from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import resolve

from benchmarks import page_times, pages
from benchmarks.large_site import name_of
from tests.support.pages import visited_routes

FEW = {"people": 40, "templates": 90, "attempts": 200, "rounds": 1}


class TestRun:
    def test_fills_a_database_once_and_measures_it_again(self, engine, tmp_path):
        database = f"sqlite:///{tmp_path / 'scratch.sqlite3'}"
        result = pages.run(**FEW, database=database, filled=False)
        assert (result["people"], result["templates"], result["attempts"]) == (40, 90, 200)
        assert result["gallery_templates"] == 90
        assert result["pages_ms"]["history by verdict"]["p95"] > 0
        assert result["exports"]["attacks"]["lines"] > 1
        with pytest.raises(OSError, match="has people in it"):
            pages.run(**FEW, database=database, filled=False)

    def test_senseless_numbers_are_refused(self):
        with pytest.raises(ValueError, match="at least one person"):
            pages.run(people=10, templates=5, attempts=1, rounds=1, database="", filled=False)
        with pytest.raises(ValueError, match="needs --database"):
            pages.run(**FEW, database="", filled=True)


class TestPages:
    def test_every_page_is_measured_that_a_made_site_has(self):
        """It has no receipts, kiosks, webhooks and unknown faces; the rest knows no rows."""
        without = {
            "/account/password/",
            "/account/second-factor/",
            "/accounts/login/",
            "/enrollment/receipts/<uuid:uuid>/",
            "/site/kiosks/<uuid:uuid>/",
            "/site/webhooks/<uuid:uuid>/",
            "/verification/unknown/faces/",
        }
        some = dict.fromkeys(("person", "sample", "group", "punch", "attempt", "match"), str(uuid4()))
        days = dict.fromkeys(("day", "workday"), "2026-01-31")
        addresses = [address.format(**some, **days).partition("?")[0] for address in page_times.PAGES.values()]
        assert visited_routes() - {f"/{resolve(address).route}" for address in addresses} == without


class TestNameOf:
    def test_thousands_of_people_have_names_of_their_own(self):
        assert len({name_of(number) for number in range(8_000)}) == 8_000
