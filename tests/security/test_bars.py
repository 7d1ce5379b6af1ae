from __future__ import annotations

from datetime import date

from security.bars import stacked

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def test_parts_stand_on_each_other_and_nothing_has_no_bar():
    days = [(MONDAY, [("late", 1), ("absent", 0)]), (TUESDAY, [("late", 2), ("absent", 2)])]
    drawn = [(bar.day, bar.kind, bar.value, bar.x, bar.y, bar.height) for bar in stacked(days, 4)]
    assert drawn == [
        (MONDAY, "late", 1, 1, 75, 25),
        (TUESDAY, "late", 2, 11, 50, 50),
        (TUESDAY, "absent", 2, 11, 0, 50),
    ]
