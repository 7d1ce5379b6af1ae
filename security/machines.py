"""Accounts that stand for a program or a device: nobody signs in with them, and pages of operators leave them out."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

_marks = {"api_key"}
"""Relations that only such an account has."""


def mark_machines(relation: str) -> None:
    """Called from an AppConfig.ready(): accounts that have this relation are machines'."""
    _marks.add(relation)


def accounts_of_people() -> QuerySet[User]:
    return User.objects.filter(**dict.fromkeys(sorted(_marks)))
