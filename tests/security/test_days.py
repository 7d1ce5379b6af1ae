"""security/days.py: days and moments by the site's clocks."""

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone

from security.days import day_begins, in_days, moment
from security.models import AuditEvent

NIGHT = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("UTC", date(2026, 1, 31), "2026-01-31T00:00:00+00:00"),
        ("Europe/Berlin", date(2026, 1, 31), "2026-01-30T23:00:00+00:00"),
        ("Europe/Berlin", date(2026, 7, 31), "2026-07-30T22:00:00+00:00"),
        ("Asia/Kathmandu", date(2026, 1, 31), "2026-01-30T18:15:00+00:00"),
        ("America/Havana", date(2026, 3, 8), "2026-03-08T05:00:00+00:00"),  # clocks skip that midnight
    ],
)
def test_a_day_begins_by_the_clocks_of_the_site(zone, day, begins):
    with timezone.override(zone):
        assert day_begins(day).astimezone(UTC).isoformat() == begins


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_the_first_and_the_last_day_there_is_bound_nothing(zone):
    with timezone.override(zone):
        assert not in_days("at", date.min, date.max)
        assert str(AuditEvent.objects.filter(in_days("at", date(1, 1, 2), date(9999, 12, 29))).query)


def test_an_export_says_a_moment_with_the_offset_of_that_day():
    with timezone.override("Europe/Berlin"):
        assert moment(NIGHT) == "2026-02-01T00:30:00+01:00"
        assert moment(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "2026-07-01T14:00:00+02:00"
        assert moment(None) is None
