"""The one place where rights are checked."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from security.actors import Actor
from security.rights import RIGHTS, Right


class NotAllowed(PermissionDenied):
    """The actor lacks a right. Pages answer 403; sockets send `not_allowed` and close with 4403."""

    code = "not_allowed"

    def __init__(self, right: Right) -> None:
        super().__init__(_("Your role does not include: {right}. Ask an administrator.").format(right=RIGHTS[right]))
        self.right = right


def is_allowed(actor: Actor | None, right: Right, *others: Right) -> bool:
    """Whether the actor has the right, or one of the others. None, a command on the server, has every right."""
    return actor is None or any(cast(AbstractUser, actor).has_perm(each) for each in (right, *others))


def is_device(actor: Actor) -> bool:
    """Whether this account is a device at a door: it may be a kiosk, and nothing that an operator may."""
    return is_allowed(actor, Right.USE_KIOSK) and not is_allowed(actor, Right.VERIFY)


def require(actor: Actor | None, right: Right, *others: Right) -> None:
    """Every service that changes or gives away something calls this first. Raises NotAllowed.

    others: each of them is enough too.
    """
    if not is_allowed(actor, right, *others):
        raise NotAllowed(right)
