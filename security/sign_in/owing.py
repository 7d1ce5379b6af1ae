"""What a signed-in operator owes before anything else is open: a password of their own, or a second factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from security.sign_in.one_time import CHOOSE_FIRST, owes_password
from security.sign_in.second_factor import SHOWN_ELSEWHERE, is_demanded, is_on

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class Debt:
    page: str
    """Name of the address where it is paid. A view that stays open has the debt in its `open_to_those_owing`."""
    sentence: _StrOrPromise


OWN_PASSWORD: Final = Debt("account:password", CHOOSE_FIRST)
SECOND_FACTOR: Final = Debt(
    "account:second_factor",
    _("This site asks for a second factor now. Set up yours first, on the page Your account."),
)


class StillOwed(PermissionDenied):
    """Nothing but paying the debt is open. str() is its sentence."""

    code = "not_allowed"

    def __init__(self, debt: Debt) -> None:
        super().__init__(debt.sentence)


def debt_of(operator: User, session: SessionBase | Mapping[str, Any]) -> Debt | None:
    """What this operator owes in this session. A site may begin to demand a second factor while sign-ins are open."""
    if owes_password(operator):
        return OWN_PASSWORD
    if is_demanded(operator) and not session.get(SHOWN_ELSEWHERE) and not is_on(operator):
        return SECOND_FACTOR
    return None
