"""Codes are tried within the limits of passwords: the same counts, so that no guesser has two of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import BoundedSemaphore

from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext as _

from security.sign_in import limits
from security.sign_in.checking import TooManyTries, in_words
from security.sign_in.failures import tell_failure, tell_refusal
from security.sign_in.second_factor import WrongCode

_turns = BoundedSemaphore(1)
"""One code at a time in a process: tries in parallel would all ask the limits before one of them counts."""


class TooManyCodes(TooManyTries):
    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        time = in_words(timedelta(seconds=self.seconds))
        self.args = (_("Too many wrong codes. Try again in {time}.").format(time=time),)


@contextmanager
def within_limits(operator: AbstractBaseUser, *, address: str) -> Iterator[None]:
    """Around a service that takes a code: a WrongCode from inside counts as a wrong password does.

    address: the client's (security.addresses.client_address). Raises TooManyCodes before anything was tried.
    """
    with _turns:
        trial = limits.trial_of(operator.get_username(), address)
        if wait := limits.wait_for(trial):
            refusal = TooManyCodes(wait)
            tell_refusal(trial, seconds=refusal.seconds)
            raise refusal
        try:
            yield
        except WrongCode:
            tell_failure(trial, reason="wrong_code", failures=limits.count_failure(trial))
            raise
