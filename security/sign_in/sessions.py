"""Who is signed in where, and how long that lasts: until somebody ends it, nobody uses it, or its time is over."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from security.audit.actions import Action
from security.audit.recording import record
from security.models import SignIn
from security.sign_in.browsers import browser_in_words
from security.sign_in.owing import Debt, debt_of

NOTED_EVERY: Final = timedelta(minutes=1)
"""Uses within it are not written down."""
SWEPT_AT_ONCE: Final = 500


def idle_limit() -> timedelta:
    return timedelta(minutes=settings.FACESITE_IDLE_MINUTES)


def lifetime() -> timedelta:
    return timedelta(hours=settings.FACESITE_SIGN_IN_HOURS)


def begin_sign_in(*, session_key: str, operator: User, address: str, user_agent: str) -> SignIn:
    """Note a session that an operator has signed in to. A note that is there already stays as it is."""
    now = timezone.now()
    facts = {
        "operator": operator,
        "address": address,
        "browser": browser_in_words(user_agent),
        "began_at": now,
        "last_used_at": now,
    }
    return SignIn.objects.get_or_create(session_id=session_key, defaults=facts)[0]


def sign_in_of(session_key: str) -> SignIn | None:
    """The session's note, with what debt_of() needs."""
    rows = SignIn.objects.select_related("operator__one_time_password")
    return rows.filter(session_id=session_key).first()


def why_ended(sign_in: SignIn, *, now: datetime | None = None) -> str:
    """A value of SignIn.Ended; empty while it lasts."""
    now = now or timezone.now()
    if sign_in.ended:
        return sign_in.ended
    if now - sign_in.last_used_at > idle_limit():
        return SignIn.Ended.IDLE.value
    return SignIn.Ended.LIFETIME.value if now - sign_in.began_at > lifetime() else ""


def note_use(sign_in: SignIn) -> None:
    """Somebody uses it now. Written at most once a minute; a database that cannot be written loses only this."""
    now = timezone.now()
    if now - sign_in.last_used_at >= NOTED_EVERY:
        with suppress(OperationalError):
            SignIn.objects.filter(pk=sign_in.pk, ended="").update(last_used_at=now)


def note_end(sign_in: SignIn, reason: str) -> None:
    """It has ended by itself, and stays ended whatever the limits become."""
    if not sign_in.ended:
        with suppress(OperationalError):
            SignIn.objects.filter(pk=sign_in.pk).update(ended=reason)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a session is worth now."""

    operator: User | None = None
    """None: signed out."""
    debt: Debt | None = None
    """Nothing but paying it is open to the operator."""


def standing_of(session_key: str, *, in_use: bool = False) -> Standing:
    """For sockets and programs. in_use: the operator used it since the last call.

    It reads, and notes a use. (django.contrib.auth.get_user would flush a stale session or give it a new key, and the
    browser's cookie could not follow.)
    """
    if not session_key:
        return Standing()
    data = import_module(settings.SESSION_ENGINE).SessionStore(session_key).load()
    operators = get_user_model()._default_manager.select_related("one_time_password")
    operator = operators.filter(pk=data.get(SESSION_KEY), is_active=True).first()
    if operator is None:
        return Standing()
    presented = data.get(HASH_SESSION_KEY, "")
    hashes = [operator.get_session_auth_hash(), *operator.get_session_auth_fallback_hash()]
    if not any(constant_time_compare(presented, known) for known in hashes):
        return Standing()
    sign_in = SignIn.objects.filter(session_id=session_key).first()
    if sign_in and why_ended(sign_in):
        return Standing()
    if sign_in and in_use:
        note_use(sign_in)
    return Standing(operator, debt_of(operator, data))


def operator_of_session(session_key: str) -> User | None:
    """Who may do something in this session; None: nobody (any more)."""
    standing = standing_of(session_key)
    return None if standing.debt else standing.operator


def sign_ins_of(operator: User) -> list[SignIn]:
    """Those that last, the most recently used first."""
    now = timezone.now()
    rows = SignIn.objects.filter(
        operator=operator, ended="", last_used_at__gte=now - idle_limit(), began_at__gte=now - lifetime()
    )
    return list(rows)


def end_sign_ins(*, actor: User, but: str, only: int | None = None) -> int:
    """End the actor's other sign-ins, or one of them. Their sockets close within seconds. Returns how many ended.

    but: the session key of the browser that asks. only: a SignIn's primary key.
    """
    chosen = SignIn.objects.filter(operator=actor).exclude(session_id=but)
    if only is not None:
        chosen = chosen.filter(pk=only)
    with transaction.atomic():
        keys = list(chosen.values_list("session_id", flat=True))
        Session.objects.filter(pk__in=keys).delete()
        if keys:
            record(Action.SIGN_INS_ENDED, actor=actor, target=actor.pk, sign_ins=len(keys))
    return len(keys)


def end_all_sign_ins(operator: User) -> None:
    """End every session of somebody who may not sign in any more. Who may do this is for the caller to ask.

    A session that was never used since it began has no note yet, so it must say itself whose it is.
    """
    Session.objects.filter(sign_in__operator=operator).delete()
    for session in Session.objects.filter(sign_in=None, expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(operator.pk):
            session.delete()


def move_sign_in(sign_in: SignIn | None, *, session_key: str) -> None:
    """After a new password the session has a new key; the sign-in is the same."""
    if sign_in is not None and sign_in.session_id != session_key:
        sign_in.pk, sign_in.session_id = None, session_key
        sign_in.save(force_insert=True)


def forget_old_sessions() -> None:
    """Delete sessions that ended by themselves a day ago or more, which nobody needs to be told about any more."""
    day_ago = timezone.now() - timedelta(days=1)
    over = Q(last_used_at__lt=day_ago - idle_limit()) | Q(began_at__lt=day_ago - lifetime())
    keys = list(SignIn.objects.filter(over).values_list("session_id", flat=True)[:SWEPT_AT_ONCE])
    keys += Session.objects.filter(expire_date__lt=timezone.now()).values_list("pk", flat=True)[:SWEPT_AT_ONCE]
    Session.objects.filter(pk__in=keys).delete()
