"""Roles as Django groups."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection

from security.allowing import is_allowed
from security.rights import Right
from security.roles.groups import give_roles, roles_of, write_groups
from security.roles.table import RIGHTS_OF, STAFF, Role
from tests.support.operators import make_operator


def held(operator: User) -> set[Right]:
    return {right for right in Right if is_allowed(User.objects.get(pk=operator.pk), right)}


@pytest.mark.django_db
class TestWriteGroups:
    @pytest.mark.parametrize("role", list(Role))
    def test_gives_each_role_exactly_the_rights_of_the_table(self, role):
        assert held(make_operator(role)) == RIGHTS_OF[role]

    def test_mends_groups_that_were_changed_or_deleted_but_leaves_other_permissions(self):
        Group.objects.get(name=Role.KIOSK).delete()
        manager = Group.objects.get(name=Role.MANAGER)
        other = Permission.objects.get(codename="view_session")
        manager.permissions.set([Permission.objects.get(codename=Right.ERASE.codename), other])
        write_groups()
        assert held(make_operator(Role.MANAGER)) == RIGHTS_OF[Role.MANAGER]
        assert other in manager.permissions.all()
        assert held(make_operator(Role.KIOSK)) == RIGHTS_OF[Role.KIOSK]

    def test_makes_permissions_that_are_not_there_yet(self):
        Permission.objects.filter(codename=Right.ERASE.codename).delete()
        write_groups()
        assert Right.ERASE in held(make_operator(Role.PRIVACY_OFFICER))
        assert Permission.objects.filter(codename=Right.ERASE.codename).count() == 1


@pytest.mark.django_db
class TestGiveRoles:
    def test_gives_exactly_these_and_leaves_other_groups(self):
        operator = make_operator(Role.RECEPTIONIST)
        other = Group.objects.create(name="Night shift")
        operator.groups.add(other)
        give_roles(operator, [Role.MANAGER, Role.PRIVACY_OFFICER])
        assert roles_of(operator) == [Role.MANAGER, Role.PRIVACY_OFFICER]
        assert other in operator.groups.all()

    @pytest.mark.parametrize("role", list(Role))
    def test_opens_the_admin_to_the_roles_that_work_there(self, role):
        assert make_operator(role).is_staff == (role in STAFF)

    def test_keeps_a_superuser_only_as_an_administrator(self):
        boss = User.objects.create_superuser("boss")
        assert roles_of(boss) == [Role.ADMINISTRATOR]
        give_roles(boss, [Role.ADMINISTRATOR])
        assert boss.is_superuser
        give_roles(boss, [Role.MANAGER])
        assert held(boss) == RIGHTS_OF[Role.MANAGER]


@pytest.mark.django_db
class TestTheMigrationOfOperatorsFromBefore:
    def migrate(self) -> None:
        migration = importlib.import_module("security.migrations.0003_operators_get_roles")
        migration.give_roles(apps, connection.schema_editor())

    def before(self, name: str, *permissions: str, staff: bool = False) -> User:
        operator = User.objects.create_user(name, is_staff=staff)
        operator.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return operator

    def test_makes_plain_logins_receptionists(self):
        plain, clerk = self.before("plain"), self.before("clerk", staff=True)
        self.migrate()
        assert roles_of(plain) == roles_of(clerk) == [Role.RECEPTIONIST]

    def test_makes_staff_who_could_merge_or_set_the_policy_managers(self):
        merging, setting = self.before("a", "change_person", staff=True), self.before("b", staff=True)
        group = Group.objects.create(name="Policy")
        group.permissions.set(Permission.objects.filter(codename="add_verificationpolicy"))
        setting.groups.add(group)
        self.migrate()
        assert roles_of(merging) == roles_of(setting) == [Role.MANAGER]

    def test_leaves_whoever_could_erase_able_to_erase(self):
        erasing = self.before("eraser", "delete_person")
        self.migrate()
        assert roles_of(erasing) == [Role.RECEPTIONIST, Role.PRIVACY_OFFICER]
        assert User.objects.get(pk=erasing.pk).is_staff

    def test_touches_no_superuser_and_nobody_who_has_a_role(self):
        boss, kiosk = User.objects.create_superuser("boss"), make_operator(Role.KIOSK)
        self.migrate()
        assert not boss.groups.exists()
        assert roles_of(kiosk) == [Role.KIOSK]
