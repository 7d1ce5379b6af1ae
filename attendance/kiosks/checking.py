"""Is this token a kiosk's, and may that kiosk go on? Open sockets ask all the time, so one query answers for all.

A change is heard at once in the process that made it, and within FRESH_S in every other one.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import DEFAULT_DB_ALIAS

from attendance.kiosks.tokens import token_digest_of
from attendance.models import Kiosk, KioskActor

FRESH_S: Final = 2.0
"""How long a process may go on with a kiosk that another process has revoked."""


@dataclass(frozen=True, slots=True)
class KioskState:
    """A paired kiosk as it was read a moment ago. Two that differ are two screens: the page loads again."""

    pk: int
    uuid: str
    name: str
    place: str
    mode: str
    sound: bool
    account_id: int
    account_name: str
    digest: str
    camera_flagged: bool

    def actor(self) -> KioskActor:
        """Who the services are told asks for it."""
        actor = KioskActor(pk=self.account_id, username=self.account_name, is_active=False)
        actor._state.adding, actor._state.db = False, DEFAULT_DB_ALIAS
        actor.kiosk_id = self.pk
        return actor


def find_kiosk(token: str) -> KioskState | None:
    """The kiosk of this token; None: there is none, or it was revoked. One query."""
    digest = token_digest_of(token)
    row = Kiosk.objects.select_related("account").filter(token_digest=digest, revoked_at=None).first()
    if row is None or not hmac.compare_digest(row.token_digest or "", digest):
        return None
    return _state_of(row)


def _state_of(row: Kiosk) -> KioskState:
    return KioskState(
        pk=row.pk,
        uuid=str(row.uuid),
        name=row.name,
        place=row.place,
        mode=row.mode,
        sound=row.sound,
        account_id=row.account_id,
        account_name=row.account.get_username(),
        digest=row.token_digest or "",
        camera_flagged=row.camera_changed_at is not None,
    )


class Roster:
    """All kiosks that are paired and not revoked, and the sockets of this process that want to hear of changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[int, KioskState] = {}
        self._read_at = float("-inf")
        self._listeners: dict[int, set[Callable[[], None]]] = {}

    def is_unchanged(self, kiosk: KioskState) -> bool:
        """Whether this was the device's state within FRESH_S; never touches the database. False: ask state_of()."""
        with self._lock:
            fresh = time.monotonic() - self._read_at < FRESH_S
            return fresh and self._states.get(kiosk.pk) == kiosk

    def state_of(self, kiosk: KioskState) -> KioskState | None:
        """The same device's state now; None: it is out. Reads the database at most once in FRESH_S for all kiosks."""
        with self._lock:
            if time.monotonic() - self._read_at >= FRESH_S:
                self._read_at = time.monotonic()  # before: what changes meanwhile is read next time
                rows = Kiosk.objects.select_related("account").filter(revoked_at=None, token_digest__isnull=False)
                self._states = {row.pk: _state_of(row) for row in rows}
            state = self._states.get(kiosk.pk)
        return state if state and hmac.compare_digest(state.digest, kiosk.digest) else None

    def listen(self, pk: int, listener: Callable[[], None]) -> None:
        """listener: called from any thread when the kiosk of this primary key has changed."""
        with self._lock:
            self._listeners.setdefault(pk, set()).add(listener)

    def leave(self, pk: int, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listeners.get(pk, set()).discard(listener)

    def forget(self, pk: int | None = None) -> None:
        """The next look reads the database; the sockets of this kiosk look at once."""
        with self._lock:
            self._read_at = float("-inf")
            listeners = list(self._listeners.get(pk, ())) if pk else []
        for listener in listeners:
            listener()


roster = Roster()
"""The process's own."""


def tell_change(pk: int) -> None:
    """Call it after the commit of whatever was changed about this kiosk."""
    roster.forget(pk)
