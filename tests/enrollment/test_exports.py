from __future__ import annotations

import csv

import pytest

from enrollment import selectors, services
from enrollment.exports import COLUMNS, stream_people


@pytest.mark.django_db
class TestStreamPeople:
    def test_has_a_line_per_person(self, make_draft, django_assert_num_queries):
        for number, name in enumerate(["Ada", "=HYPERLINK(1)"]):
            services.enroll_person(
                actor=None, name=name, consent_version="v", samples=[make_draft(number)], despite_duplicate=True
            )
        with django_assert_num_queries(1 + 6):  # and the audit row: savepoint, count, and the row itself
            lines = list(csv.DictReader(stream_people(selectors.search_people(), actor=None)))
        assert tuple(lines[0]) == COLUMNS
        assert [line["name"] for line in lines] == ["'=HYPERLINK(1)", "Ada"]
        assert (lines[1]["samples"], lines[1]["active"], lines[1]["consent_version"]) == ("1", "yes", "v")
