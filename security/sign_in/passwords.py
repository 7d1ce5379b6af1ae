"""How an operator's own password changes."""

from __future__ import annotations

import logging

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.db import transaction

from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.models import OneTimePassword

logger = logging.getLogger("facesite.sign_in")


def change_password(*, actor: User, new_password: str, session_key: str) -> None:
    """Set the actor's own password and end the actor's other sign-ins. Who knows the old one is for the caller to ask.

    session_key: of the browser that asks. Its session ends as well, unless update_session_auth_hash() follows.
    Raises ValidationError where Django's validators object.
    """
    validate_password(new_password, actor)
    actor.set_password(new_password)
    with transaction.atomic():
        actor.save(update_fields=["password"])
        OneTimePassword.objects.filter(operator=actor).delete()
        others = Session.objects.filter(sign_in__operator=actor).exclude(pk=session_key)
        ended = len(others)
        others.delete()
        record(Action.PASSWORD_CHANGED, actor=actor, target=actor.pk, sign_ins_ended=ended)
    log_event(logger, "password_changed", actor=actor.pk)
