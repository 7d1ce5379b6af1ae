"""The second factor of a sign-in: an authenticator app (TOTP, RFC 6238) and ten recovery codes on paper.

An operator sets it up, changes and ends it; an administrator resets it; the site's FACESITE_SECOND_FACTOR demands it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AbstractUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.models import RecoveryCode, SecondFactor
from security.rights import Right
from security.sign_in import codes
from security.sign_in.sealing import Unreadable, secret_of, store_secret

logger = logging.getLogger("facesite.sign_in")
SET_UP_TIME = timedelta(minutes=30)
"""A secret that was shown and not confirmed within this time is replaced by a new one."""
SHOWN_ELSEWHERE = "second_factor_shown_elsewhere"
"""In the session of somebody whose OpenID provider has asked for a second factor."""


class SecondFactorRefused(Exception):
    """str() is a sentence for the operator."""


class WrongCode(SecondFactorRefused):
    """Counts against the limit of tries."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an operator's account page says of it."""

    is_on: bool
    is_demanded: bool
    recovery_codes: int


def standing_of(operator: AbstractBaseUser) -> Standing:
    return Standing(is_on(operator), is_demanded(operator), recovery_codes_left(operator))


def is_on(operator: AbstractBaseUser) -> bool:
    """Whether the operator's sign-in asks for a code."""
    return SecondFactor.objects.filter(operator_id=operator.pk, confirmed=True).exists()


def is_demanded(operator: AbstractBaseUser) -> bool:
    """Whether the site lets this operator in only with a second factor."""
    if settings.FACESITE_SECOND_FACTOR == "staff":
        return cast(AbstractUser, operator).is_staff
    return bool(settings.FACESITE_SECOND_FACTOR == "required")


def recovery_codes_left(operator: AbstractBaseUser) -> int:
    return RecoveryCode.objects.filter(second_factor__operator_id=operator.pk, second_factor__confirmed=True).count()


def begin_set_up(*, actor: AbstractBaseUser) -> bytes:
    """The secret that the operator's new app shall learn: the same one until it is confirmed, or half an hour old.

    An app that is on already goes on until the new one is confirmed.
    """
    with transaction.atomic():
        _lock(actor)
        pending = SecondFactor.objects.filter(operator_id=actor.pk, confirmed=False).first()
        if pending and pending.created_at > timezone.now() - SET_UP_TIME:
            try:
                return _secret_of(pending)
            except SecondFactorRefused:
                pass  # it cannot be read any more: a new one
        if pending:
            pending.delete()
        secret = codes.new_secret()
        store_secret(secret, operator_id=actor.pk)
    return secret


def confirm_set_up(*, actor: AbstractBaseUser, code: str) -> list[str]:
    """Turn the second factor on once the app has shown that it knows the secret. Returns the recovery codes.

    They are stored as digests, so this is the only time that they can be shown. Raises WrongCode.
    """
    with transaction.atomic():
        _lock(actor)
        pending = SecondFactor.objects.filter(operator_id=actor.pk, confirmed=False).first()
        if pending is None or pending.created_at <= timezone.now() - SET_UP_TIME:
            raise SecondFactorRefused(_("This took more than half an hour: begin again, with a new code to scan."))
        step = codes.step_of(_secret_of(pending), code, after=0)
        if step is None:
            raise WrongCode(_("This is not the app's present code. Wait for its next one and type that."))
        replaced, __ = SecondFactor.objects.filter(operator_id=actor.pk, confirmed=True).delete()
        pending.confirmed, pending.last_step = True, step
        pending.save()
        written = _write_recovery_codes(pending)
        record(Action.SECOND_FACTOR_SET_UP, actor=actor, target=actor.pk, replaced=bool(replaced))
    log_event(logger, "second_factor_set_up", operator=actor.pk)
    return written


def check_code(*, operator: AbstractBaseUser, code: str) -> None:
    """Take the app's present code, which counts once, or a recovery code, which is gone then. Raises WrongCode."""
    with transaction.atomic():
        used_recovery_code = _use_code(operator, code)
        if used_recovery_code:
            left = recovery_codes_left(operator)
            record(Action.RECOVERY_CODE_USED, actor=operator, target=operator.pk, left=left)
    if used_recovery_code:
        log_event(logger, "recovery_code_used", level=logging.WARNING, operator=operator.pk, left=left)


def renew_recovery_codes(*, actor: AbstractBaseUser, code: str) -> list[str]:
    """Ten new codes instead of all older ones, for somebody who shows a code first. Raises WrongCode."""
    with transaction.atomic():
        by_recovery_code = _use_code(actor, code)
        factor = SecondFactor.objects.get(operator_id=actor.pk, confirmed=True)
        factor.recovery_codes.all().delete()
        written = _write_recovery_codes(factor)
        record(Action.RECOVERY_CODES_RENEWED, actor=actor, target=actor.pk, by_recovery_code=by_recovery_code)
    return written


def switch_off(*, actor: AbstractBaseUser, code: str) -> None:
    """End the second factor. The page has asked for the password. Raises SecondFactorRefused, WrongCode."""
    if is_demanded(actor):
        raise SecondFactorRefused(
            _("This site asks for a second factor, so it cannot be switched off. Set up a new app.")
        )
    with transaction.atomic():
        by_recovery_code = _use_code(actor, code)
        SecondFactor.objects.filter(operator_id=actor.pk).delete()
        record(Action.SECOND_FACTOR_SWITCHED_OFF, actor=actor, target=actor.pk, by_recovery_code=by_recovery_code)
    log_event(logger, "second_factor_switched_off", operator=actor.pk)


def reset_second_factor(*, actor: Actor | None, operator: AbstractBaseUser) -> None:
    """Take away the app and the recovery codes of somebody who has lost both. Raises NotAllowed.

    Nothing happens where there is no second factor. The next sign-in asks for the password alone, or leads to a new
    set-up where the site demands one.
    """
    require(actor, Right.MANAGE_OPERATORS)
    with transaction.atomic():
        _lock(operator)
        deleted, __ = SecondFactor.objects.filter(operator_id=operator.pk).delete()
        if deleted:
            record(Action.SECOND_FACTOR_RESET, actor=actor, target=operator.pk)
    if deleted:
        log_event(logger, "second_factor_reset", actor=actor_id(actor), operator=operator.pk)


def _use_code(operator: AbstractBaseUser, code: str) -> bool:
    """Whether it was a recovery code. The row is locked, so that no code counts twice at the same moment."""
    factor = SecondFactor.objects.select_for_update().filter(operator_id=operator.pk, confirmed=True).first()
    if factor is None:
        raise SecondFactorRefused(_("The second factor is off: there is no code to ask for."))
    used, __ = factor.recovery_codes.filter(digest=codes.recovery_digest(code)).delete()
    if used:
        return True
    step = codes.step_of(_secret_of(factor), code, after=factor.last_step)
    if step is None:
        raise WrongCode(
            _("This code does not count: it is wrong, too old, or was used before. Type the app's next one.")
        )
    SecondFactor.objects.filter(pk=factor.pk).update(last_step=step)
    return False


def _write_recovery_codes(factor: SecondFactor) -> list[str]:
    written: Sequence[str] = codes.new_recovery_codes()
    rows = [RecoveryCode(second_factor=factor, digest=codes.recovery_digest(code)) for code in written]
    RecoveryCode.objects.bulk_create(rows)
    return list(written)


def _secret_of(factor: SecondFactor) -> bytes:
    try:
        return secret_of(factor)
    except Unreadable:
        log_event(logger, "second_factor_unreadable", level=logging.ERROR, operator=factor.operator_id)
        raise SecondFactorRefused(
            _(
                "This site cannot read your app's secret any more. Use a recovery code, or ask an administrator to "
                "reset your second factor."
            )
        ) from None


def _lock(operator: AbstractBaseUser) -> None:
    """One change of an operator's second factor at a time."""
    get_user_model().objects.select_for_update().filter(pk=operator.pk).values_list("pk").first()
