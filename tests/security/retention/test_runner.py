"""A run: in batches, stopped and resumed, with faults in the middle, and a dry run that changes nothing."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError
from django.utils import timezone

from security.allowing import NotAllowed
from security.daily import Stopping, run_task
from security.leases import LeaseLost, LeaseTaken
from security.models import AuditEvent, DailyTask, Lease, RetentionRun
from security.retention import runner
from security.retention.policy import save_days
from security.retention.runner import RetentionFailed, ask_for_run, erase_due, next_size, what_is_due
from tests.security.retention.letters import Letters

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(runner, "PAUSE_S", 0)
    monkeypatch.setattr(runner, "PROGRESS_S", 0)


class TestWhatIsDue:
    def test_counts_and_changes_nothing(self, letters, rules):
        rules.register(Letters([9000]).rule("papers", default_days=None))
        due = what_is_due()
        assert [(each.rule.key, each.days, each.count) for each in due] == [("letters", 30, 20), ("papers", None, 0)]
        assert len(letters.ages) == 25
        assert not RetentionRun.objects.exists()
        assert not AuditEvent.objects.exists()


class TestAskForRun:
    def test_is_for_operators_with_the_right(self, operator):
        with pytest.raises(NotAllowed):
            ask_for_run(actor=operator)
        assert not DailyTask.objects.exists()


class TestEraseDue:
    def test_erases_what_is_due_and_nothing_else(self, letters, shift):
        erase_due(shift)
        assert letters.ages == [30] * 5
        run = RetentionRun.objects.get()
        assert (run.state, run.due, run.erased) == ("done", {"letters": 20}, {"letters": 20})
        assert run.ended_at is not None
        assert run.begun_at <= run.ended_at <= timezone.now()

    def test_goes_by_the_sites_days(self, letters, shift):
        save_days(actor=None, days={"letters": 29})
        erase_due(shift)
        assert letters.ages == []

    def test_does_not_touch_what_is_kept(self, letters, shift):
        save_days(actor=None, days={"letters": None})
        erase_due(shift)
        assert len(letters.ages) == 25
        assert RetentionRun.objects.get().erased == {}

    def test_works_in_batches_of_at_most_what_the_rule_allows(self, rules, shift):
        letters = Letters([31] * 20)
        rules.register(letters.rule(most_at_once=6))
        erase_due(shift)
        assert letters.batches == [6, 6, 6, 2, 0]

    def test_leaves_an_audit_row_with_counts(self, letters, shift):
        erase_due(shift)
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.source) == ("retention.ran", "product", "retention")
        assert event.facts["erased"] == {"letters": 20}

    def test_shows_how_far_it_is(self, rules, shift):
        seen: list[dict[str, int]] = []
        letters = Letters([31] * 6, on_batch=lambda: seen.append(RetentionRun.objects.get().erased))
        rules.register(letters.rule(most_at_once=2))
        erase_due(shift)
        assert seen == [{}, {"letters": 2}, {"letters": 4}, {"letters": 6}]

    def test_a_fault_in_one_rule_is_noted_and_the_others_go_on(self, letters, rules, shift):
        letters.fails_after = 0
        papers = Letters([31])
        rules.register(papers.rule("papers"))
        with pytest.raises(RetentionFailed) as failed:
            erase_due(shift)
        assert failed.value.rules == ["letters"]
        run = RetentionRun.objects.get()
        assert (run.state, run.problems, run.erased) == ("failed", {"letters": "ZeroDivisionError"}, {"papers": 1})

    def test_an_outage_ends_it_and_the_next_run_goes_on(self, rules, shift):
        letters = Letters([31] * 10, fails_after=2, failure=OperationalError)
        papers = Letters([31])
        rules.register(letters.rule(most_at_once=2))
        rules.register(papers.rule("papers"))
        with pytest.raises(OperationalError):
            erase_due(shift)
        run = RetentionRun.objects.get()
        assert (run.state, run.erased, len(letters.ages), len(papers.ages)) == ("failed", {"letters": 4}, 6, 1)
        letters.fails_after = None
        erase_due(shift)
        assert (letters.ages, papers.ages) == ([], [])
        assert RetentionRun.objects.latest("pk").erased == {"letters": 6, "papers": 1}

    def test_stops_after_the_batch_that_it_is_in(self, rules, shift):
        letters = Letters([31] * 10, on_batch=shift.stopping.set)
        rules.register(letters.rule(most_at_once=2))
        with pytest.raises(Stopping):
            erase_due(shift)
        assert len(letters.ages) == 8
        assert RetentionRun.objects.get().state == "stopped"

    def test_stops_when_another_process_has_the_lease(self, rules, shift, monkeypatch):
        monkeypatch.setattr("security.leases.RENEWAL_S", 0)

        def take_the_lease() -> None:
            Lease.objects.update(holder="another")

        letters = Letters([31] * 10, on_batch=take_the_lease)
        rules.register(letters.rule(most_at_once=2))
        with pytest.raises(LeaseLost):
            erase_due(shift)
        assert len(letters.ages) == 8

    def test_writes_down_that_a_run_before_it_never_ended(self, letters, shift):
        RetentionRun.objects.create(asked_by="product", process="dead:1")
        erase_due(shift)
        assert list(RetentionRun.objects.order_by("pk").values_list("state", flat=True)) == ["stopped", "done"]


@pytest.mark.django_db(transaction=True)
class TestTwoProcessesAtOnce:
    def test_do_not_happen(self, rules):
        begun, go_on = threading.Event(), threading.Event()
        refused = []

        def on_batch() -> None:
            begun.set()
            go_on.wait(10)

        letters = Letters([31] * 4, on_batch=on_batch)
        rules.register(letters.rule())
        thread = threading.Thread(target=run_in_thread)
        thread.start()
        assert begun.wait(10)
        try:
            with pytest.raises(LeaseTaken):
                run_task(runner.TASK, asked_by="command")
            refused.append(True)
        finally:
            go_on.set()
            thread.join()
        assert refused
        assert letters.ages == []
        assert RetentionRun.objects.count() == 1


def run_in_thread() -> None:
    from django.db import connection

    run_task(runner.TASK, asked_by="product")
    connection.close()


class TestNextSize:
    @pytest.mark.parametrize(
        ("size", "seconds", "then"),
        [(50, 0.001, 100), (400, 0.001, 500), (50, 0.02, 50), (300, 0.2, 150), (110, 9.0, 100), (1, 9.0, 1)],
    )
    def test_grows_while_batches_are_quick_and_halves_when_they_are_not(self, size, seconds, then):
        assert next_size(size, seconds, 500) == then


def test_the_lease_of_a_killed_run_is_free_after_its_time(letters, shift):
    """`shift` holds it and is never given back, as a killed process would leave it."""
    with pytest.raises(LeaseTaken):
        run_task(runner.TASK, asked_by="command")
    Lease.objects.update(expires_at=timezone.now())
    run_task(runner.TASK, asked_by="command")
    assert letters.ages == [30] * 5
