"""Is this the operator's password? The one way in for the page and for programs, with its limits."""

from __future__ import annotations

import math
import os
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Final

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from security.sign_in import limits, one_time
from security.sign_in.failures import tell_failure, tell_refusal

AT_ONCE: Final = max(1, (os.cpu_count() or 1) // 4)
"""Passwords checked at the same time in this process. Each waits, then asks whether it may still be tried: so many
tries in parallel are no way around the limits."""
_turns = BoundedSemaphore(AT_ONCE)

NOT_THEIRS: Final = _("Please enter a correct username and password. Capital letters count.")
USED_ALREADY: Final = _(
    "This one-time password was used already. Ask an administrator for a new one, or run on the server: "
    "manage.py create_first_operator --again"
)


class SignInRefused(Exception):
    """str() is a sentence for whoever tries to sign in."""

    code = "sign_in_refused"


class WrongPassword(SignInRefused):
    code = "wrong_password"


class OneTimePasswordUsed(SignInRefused):
    """The password is right, but it was good for one sign-in, which has been."""

    code = "one_time_password_used"


class TooManyTries(SignInRefused):
    """Answer with status 429 and Retry-After."""

    code = "too_many_tries"

    def __init__(self, wait: timedelta) -> None:
        self.seconds = math.ceil(wait.total_seconds())
        time = in_words(timedelta(seconds=self.seconds))
        super().__init__(gettext("Too many wrong passwords. Try again in {time}.").format(time=time))


def check_password(*, name: str, password: str, address: str) -> User:
    """The active operator whose name and password these are. It signs nobody in.

    address: the client's (security.addresses.client_address). Takes some 0.2 s of a core, and waits for its turn: call
    it outside of transactions. Raises TooManyTries (before any password is looked at), WrongPassword and
    OneTimePasswordUsed.
    """
    with _turns:
        trial = limits.trial_of(name, address)
        if wait := limits.wait_for(trial):
            refusal = TooManyTries(wait)
            tell_refusal(trial, seconds=refusal.seconds)
            raise refusal
        operator = authenticate(None, username=name, password=password)
        if operator is None or trial.operator is None:
            raise _failed(trial, WrongPassword(NOT_THEIRS))
        if not one_time.use(operator, stored=trial.operator.password):
            raise _failed(trial, OneTimePasswordUsed(USED_ALREADY))
        return operator


def _failed(trial: limits.Trial, refusal: SignInRefused) -> SignInRefused:
    tell_failure(trial, reason=refusal.code, failures=limits.count_failure(trial))
    return refusal


def in_words(time: timedelta) -> str:
    """ "30 seconds", "2 minutes", "2 hours": rounded up."""
    seconds = math.ceil(time.total_seconds())
    for size in (3600, 60):
        if seconds >= size and (seconds % size == 0 or seconds > 2 * size):
            return _counted(size, math.ceil(seconds / size))
    return _counted(1, seconds)


def _counted(size: int, count: int) -> str:
    if size == 3600:
        return ngettext("{count} hour", "{count} hours", count).format(count=count)
    if size == 60:
        return ngettext("{count} minute", "{count} minutes", count).format(count=count)
    return ngettext("{count} second", "{count} seconds", count).format(count=count)
