"""A password that somebody else chose: it signs in once, and its operator must choose another one then."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from security.actors import Actor
from security.audit.actions import Action
from security.audit.recording import record
from security.models import OneTimePassword
from security.sign_in import limits

LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
"""None can be mistaken for another."""

CHOOSE_FIRST: Final = _("Choose your own password first, on the page Your account.")


def make_password() -> str:
    """Four groups of four letters and digits: 80 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def issue_one_time_password(*, actor: Actor | None, operator: User) -> str:
    """Give the operator a new password that works once. Returns it: show it once, and keep it nowhere.

    The old password and all sign-ins of the operator end. Who may do this is for the caller to ask.
    """
    password = make_password()
    operator.set_password(password)
    with transaction.atomic():
        operator.save(update_fields=["password"])
        facts = {"digest": _digest(operator.password), "issued_at": timezone.now(), "used_at": None}
        OneTimePassword.objects.update_or_create(operator=operator, defaults=facts)
        operator.sign_ins.all().delete()
        limits.forgive_account(operator)
        record(Action.ONE_TIME_PASSWORD_ISSUED, actor=actor, target=operator.pk)
    return password


def use(operator: User, *, stored: str) -> bool:
    """After a right password: False when it was a one-time password that has been used before.

    stored: the operator's hash before the check, which may have renewed it.
    """
    row = OneTimePassword.objects.filter(operator=operator, digest=_digest(stored))
    if not row.exists():
        return True
    return row.filter(used_at=None).update(used_at=timezone.now(), digest=_digest(operator.password)) == 1


def owes_password(operator: User) -> bool:
    """Whether the operator signed in with a one-time password and has not chosen another one yet.

    One query, or none where `one_time_password` was selected along.
    """
    try:
        row: OneTimePassword = operator.one_time_password
    except OneTimePassword.DoesNotExist:
        return False
    return row.digest == _digest(operator.password)


def is_lost(operator: User) -> bool:
    """Used, and no password was chosen since."""
    return owes_password(operator) and OneTimePassword.objects.filter(operator=operator, used_at__isnull=False).exists()


def _digest(stored: str) -> str:
    return hashlib.sha256(stored.encode()).hexdigest()
