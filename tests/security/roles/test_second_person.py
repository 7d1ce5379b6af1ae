"""Two people for one action: who asks, who agrees, how often and how long it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from security.allowing import NotAllowed
from security.models import Approval, AuditEvent
from security.roles.groups import give_roles
from security.roles.second_person import (
    Action,
    ApprovalRefused,
    SecondPersonNeeded,
    agree,
    ask,
    is_open,
    record_second_person,
    refuse,
    require_second_person,
    seen_by,
    waiting,
)
from security.roles.table import Role
from tests.support.operators import make_operator

TARGET = ["person:a", "person:b"]


@pytest.fixture
def asker(db) -> User:
    return make_operator(Role.PRIVACY_OFFICER, name="paula")


@pytest.fixture
def second(db) -> User:
    return make_operator(Role.PRIVACY_OFFICER, name="piet")


def do(actor: User | None, target: object = TARGET) -> None:
    approval = require_second_person(actor=actor, action=Action.ERASE_MANY, target=target)
    record_second_person(actor, approval)


def asked_for(asker: User) -> Approval:
    return ask(actor=asker, action=Action.ERASE_MANY, target=TARGET)


class TestRequireSecondPerson:
    def test_lets_nobody_do_it_alone(self, asker, second):
        with pytest.raises(SecondPersonNeeded, match="Another operator with the same right"):
            do(asker)

    def test_lets_the_asker_do_it_once_after_somebody_else_agreed(self, asker, second):
        agree(actor=second, approval=asked_for(asker))
        do(asker)
        with pytest.raises(SecondPersonNeeded):
            do(asker)

    def test_takes_the_targets_in_any_order(self, asker, second):
        agree(actor=second, approval=asked_for(asker))
        do(asker, ["person:b", "person:a"])

    def test_counts_for_exactly_what_was_asked(self, asker, second):
        agree(actor=second, approval=asked_for(asker))
        with pytest.raises(SecondPersonNeeded):
            do(asker, ["person:a", "person:b", "person:c"])
        with pytest.raises(SecondPersonNeeded):
            require_second_person(actor=asker, action=Action.EXPORT_BIOMETRICS, target=TARGET)

    def test_counts_for_the_asker_only(self, asker, second):
        agree(actor=second, approval=asked_for(asker))
        with pytest.raises(SecondPersonNeeded):
            do(second)

    def test_counts_for_an_hour(self, asker, second):
        approval = asked_for(asker)
        agree(actor=second, approval=approval)
        left = Approval.objects.get(pk=approval.pk).expires_at - timezone.now()
        assert timedelta(minutes=59) < left <= timedelta(hours=1)
        Approval.objects.update(expires_at=timezone.now())
        with pytest.raises(SecondPersonNeeded):
            do(asker)

    @pytest.mark.parametrize("change", [{"is_active": False}, {}])
    def test_counts_no_longer_when_the_second_person_lost_the_right(self, asker, second, change):
        agree(actor=second, approval=asked_for(asker))
        User.objects.filter(pk=second.pk).update(**change or {"is_active": True})
        if not change:
            give_roles(second, [Role.MANAGER])
        with pytest.raises(SecondPersonNeeded):
            do(asker)

    def test_goes_with_the_second_person_instead_of_passing_for_the_servers_word(self, asker, second):
        agree(actor=second, approval=asked_for(asker))
        second.delete()
        with pytest.raises(SecondPersonNeeded):
            do(asker)

    def test_says_that_a_second_operator_is_needed_where_there_is_none(self, asker):
        make_operator(Role.MANAGER)
        with pytest.raises(SecondPersonNeeded, match="no other operator has this right"):
            do(asker)

    def test_lets_a_command_on_the_server_pass(self, db):
        do(None)

    def test_takes_the_servers_word_for_a_second_person(self, asker):
        agree(actor=None, approval=asked_for(asker))
        do(asker)


class TestAsk:
    def test_makes_one_request_of_the_same_thing(self, asker):
        assert asked_for(asker) == asked_for(asker)
        assert waiting().count() == 1

    def test_needs_the_right(self, db):
        with pytest.raises(NotAllowed):
            asked_for(make_operator(Role.MANAGER))


class TestAgree:
    def test_refuses_the_asker(self, asker):
        with pytest.raises(ApprovalRefused, match="yourself"):
            agree(actor=asker, approval=asked_for(asker))
        with pytest.raises(SecondPersonNeeded):
            do(asker)

    def test_refuses_somebody_without_the_right(self, asker):
        with pytest.raises(NotAllowed):
            agree(actor=make_operator(Role.MANAGER), approval=asked_for(asker))

    def test_refuses_what_was_answered_or_has_waited_for_a_day(self, asker, second):
        approval = asked_for(asker)
        refuse(actor=second, approval=approval)
        with pytest.raises(ApprovalRefused, match="answered already"):
            agree(actor=second, approval=approval)
        approval = asked_for(asker)
        Approval.objects.update(expires_at=timezone.now())
        with pytest.raises(ApprovalRefused, match="too long"):
            agree(actor=second, approval=approval)

    def test_writes_each_step_down_without_names(self, asker, second):
        agree(actor=second, approval=asked_for(asker))
        do(asker)
        rows = AuditEvent.objects.order_by("number").values_list("action", "actor")
        assert list(rows) == [
            ("approval.asked", f"operator:{asker.pk}"),
            ("approval.given", f"operator:{second.pk}"),
            ("approval.used", f"operator:{asker.pk}"),
        ]


class TestRefuse:
    def test_is_open_to_the_asker_who_changed_their_mind(self, asker):
        refuse(actor=asker, approval=asked_for(asker))
        assert seen_by(asker) == []


class TestIsOpen:
    def test_opens_for_the_whole_site_for_an_hour(self, asker, second):
        assert not is_open(Action.SEARCH_UNKNOWN)
        agree(actor=second, approval=ask(actor=asker, action=Action.SEARCH_UNKNOWN, target="site"))
        assert is_open(Action.SEARCH_UNKNOWN)
        Approval.objects.update(expires_at=timezone.now())
        assert not is_open(Action.SEARCH_UNKNOWN)


class TestSeenBy:
    def test_shows_what_the_operator_has_the_right_for(self, asker, second):
        approval = asked_for(asker)
        assert seen_by(second) == [approval]
        assert seen_by(make_operator(Role.MANAGER)) == []
