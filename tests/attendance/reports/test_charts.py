from __future__ import annotations

from datetime import date, timedelta

from attendance.reports.charts import hours_chart, people_chart
from attendance.reports.rosters import DayTotals

FIRST = date(2026, 3, 4)


def totals(*days: tuple[float, int, int, int]) -> list[DayTotals]:
    """(hours, present, late, absent) of one day after the other"""
    return [
        DayTotals(FIRST + timedelta(days=number), timedelta(hours=hours), present, late, absent)
        for number, (hours, present, late, absent) in enumerate(days)
    ]


class TestHours:
    def test_have_a_bar_for_every_day_the_highest_as_high_as_the_drawing(self):
        chart = hours_chart(totals((4, 1, 0, 0), (8, 1, 0, 0), (0, 0, 0, 0)))
        assert chart
        assert [(bar.value, bar.height) for bar in chart.bars] == [(4, 50), (8, 100), (0, 0)]

    def test_are_left_out_where_nobody_has_any(self):
        assert hours_chart(totals((0, 1, 0, 0))) is None
        assert hours_chart([]) is None


class TestPeople:
    def test_stand_on_one_another_in_time_late_and_absent(self):
        chart = people_chart(totals((8, 3, 1, 1), (8, 2, 0, 0)))
        assert chart
        assert [(bar.kind, bar.y, bar.height) for bar in chart.bars] == [
            ("in_time", 50, 50),
            ("late", 25, 25),
            ("absent", 0, 25),
            ("in_time", 50, 50),
        ]

    def test_are_left_out_where_nobody_was_late_or_absent(self):
        assert people_chart(totals((8, 3, 0, 0))) is None
