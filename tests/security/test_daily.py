"""What runs once a day: when, in one process, and how it stops."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from security import daily
from security.daily import DailyWorker, Stopping, ask_for, daily_tasks, next_quiet_hour, run_due_tasks, run_task
from security.leases import HeldLease, LeaseTaken, is_held
from security.models import DailyTask


@pytest.fixture
def tasks(monkeypatch):
    """No task but those of the test."""
    monkeypatch.setattr(daily_tasks, "by_name", {})
    return daily_tasks


def due_now(name: str = "work") -> None:
    DailyTask.objects.filter(name=name).update(due_at=timezone.now() - timedelta(seconds=1))


class TestNextQuietHour:
    @pytest.fixture(autouse=True)
    def _berlin(self, settings):
        settings.TIME_ZONE, settings.FACESITE_QUIET_HOUR = "Europe/Berlin", 3
        timezone.get_default_timezone.cache_clear()  # type: ignore[attr-defined]  # functools.lru_cache
        yield
        timezone.get_default_timezone.cache_clear()  # type: ignore[attr-defined]  # functools.lru_cache

    @pytest.mark.parametrize(
        ("after", "then"),
        [
            ("2026-01-10 01:59:59", "2026-01-10 02:00"),  # 3 o'clock in Berlin is 2 o'clock UTC
            ("2026-01-10 02:00:00", "2026-01-11 02:00"),
            ("2026-07-10 12:00:00", "2026-07-11 01:00"),  # in summer 1 o'clock
            ("2026-03-28 12:00:00", "2026-03-29 01:00"),  # the night that clocks go forward
            ("2026-10-24 12:00:00", "2026-10-25 02:00"),  # and back
        ],
    )
    def test_is_by_the_clocks_of_the_site(self, after, then):
        assert next_quiet_hour(at(after)) == at(f"{then}:00")

    @pytest.mark.parametrize(
        ("after", "then"),
        [
            ("2026-03-28 12:00:00", "2026-03-29 01:00"),  # 2:00 does not exist: 3:00 summer time
            ("2026-10-24 12:00:00", "2026-10-25 00:00"),  # 2:00 comes twice: the first
            ("2026-10-25 00:00:01", "2026-10-26 01:00"),  # and not the second again
            ("2026-10-25 01:30:00", "2026-10-26 01:00"),
        ],
    )
    def test_where_clocks_jump_over_it_or_show_it_twice(self, settings, after, then):
        settings.FACESITE_QUIET_HOUR = 2
        assert next_quiet_hour(at(after)) == at(f"{then}:00")

    def test_keeps_the_zone_it_was_asked_in(self):
        assert next_quiet_hour(at("2026-01-10 12:00:00")).tzinfo is UTC
        tokyo = ZoneInfo("Asia/Tokyo")
        assert next_quiet_hour(at("2026-01-10 12:00:00").astimezone(tokyo)).tzinfo is tokyo


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.django_db
class TestRunDueTasks:
    def test_runs_a_task_once_and_plans_the_next_quiet_hour(self, tasks):
        runs = []
        tasks.register("work", lambda shift: runs.append(shift.asked_by))
        assert run_due_tasks(threading.Event()) == ["work"]
        assert run_due_tasks(threading.Event()) == []
        state = DailyTask.objects.get()
        assert runs == ["product"]
        assert state.ended_at is not None
        assert state.due_at == next_quiet_hour(state.ended_at)
        assert timedelta(0) < state.due_at - timezone.now() <= timedelta(hours=25)

    def test_waits_as_long_as_a_new_task_asks_for(self, tasks):
        tasks.register("work", lambda shift: pytest.fail("too early"), first_after=timedelta(hours=24))
        assert run_due_tasks(threading.Event()) == []
        assert timedelta(hours=23) < DailyTask.objects.get().due_at - timezone.now() <= timedelta(hours=24)

    def test_leaves_a_task_that_another_process_is_at(self, tasks):
        tasks.register("work", lambda shift: pytest.fail("two at once"))
        HeldLease("daily:work").take()
        assert run_due_tasks(threading.Event()) == []

    def test_leaves_a_task_that_another_process_did_a_moment_ago(self, tasks, monkeypatch):
        tasks.register("work", lambda shift: pytest.fail("twice a day"))
        DailyTask.objects.create(name="work", due_at=timezone.now() - timedelta(hours=1))

        def another_did_it(held: HeldLease) -> None:
            DailyTask.objects.update(due_at=timezone.now() + timedelta(hours=20))
            take(held)

        take = HeldLease.take
        monkeypatch.setattr(HeldLease, "take", another_did_it)
        assert run_due_tasks(threading.Event()) == []
        assert not is_held("daily:work")

    def test_tries_again_in_an_hour_after_a_fault_and_goes_on_with_others(self, tasks):
        def fail(shift) -> None:
            raise ZeroDivisionError

        tasks.register("work", fail)
        tasks.register("more", lambda shift: None)
        assert run_due_tasks(threading.Event()) == ["more"]
        state = DailyTask.objects.get(name="work")
        assert state.problem == "ZeroDivisionError"
        assert state.ended_at is not None
        assert state.due_at == state.ended_at + daily.RETRY

    def test_a_task_that_was_stopped_is_still_due(self, tasks):
        stopping = threading.Event()

        def work(shift) -> None:
            stopping.set()
            shift.pause(60)

        tasks.register("work", work)
        assert run_due_tasks(stopping) == []
        assert DailyTask.objects.get().due_at <= timezone.now()
        assert not is_held("daily:work")


@pytest.mark.django_db
class TestAskFor:
    def test_makes_it_due_and_says_who_asked(self, tasks):
        asked = []
        tasks.register("work", lambda shift: asked.append(shift.asked_by), first_after=timedelta(hours=24))
        ask_for("work", asked_by="operator:7")
        run_due_tasks(threading.Event())
        assert asked == ["operator:7"]
        due_now()
        run_due_tasks(threading.Event())
        assert asked == ["operator:7", "product"]


@pytest.mark.django_db
class TestRunTask:
    def test_runs_it_although_it_is_not_due(self, tasks):
        runs: list[daily.Shift] = []
        tasks.register("work", runs.append, first_after=timedelta(hours=24))
        run_task("work", asked_by="command")
        assert len(runs) == 1

    def test_refuses_while_another_process_is_at_it(self, tasks):
        tasks.register("work", lambda shift: pytest.fail("two at once"))
        HeldLease("daily:work").take()
        with pytest.raises(LeaseTaken):
            run_task("work", asked_by="command")


@pytest.mark.django_db(transaction=True)
class TestWorker:
    def test_waits_until_the_process_is_warm_and_stops_within_a_second(self, tasks, monkeypatch):
        monkeypatch.setattr(daily, "POLL_S", 0.02)
        warm, begun, ended = threading.Event(), threading.Event(), []

        def work(shift) -> None:
            begun.set()
            try:
                shift.pause(60)
            except Stopping:
                ended.append(True)
                raise

        tasks.register("work", work)
        worker = DailyWorker()
        worker.start(warm.is_set)
        worker.start(warm.is_set)  # not a second thread
        assert [thread.name for thread in threading.enumerate()].count("daily") == 1
        assert not begun.wait(0.2)
        warm.set()
        assert begun.wait(5)
        since = time.monotonic()
        worker.stop()
        assert time.monotonic() - since < 1
        assert ended == [True]
        assert not [thread for thread in threading.enumerate() if thread.name == "daily"]

    def test_begins_at_once_what_is_asked_for(self, tasks, monkeypatch):
        done = threading.Event()
        tasks.register("work", lambda shift: done.set(), first_after=timedelta(hours=24))
        worker = DailyWorker()
        monkeypatch.setattr(daily, "worker", worker)
        worker.start(lambda: True)
        time.sleep(0.2)
        ask_for("work", asked_by="operator:7")
        assert done.wait(5)
        worker.stop()

    def test_lives_through_a_database_that_is_away(self, tasks, monkeypatch):
        from django.db import OperationalError

        monkeypatch.setattr(daily, "POLL_S", 0.02)
        done = threading.Event()
        answers: list[None] = []

        def look() -> bool:
            answers.append(None)
            if len(answers) < 3:
                raise OperationalError("away")
            return True

        tasks.register("work", lambda shift: done.set())
        worker = DailyWorker()
        worker.start(look)
        assert done.wait(5)
        worker.stop()


class TestNothing:
    def test_starts_by_itself(self):
        assert not [thread for thread in threading.enumerate() if thread.name == "daily"]
