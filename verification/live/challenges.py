"""How often a challenge may be tried. Kept in the database, so that it holds across sockets and processes."""

from __future__ import annotations

import hashlib
import logging
import math
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from recognizer.reasons import Reason
from security.allowing import require
from security.events import log_event
from security.rights import Right
from verification.models import ChallengeTry

FAILURES_ALLOWED = 5
WINDOW = timedelta(minutes=3)

logger = logging.getLogger("facesite.verification")


def begin_try(*, actor: AbstractBaseUser, session_key: str) -> ChallengeTry | int:
    """A new try, or the seconds to wait when this session has failed five times within three minutes.

    A try counts as failed until `end_try` says that it was passed.
    """
    require(actor, Right.VERIFY, Right.USE_KIOSK)
    now = timezone.now()
    session = hashlib.sha256(session_key.encode()).hexdigest()
    with transaction.atomic():
        # Two sockets of one operator wait for each other here, so that neither overlooks the other's try.
        get_user_model()._default_manager.select_for_update().get(pk=actor.pk)
        failed = ChallengeTry.objects.filter(session=session, passed=False, at__gt=now - WINDOW).order_by("-at")
        latest = list(failed.values_list("at", flat=True)[:FAILURES_ALLOWED])
        if len(latest) == FAILURES_ALLOWED:
            return max(1, math.ceil((latest[-1] + WINDOW - now).total_seconds()))
        return ChallengeTry.objects.create(session=session, at=now)


def end_try(*, challenge_try: ChallengeTry, passed: bool, code: Reason) -> None:
    """Write down how it ended. code: one of the challenge's reasons."""
    challenge_try.at, challenge_try.passed, challenge_try.code = timezone.now(), passed, code
    challenge_try.save(update_fields=["at", "passed", "code"])
    log_event(logger, "challenge", code=code)
