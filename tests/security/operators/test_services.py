"""Who may change which operator, and what is refused."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.test import Client

from security.allowing import NotAllowed, is_allowed
from security.models import AuditEvent
from security.operators.services import (
    OperatorRefused,
    assignable_roles,
    create_operator,
    forget_second_factor,
    renew_password,
    set_active,
    set_roles,
)
from security.rights import Right
from security.roles.groups import roles_of
from security.roles.table import Role
from tests.support.operators import client_of, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return make_operator(Role.ADMINISTRATOR, name="boss")


@pytest.fixture
def desk() -> User:
    return make_operator(Role.RECEPTIONIST, name="desk")


@pytest.fixture
def helper() -> User:
    """Manages operators, by a permission of their own, and has a receptionist's rights beside it."""
    helper = make_operator(Role.RECEPTIONIST, name="helper")
    helper.user_permissions.add(Permission.objects.get(codename=Right.MANAGE_OPERATORS.codename))
    return helper


def last_row() -> tuple[str, str, dict]:
    row = AuditEvent.objects.order_by("number").last()
    assert row
    return row.action, row.target, row.facts


class TestCreateOperator:
    def test_gives_a_password_that_works_and_writes_it_down_without_the_name(self, boss):
        operator, password = create_operator(actor=boss, username="nora", roles=[Role.MANAGER])
        assert roles_of(operator) == [Role.MANAGER]
        assert Client().login(username="nora", password=password)
        action, target, facts = last_row()
        assert (action, target, facts) == ("operator.created", f"operator:{operator.pk}", {"roles": ["Manager"]})

    def test_is_for_those_who_manage_operators(self, desk):
        with pytest.raises(NotAllowed):
            create_operator(actor=desk, username="nora", roles=[Role.KIOSK])

    def test_gives_no_right_that_the_actor_lacks(self, helper):
        with pytest.raises(OperatorRefused, match="rights that you do not have"):
            create_operator(actor=helper, username="nora", roles=[Role.MANAGER])
        assert assignable_roles(helper) == [Role.RECEPTIONIST]
        create_operator(actor=helper, username="nora", roles=[Role.RECEPTIONIST])

    @pytest.mark.parametrize("name", ["boss", "no spaces", ""])
    def test_refuses_a_name_that_is_taken_or_none(self, boss, name):
        with pytest.raises(ValidationError):
            create_operator(actor=boss, username=name, roles=[Role.KIOSK])


class TestSetRoles:
    def test_counts_at_once_and_says_what_was_before(self, boss, desk):
        set_roles(actor=boss, operator=desk, roles=[Role.MANAGER, Role.PRIVACY_OFFICER])
        assert is_allowed(User.objects.get(pk=desk.pk), Right.ERASE)
        assert last_row()[2] == {"before": ["Receptionist"], "after": ["Manager", "Privacy officer"]}

    def test_that_changes_nothing_leaves_no_row(self, boss, desk):
        set_roles(actor=boss, operator=desk, roles=[Role.RECEPTIONIST])
        assert not AuditEvent.objects.exists()

    def test_nobody_demotes_themself_by_accident(self, boss):
        make_operator(Role.ADMINISTRATOR, name="other")
        with pytest.raises(OperatorRefused, match="your own roles"):
            set_roles(actor=boss, operator=boss, roles=[Role.MANAGER])

    @pytest.mark.parametrize(
        "act",
        [
            lambda boss: set_roles(actor=None, operator=boss, roles=[Role.MANAGER]),
            lambda boss: set_active(actor=None, operator=boss, active=False),
        ],
        ids=["roles", "active"],
    )
    def test_the_last_administrator_stays(self, boss, act):
        with pytest.raises(OperatorRefused, match="last administrator"):
            act(boss)
        boss.refresh_from_db()
        assert boss.is_active
        assert roles_of(boss) == [Role.ADMINISTRATOR]

    def test_an_inactive_administrator_is_none(self, boss):
        other = make_operator(Role.ADMINISTRATOR, name="other")
        set_active(actor=boss, operator=other, active=False)
        with pytest.raises(OperatorRefused, match="last administrator"):
            set_roles(actor=None, operator=boss, roles=[])

    def test_a_superuser_can_be_made_something_else(self, boss):
        superuser = User.objects.create_superuser("super")
        set_roles(actor=boss, operator=superuser, roles=[Role.RECEPTIONIST])
        assert not User.objects.get(pk=superuser.pk).is_superuser

    def test_nobody_gives_more_than_they_have(self, helper):
        other = make_operator(name="other")
        with pytest.raises(OperatorRefused, match="rights that you do not have"):
            set_roles(actor=helper, operator=other, roles=[Role.PRIVACY_OFFICER])


class TestSomebodyWithMoreRights:
    """Whoever could give such an operator a new password could sign in as them."""

    @pytest.mark.parametrize(
        "act",
        [
            lambda helper, boss: set_roles(actor=helper, operator=boss, roles=[]),
            lambda helper, boss: set_active(actor=helper, operator=boss, active=False),
            lambda helper, boss: renew_password(actor=helper, operator=boss),
            lambda helper, boss: forget_second_factor(actor=helper, operator=boss),
        ],
        ids=["roles", "active", "password", "second factor"],
    )
    @pytest.mark.parametrize("active", [True, False])
    def test_is_out_of_reach(self, helper, boss, act, active):
        make_operator(Role.ADMINISTRATOR, name="other")
        User.objects.filter(pk=boss.pk).update(is_active=active)
        with pytest.raises(OperatorRefused, match="rights that you do not have"):
            act(helper, boss)


class TestSetActive:
    def test_ends_the_sessions_for_good(self, boss, desk):
        client = client_of(desk)
        assert client.get("/enrollment/").status_code == 200
        set_active(actor=boss, operator=desk, active=False)
        assert client.get("/enrollment/").status_code == 302
        set_active(actor=boss, operator=desk, active=True)
        assert client.get("/enrollment/").status_code == 302
        actions = AuditEvent.objects.order_by("number").values_list("action", flat=True)
        assert [action for action in actions if "activated" in action] == ["operator.deactivated", "operator.activated"]

    def test_is_not_for_one_s_own_login(self, boss):
        with pytest.raises(OperatorRefused, match="your own login"):
            set_active(actor=boss, operator=boss, active=False)


class TestRenewPassword:
    def test_ends_sessions_and_the_old_password(self, boss, desk):
        client = client_of(desk)
        password = renew_password(actor=boss, operator=desk)
        assert client.get("/enrollment/").status_code == 302
        assert Client().login(username="desk", password=password)

    def test_is_not_for_one_s_own_login(self, boss):
        with pytest.raises(OperatorRefused, match="own password"):
            renew_password(actor=boss, operator=boss)
