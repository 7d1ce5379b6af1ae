"""Operators with roles, and clients that are signed in as them."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from security.roles import second_person
from security.roles.groups import give_roles
from security.roles.table import Role


def make_operator(*roles: Role, name: str = "", password: str | None = None) -> User:
    """Without roles: a login that may do nothing. name: else that of the roles."""
    operator = User.objects.create_user(
        name or "-".join(role.name.lower() for role in roles) or "nobody", password=password
    )
    give_roles(operator, roles)
    return operator


def client_of(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def make_client(*roles: Role, name: str = "") -> Client:
    return client_of(make_operator(*roles, name=name))


def unlock(action: second_person.Action, *, asker: User, target: object = "", second: User | None = None) -> None:
    """Two people agree. second: else a superuser made for it."""
    approval = second_person.ask(actor=asker, action=action, target=target)
    other = second or User.objects.create_superuser(f"second-{approval.pk}")
    second_person.agree(actor=other, approval=approval)
