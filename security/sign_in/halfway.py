"""Who has shown the password and not yet the code: a note in the session of who it is and how, and nothing else."""

from __future__ import annotations

from time import time

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase

KEY = "halfway"
PATIENCE_S = 600
"""Enough to find the telephone, or to install an app and scan the code."""


def begin(session: SessionBase, operator: User, *, by: str) -> None:
    """A new session, in which nobody is signed in. by: what the operator has shown, for the audit trail."""
    session.flush()
    session[KEY] = {"operator": operator.pk, "by": by, "until": time() + PATIENCE_S}
    session.set_expiry(PATIENCE_S)


def who(session: SessionBase) -> User | None:
    """The active operator who is half signed in; None when nobody is, or for too long."""
    noted = session.get(KEY)
    if not noted or noted["until"] < time():
        return None
    return User.objects.filter(pk=noted["operator"], is_active=True).first()


def how(session: SessionBase) -> str:
    """What `begin` was told."""
    return str(session[KEY]["by"])


def end(session: SessionBase) -> None:
    """Before the operator is signed in, or turns back: nothing of it goes on."""
    session.flush()
