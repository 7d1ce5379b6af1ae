"""The writes about kiosks: made, paired, changed, revoked; their camera; when they were last seen."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.kiosks.checking import KioskState, roster, tell_change
from attendance.kiosks.tokens import (
    CODE_LASTS,
    camera_digest_of,
    code_digest_of,
    new_code,
    new_token,
    token_digest_of,
)
from attendance.models import Kiosk
from security.actors import Actor
from security.addresses import client_group
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.rights import Right
from security.sign_in import limits

logger = logging.getLogger("facesite.kiosks")

SEEN_NOTED_EVERY: Final = timedelta(minutes=1)
MOST_LABEL: Final = 100


class PairingRefused(Exception):
    """The device was not paired. str() is a sentence for whoever holds it."""

    code = "pairing_refused"


class WrongCode(PairingRefused):
    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__(
            _(
                "This code does not count, or its time is over. Ask for a new one: an operator makes it under Site, "
                "Kiosks."
            )
        )


class TooManyCodes(PairingRefused):
    code = "too_many_tries"

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, round(wait.total_seconds()))
        super().__init__(
            ngettext(
                "Too many wrong codes came from here. Wait {seconds} second, then try again.",
                "Too many wrong codes came from here. Wait {seconds} seconds, then try again.",
                self.seconds,
            ).format(seconds=self.seconds)
        )


def create_kiosk(*, actor: Actor | None, name: str, place: str, mode: str, sound: bool) -> tuple[Kiosk, str]:
    """A kiosk without a device, and the code that pairs one; it is shown once. Raises NotAllowed, ValidationError."""
    require(actor, Right.MANAGE_SITE)
    kiosk = Kiosk(name=clean_text(name), place=clean_text(place), mode=mode, sound=sound)
    kiosk.created_by = actor  # type: ignore[assignment]  # AUTH_USER_MODEL is whatever the login was
    account = User(username=account_name(kiosk), is_active=False)
    account.set_unusable_password()
    with transaction.atomic():
        check_name(kiosk)
        account.save(force_insert=True)
        kiosk.account = account
        code = _give_code(kiosk)
        kiosk.full_clean(exclude={"account", "created_by"})
        kiosk.save(force_insert=True)
        record(Action.KIOSK_CREATED, actor=actor, target=kiosk.uuid, **_settings(kiosk))
    return kiosk, code


def change_kiosk(*, actor: Actor | None, kiosk: Kiosk, name: str, place: str, mode: str, sound: bool) -> None:
    """Other settings; an open screen follows at once. Raises NotAllowed, ValidationError."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        kiosk = Kiosk.objects.select_for_update().get(pk=kiosk.pk)
        before = _settings(kiosk)
        kiosk.name, kiosk.place, kiosk.mode, kiosk.sound = clean_text(name), clean_text(place), mode, sound
        check_name(kiosk)
        kiosk.full_clean(exclude={"account", "created_by"})
        kiosk.save(update_fields=["name", "place", "mode", "sound"])
        User.objects.filter(pk=kiosk.account_id).update(username=account_name(kiosk))
        record(Action.KIOSK_CHANGED, actor=actor, target=kiosk.uuid, before=before, after=_settings(kiosk))
        transaction.on_commit(partial(tell_change, kiosk.pk))


def make_code(*, actor: Actor | None, kiosk: Kiosk) -> str:
    """A new code, the only one that counts. The device that is paired now goes on until the code is used.

    Raises NotAllowed, and ValidationError for a kiosk that was revoked.
    """
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        kiosk = Kiosk.objects.select_for_update().get(pk=kiosk.pk)
        if kiosk.revoked_at:
            raise ValidationError(_("This kiosk was revoked. Add another one."))
        code = _give_code(kiosk)
        kiosk.save(update_fields=["code_digest", "code_expires_at"])
        record(Action.KIOSK_CODE_MADE, actor=actor, target=kiosk.uuid)
    return code


def pair_kiosk(*, code: str, address: str) -> tuple[Kiosk, str]:
    """The kiosk of this code and the token by which the device is known from now on. The code is used up.

    The device that had been paired before is out. address: the client's (security.addresses.client_address).
    Raises WrongCode, and TooManyCodes before any code is looked at.
    """
    trial = limits.trial_of_thing("kiosk code", client_group(address), limits.ADDRESS)
    if wait := limits.wait_for(trial):
        raise TooManyCodes(wait)
    token, now = new_token(), timezone.now()
    fresh = {"token_digest": token_digest_of(token), "paired_at": now, "last_seen_at": None}
    used = {"code_digest": None, "code_expires_at": None}
    camera: dict[str, Any] = dict.fromkeys(
        ("camera_digest", "camera_label", "new_camera_digest", "new_camera_label"), ""
    )
    with transaction.atomic():
        open_codes = Kiosk.objects.filter(code_digest=code_digest_of(code), code_expires_at__gt=now, revoked_at=None)
        kiosk = open_codes.first()
        if kiosk and open_codes.update(**fresh, **used, **camera, camera_changed_at=None):
            record(Action.KIOSK_PAIRED, actor=None, target=kiosk.uuid, again=kiosk.paired_at is not None)
            transaction.on_commit(partial(tell_change, kiosk.pk))
            return kiosk, token
    failures = limits.count_failure(trial)
    log_event(logger, "kiosk_code_wrong", level=logging.WARNING, failures=failures, address=address)
    raise WrongCode


def revoke_kiosk(*, actor: Actor | None, kiosk: Kiosk) -> bool:
    """Refuse the device from now on, and close its socket. False: it was revoked already."""
    require(actor, Right.MANAGE_SITE)
    gone: dict[str, Any] = {"token_digest": None, "code_digest": None, "code_expires_at": None}
    with transaction.atomic():
        if not Kiosk.objects.filter(pk=kiosk.pk, revoked_at=None).update(revoked_at=timezone.now(), **gone):
            return False
        record(Action.KIOSK_REVOKED, actor=actor, target=kiosk.uuid)
        transaction.on_commit(partial(tell_change, kiosk.pk))
    return True


def note_camera(*, kiosk: KioskState, device: str, label: str) -> bool:
    """Whether the kiosk may decide with this camera. The first one after pairing is its camera from then on.

    Another one raises a flag and is on record; the kiosk decides nothing until somebody has accepted it.
    """
    digest, label = camera_digest_of(device, label), label[:MOST_LABEL]
    with transaction.atomic():
        row = Kiosk.objects.select_for_update().get(pk=kiosk.pk)
        if not row.camera_digest:
            row.camera_digest, row.camera_label = digest, label
        elif row.camera_digest == digest:
            row.new_camera_digest, row.new_camera_label = "", ""  # it is back; the flag is for a person to take down
        elif row.new_camera_digest == digest:
            return False
        else:
            row.new_camera_digest, row.new_camera_label, row.camera_changed_at = digest, label, timezone.now()
            record(Action.KIOSK_CAMERA_CHANGED, actor=None, target=row.uuid)
            transaction.on_commit(roster.forget)
            log_event(logger, "kiosk_camera_changed", level=logging.WARNING, kiosk=str(row.uuid))
        row.save(update_fields=[*_CAMERA, "camera_digest", "camera_label"])
        return row.camera_changed_at is None


_CAMERA: Final = ("new_camera_digest", "new_camera_label", "camera_changed_at")


def accept_camera(*, actor: Actor | None, kiosk: Kiosk) -> bool:
    """Somebody has looked at the device: its other camera is the kiosk's from now on. False: there was no flag."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        row = Kiosk.objects.select_for_update().get(pk=kiosk.pk)
        if row.camera_changed_at is None:
            return False
        if row.new_camera_digest:
            row.camera_digest, row.camera_label = row.new_camera_digest, row.new_camera_label
        row.new_camera_digest, row.new_camera_label, row.camera_changed_at = "", "", None
        row.save(update_fields=[*_CAMERA, "camera_digest", "camera_label"])
        record(Action.KIOSK_CAMERA_ACCEPTED, actor=actor, target=row.uuid)
        transaction.on_commit(partial(tell_change, row.pk))
    return True


def note_seen(*, kiosk: KioskState) -> None:
    """The device has just been heard of. At most one write a minute."""
    now = timezone.now()
    long_ago = Q(last_seen_at=None) | Q(last_seen_at__lte=now - SEEN_NOTED_EVERY)
    Kiosk.objects.filter(long_ago, pk=kiosk.pk).update(last_seen_at=now)


def account_name(kiosk: Kiosk) -> str:
    """As history and MQTT name it."""
    return f"Kiosk {kiosk.name}"


def check_name(kiosk: Kiosk) -> None:
    """Raises ValidationError where another account has the name that the kiosk's would have."""
    others = User.objects.filter(username__iexact=account_name(kiosk)).exclude(pk=kiosk.account_id)
    if others.exists():
        raise ValidationError({"name": _("There is, or was, a kiosk of this name. Choose another one.")})


def clean_text(text: str) -> str:
    return " ".join(text.split())


def _give_code(kiosk: Kiosk) -> str:
    code = new_code()
    kiosk.code_digest, kiosk.code_expires_at = code_digest_of(code), timezone.now() + CODE_LASTS
    return code


def _settings(kiosk: Kiosk) -> Mapping[str, Any]:
    """For the trail, which holds no words that people chose."""
    return {"mode": kiosk.mode, "sound": kiosk.sound}
