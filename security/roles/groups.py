"""Roles as Django groups: how the table is written into them, and which roles an operator has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.apps import apps as installed
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, transaction

from security.rights import RIGHTS, Right
from security.roles.table import RIGHTS_OF, STAFF, Role


def write_groups(using: str = DEFAULT_DB_ALIAS, apps: Any = installed, **kwargs: Any) -> None:
    """Make the groups hold what the table says. Permissions that are not ours stay as they are in each group.

    Runs after every `migrate` and `flush`, as Django's own permissions do, and makes those that are not there yet:
    Django writes them at the same moment, in an order that is not ours to choose. apps: what is migrated by now.
    """
    try:
        apps.get_model("auth", "Group"), apps.get_model("security", "Rights")
    except LookupError:  # somebody migrates backwards
        return
    with transaction.atomic(using=using):
        permissions = _permissions(using)
        ours = {permission.pk for permission in permissions.values()}
        for role, rights in RIGHTS_OF.items():
            group, _ = Group.objects.using(using).get_or_create(name=role.value)
            wanted = {permissions[right].pk for right in rights}
            has = set(group.permissions.filter(pk__in=ours).values_list("pk", flat=True))
            group.permissions.add(*(wanted - has))
            group.permissions.remove(*(has - wanted))


def _permissions(using: str) -> dict[Right, Permission]:
    content_type, _ = ContentType.objects.using(using).get_or_create(app_label="security", model="rights")
    rows = Permission.objects.using(using)
    return {
        right: rows.get_or_create(
            codename=right.codename, content_type_id=content_type.pk, defaults={"name": str(RIGHTS[right])}
        )[0]
        for right in Right
    }


def roles_of(operator: User) -> list[Role]:
    """The operator's roles in the table's order; a superuser is an administrator. One query, none after a prefetch."""
    names = {group.name for group in operator.groups.all()}
    return [role for role in Role if role in names or (role == Role.ADMINISTRATOR and operator.is_superuser)]


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    return frozenset().union(*(RIGHTS_OF[role] for role in roles))


def give_roles(operator: User, roles: Collection[Role]) -> None:
    """Put the operator into exactly these roles' groups; groups that are no roles stay. Call it in a transaction.

    It checks nothing: operators/services.py does. A superuser stays one only as an administrator.
    """
    groups = {group.name: group for group in Group.objects.filter(name__in=list(Role))}
    operator.groups.remove(*(group for name, group in groups.items() if name not in roles))
    operator.groups.add(*(groups[role] for role in roles))
    operator.is_staff = bool(STAFF & set(roles))
    operator.is_superuser = operator.is_superuser and Role.ADMINISTRATOR in roles
    operator.save(update_fields=["is_staff", "is_superuser"])
