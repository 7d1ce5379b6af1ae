"""Who asks for a change."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Actor = AbstractBaseUser | AnonymousUser
"""A request's or a socket's user. A service that gets None was called by a command on the server, or by the product."""


def actor_id(actor: Actor | None) -> Any:
    """The operator's primary key for the log, which holds no login names."""
    return actor.pk if actor else None
