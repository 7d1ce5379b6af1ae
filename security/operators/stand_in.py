"""Stands in for security.sign_in until that room is there."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

from security.actors import Actor


def issue_one_time_password(*, actor: Actor | None, operator: User) -> str:
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    operator.set_password(password)
    operator.save(update_fields=["password"])
    return password


def end_sessions(operator: User) -> None:
    for session in Session.objects.filter(expire_date__gt=timezone.now()):
        if session.get_decoded().get("_auth_user_id") == str(operator.pk):
            session.delete()


def reset_second_factor(*, actor: Actor | None, operator: User) -> None:
    """Nobody has a second factor yet."""
