"""The site's days: defaults, saving, floors, who may, and the audit row."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError

from security.allowing import NotAllowed
from security.models import AuditEvent, RetentionPolicy
from security.retention.policy import current_days, save_days
from security.retention.rules import OwnDays
from tests.security.retention.letters import Letters

pytestmark = pytest.mark.django_db


class TestCurrentDays:
    def test_are_the_defaults_until_somebody_decides(self, letters, rules):
        rules.register(Letters([]).rule("papers", default_days=None))
        assert current_days() == {"letters": 30, "papers": None}

    def test_of_a_rule_that_came_after_the_last_save_are_its_default(self, letters, rules):
        save_days(actor=None, days={"letters": 5})
        rules.register(Letters([]).rule("papers", default_days=90))
        assert current_days() == {"letters": 5, "papers": 90}

    def test_are_never_under_a_floor_that_rose_since(self, letters, rules):
        save_days(actor=None, days={"letters": 5})
        rules.register(letters.rule(least_days=14))
        assert current_days() == {"letters": 14}


class TestSaveDays:
    def test_adds_a_row_and_keeps_what_is_not_named(self, letters, rules, staff):
        rules.register(Letters([]).rule("papers"))
        save_days(actor=staff, days={"letters": None})
        policy = save_days(actor=staff, days={"papers": 7})
        assert current_days() == {"letters": None, "papers": 7}
        assert policy.saved_by == staff
        assert RetentionPolicy.objects.count() == 2

    def test_erases_nothing(self, letters):
        save_days(actor=None, days={"letters": 1})
        assert len(letters.ages) == 25

    def test_leaves_an_audit_row_with_what_changed_before_and_after(self, letters, rules, staff):
        rules.register(Letters([]).rule("papers"))
        save_days(actor=staff, days={"letters": 7, "papers": 30})
        event = AuditEvent.objects.get(action="retention.saved")
        assert event.actor == f"operator:{staff.pk}"
        assert event.facts == {"before": {"letters": 30}, "after": {"letters": 7}}

    def test_refuses_days_under_the_floor_and_unknown_rules_and_saves_nothing(self, letters, rules):
        rules.register(Letters([]).rule("papers", least_days=365, floor_reason="The law wants a year."))
        with pytest.raises(ValidationError) as refused:
            save_days(actor=None, days={"letters": 7, "papers": 364, "stones": 3})
        assert refused.value.message_dict == {
            "papers": ["Papers: choose between 365 and 3,650 days. The law wants a year."],
            "stones": ["There is no such rule."],
        }
        assert not RetentionPolicy.objects.exists()

    def test_is_for_operators_with_the_right(self, letters, operator):
        with pytest.raises(NotAllowed):
            save_days(actor=operator, days={"letters": 7})
        operator.user_permissions.add(Permission.objects.get(codename="set_retention"))
        save_days(actor=type(operator).objects.get(pk=operator.pk), days={"letters": 7})

    def test_writes_days_that_another_page_sets_too_to_their_own_place(self, rules):
        kept = {"days": 7}
        own = OwnDays(lambda: kept["days"], lambda actor, days: kept.update(days=days))
        rules.register(Letters([]).rule(own_days=own))
        save_days(actor=None, days={"letters": 9})
        assert kept == {"days": 9}
        kept["days"] = 3  # by the other page
        assert current_days() == {"letters": 3}
        assert RetentionPolicy.objects.get().days == {}
