"""manage.py retention: what it prints, what it changes, and its exit status."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from security.leases import HeldLease
from security.models import AuditEvent, DailyTask, RetentionRun
from security.retention import runner
from security.retention.policy import save_days
from security.retention.rules import retention_rules
from tests.security.retention.letters import Letters
from tests.verification.rows import make_attempt
from verification.models import VerificationAttempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def rules(monkeypatch):
    """No rule but those of the test."""
    monkeypatch.setattr(retention_rules, "by_key", {})
    return retention_rules


@pytest.fixture
def letters(rules) -> Letters:
    """20 that are due by the default of 30 days, and 5 that are not."""
    found = Letters([31] * 20 + [30] * 5)
    rules.register(found.rule())
    return found


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(runner, "PAUSE_S", 0)


def retention(*arguments: str) -> str:
    out = StringIO()
    call_command("retention", *arguments, stdout=out)
    return out.getvalue()


class TestDryRun:
    def test_changes_nothing(self):
        make_attempt(created_at=timezone.now() - timedelta(days=31))
        text = retention("--dry-run")
        assert "Pictures of attempts (30 days): 1 due" in text
        assert "Attempts (kept): 0 due" in text
        assert VerificationAttempt.objects.filter(has_picture=True).count() == 1
        assert not RetentionRun.objects.exists()
        assert not DailyTask.objects.exists()
        assert not AuditEvent.objects.exists()

    def test_as_json(self, letters):
        assert json.loads(retention("--dry-run", "--json")) == {
            "dry_run": True,
            "state": "dry_run",
            "due": 20,
            "erased": 0,
            "rules": [{"key": "letters", "label": "Letters", "days": 30, "due": 20, "erased": 0}],
        }


class TestRun:
    def test_erases_what_is_due_and_says_so(self, letters, rules):
        rules.register(Letters([99]).rule("papers", default_days=None))
        assert retention() == "Letters (30 days): 20 erased\nPapers (kept): 0 erased\n"
        assert RetentionRun.objects.get().asked_by == "command"
        assert retention() == "Letters (30 days): 0 erased\nPapers (kept): 0 erased\n"

    def test_goes_by_the_sites_rules(self, letters):
        save_days(actor=None, days={"letters": 29})
        assert retention() == "Letters (29 days): 25 erased\n"

    def test_as_json(self, letters):
        told = json.loads(retention("--json"))
        assert (told["dry_run"], told["state"], told["due"], told["erased"]) == (False, "done", 20, 20)

    def test_fails_with_a_sentence_when_a_rule_failed_and_tells_the_rest(self, letters, rules):
        letters.fails_after = 0
        rules.register(Letters([31]).rule("papers"))
        out = StringIO()
        with pytest.raises(CommandError, match="Not all that is due was erased: Letters"):
            call_command("retention", "--json", stdout=out)
        told = json.loads(out.getvalue())
        assert (told["state"], [rule["erased"] for rule in told["rules"]]) == ("failed", [0, 1])

    def test_is_refused_while_another_process_is_at_it(self, letters):
        HeldLease("daily:retention").take()
        with pytest.raises(CommandError, match="Another process of this site erases right now"):
            retention()
        assert len(letters.ages) == 25
