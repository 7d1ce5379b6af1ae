"""What the dashboard says of retention."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from security.leases import HeldLease
from security.models import DailyTask, RetentionRun
from security.retention.status import retention_status

pytestmark = pytest.mark.django_db


def make_run(state: str, **values) -> RetentionRun:
    return RetentionRun.objects.create(**({"state": state, "asked_by": "product", "process": "here:1"} | values))


def due(*, hours: float) -> None:
    DailyTask.objects.update_or_create(
        name="retention", defaults={"due_at": timezone.now() + timedelta(hours=hours), "asked_by": ""}
    )


class TestRetentionStatus:
    def test_before_the_first_run_a_site_has_a_day_to_choose(self):
        status = retention_status()
        assert (status.last, status.running, status.warning) == (None, None, "")
        assert timedelta(hours=23) < status.next_at - timezone.now() <= timedelta(hours=24)

    def test_shows_a_run_with_its_progress_and_the_one_before(self, letters):
        done = make_run("done", due={"letters": 3}, erased={"letters": 3})
        make_run("running", due={"letters": 20}, erased={"letters": 4})
        HeldLease("daily:retention").take()
        status = retention_status()
        assert status.running
        assert status.last
        (line,) = status.running.lines
        assert (line.label, line.due, line.erased) == ("Letters", 20, 4)
        assert status.last.run == done

    def test_a_run_whose_process_died_is_over(self):
        make_run("running")
        status = retention_status()
        assert status.running is None
        assert status.last
        assert status.last.run.get_state_display() == "Stopped before its end"

    def test_warns_of_a_run_that_failed_and_names_the_rule(self, letters):
        make_run("failed", problems={"letters": "OperationalError"})
        assert "could not erase everything (Letters)" in retention_status().warning

    def test_is_content_when_a_later_run_ended_well(self, letters):
        make_run("failed", problems={"letters": "OperationalError"})
        make_run("done")
        assert retention_status().warning == ""

    @pytest.mark.parametrize(("hours", "warns"), [(-49, True), (-47, False)], ids=["49 hours late", "47 hours late"])
    def test_warns_when_nothing_ran_for_two_days(self, hours, warns):
        due(hours=hours)
        assert ("more than two days" in retention_status().warning) is warns

    @pytest.mark.parametrize(
        ("stored", "shown"), [("operator:7", "operator 7"), ("product", "the clock"), ("command", "a command")]
    )
    def test_says_who_asked(self, stored, shown):
        make_run("done", asked_by=stored)
        last = retention_status().last
        assert last is not None
        assert last.asked_by == shown
