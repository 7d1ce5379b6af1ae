from __future__ import annotations

import csv

import pytest

from enrollment import selectors, services
from enrollment.exports import COLUMNS, stream_people
from tests.support.consent import ON_PAPER
from tests.support.downloads import without_mark


@pytest.mark.django_db
class TestStreamPeople:
    def test_has_a_line_per_person(self, make_draft, django_assert_num_queries):
        for number, name in enumerate(["Ada", "=HYPERLINK(1)"]):
            services.enroll_person(
                actor=None, name=name, consent=ON_PAPER, samples=[make_draft(number)], despite_duplicate=True
            )
        with django_assert_num_queries(
            3 + 6
        ):  # people, consents, groups; the audit row: savepoint, count, and the row itself
            lines = list(csv.DictReader(without_mark(stream_people(selectors.search_people(), actor=None))))
        assert tuple(lines[0]) == COLUMNS
        assert [line["name"] for line in lines] == ["Ada", "'=HYPERLINK(1)"]
        assert (lines[0]["samples"], lines[0]["active"], lines[0]["consent"]) == ("1", "yes", "Consent, on paper")
