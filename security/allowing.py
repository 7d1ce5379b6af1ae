"""The one place where rights are checked."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied

from security.actors import Actor
from security.rights import RIGHTS, Right


class NotAllowed(PermissionDenied):
    """The actor lacks a right. Pages answer 403, sockets `not_allowed`."""

    code = "not_allowed"

    def __init__(self, right: Right) -> None:
        super().__init__(f"Your role does not include: {RIGHTS[right].lower()}. Ask an administrator.")
        self.right = right


def is_allowed(actor: Actor | None, right: Right) -> bool:
    """Whether the actor has the right. None, a command on the server, has every right."""
    return actor is None or cast(AbstractUser, actor).has_perm(right)


def require(actor: Actor | None, right: Right) -> None:
    """Every service that changes or gives away something calls this first. Raises NotAllowed."""
    if not is_allowed(actor, right):
        raise NotAllowed(right)
