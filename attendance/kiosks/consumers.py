"""/ws/kiosk/: the live page's recogniser and decisions, for a screen that everybody may read."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.kiosks.checking import KioskState, roster
from attendance.kiosks.greeting import greeting_of, number_refused, welcome
from attendance.kiosks.protocol import (
    GreetingMessage,
    NumberMessage,
    TypedNumber,
    greeting_message,
    hello_message,
    number_message,
    parse_camera,
    parse_number,
    result_message,
)
from attendance.kiosks.services import SEEN_NOTED_EVERY, note_camera, note_seen
from attendance.punches.badges import NumberRefused, enter_number
from enrollment.reasons import EnrollmentReason
from enrollment.runtime.database import run_in_database_thread
from enrollment.streaming.protocol import NotTheProtocol
from enrollment.streaming.sockets import Frame
from recognizer.search.galleries import Gallery
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy
from security.rights import Right
from verification.live.consumers import VerificationConsumer
from verification.live.session import Configure, LiveResult
from verification.models import VerificationAttempt

OTHER_CAMERA = {
    "type": "camera_refused",
    "title": _("This kiosk has another camera now"),
    "text": _("Somebody of the staff must look at it first. Until then, use your PIN or badge number."),
}
ASKED = Configure(VerificationAttempt.Mode.IDENTIFY, None)


class KioskConsumer(VerificationConsumer):
    """A socket that only its own device can open. It ends at once when the kiosk is revoked."""

    rights = (Right.USE_KIOSK,)
    source: ClassVar[str] = VerificationAttempt.Source.KIOSK
    session_check_seconds: ClassVar[float] = 2.0
    """A look into what this process knows: one query for all kiosks together."""
    kiosk: KioskState
    _noted_at = float("-inf")

    async def connect(self) -> None:
        self.kiosk = self.scope["kiosk"]  # None: then nobody is welcome
        await super().connect()

    async def on_connected(self) -> None:
        self._loop = asyncio.get_running_loop()
        roster.listen(self.kiosk.pk, self._look_soon)
        await super().on_connected()
        await self._note_seen()

    async def greet(self, policy: DecisionPolicy, gallery: Gallery) -> None:
        await self.send_message(hello_message(frame_bytes=self.frame_bytes, frames_per_second=self.frames_per_second))

    async def on_message(self, message: dict[str, Any]) -> None:
        try:
            if message["type"] == "configure":
                await self._pin(message)
            elif message["type"] == "again":
                await self._again()
            elif message["type"] == "number":
                await self._enter(parse_number(message))
            elif message["type"] == "here":
                await self._note_seen()
            else:
                await self.reject_message(EnrollmentReason.MESSAGE_UNKNOWN)
        except NotTheProtocol as error:
            await self.reject_message(EnrollmentReason.MESSAGE_INVALID, str(error))

    async def on_closed(self) -> None:
        if kiosk := self.scope["kiosk"]:
            roster.leave(kiosk.pk, self._look_soon)
        await super().on_closed()

    async def tell_result(self, result: LiveResult, names: Mapping[str, str], frame: Frame) -> None:
        await self.send_message(result_message(result, seq=frame.seq, dropped=frame.dropped))

    async def tell_decision(self, decision: Decision, names: Mapping[str, str], attempt: VerificationAttempt) -> None:
        def work() -> GreetingMessage:
            return greeting_message(greeting_of(attempt, self.kiosk.mode), decision.track)

        await self.send_message(await run_in_database_thread(work))

    async def _pin(self, message: Mapping[str, Any]) -> None:
        """The device says which camera it has; frames count only from the one that it is pinned to."""
        self._live = None
        camera = parse_camera(message)
        if await run_in_database_thread(note_camera, kiosk=self.kiosk, device=camera.device, label=camera.label):
            await self._start_session(ASKED)
        else:
            self.kiosk = replace(self.kiosk, camera_flagged=True)
            await self.send_message(OTHER_CAMERA)

    async def _again(self) -> None:
        """New tracks: whoever was refused is looked at once more."""
        if self._live is not None:
            await self._start_session(ASKED)

    async def _enter(self, typed: TypedNumber) -> None:
        """A PIN or badge number. It counts without a camera too."""

        def work() -> NumberMessage:
            at = timezone.now() - typed.age
            try:
                entered = enter_number(actor=self.operator, key=typed.key, number=typed.number, at=at)
            except NumberRefused as refusal:
                return number_message(typed.key, number_refused(refusal), final=refusal.is_final)
            greeting = welcome(entered.person, entered.punch, mode=self.kiosk.mode, at=entered.at)
            return number_message(typed.key, greeting, final=True)

        await self.send_message(await run_in_database_thread(work))

    async def _note_seen(self) -> None:
        """At most once in SEEN_NOTED_EVERY: most of what an idle kiosk would cost is this write."""
        if time.monotonic() - self._noted_at >= SEEN_NOTED_EVERY.total_seconds():
            self._noted_at = time.monotonic()
            await run_in_database_thread(note_seen, kiosk=self.kiosk)

    async def _stays(self) -> bool:
        """As for every socket; what another kiosk's socket has just read needs no query."""
        return roster.is_unchanged(self.kiosk) or await super()._stays()

    def _look_soon(self) -> None:
        """From any thread: this kiosk has changed."""
        with contextlib.suppress(RuntimeError):  # the loop has just ended, and the socket with it
            asyncio.run_coroutine_threadsafe(self._look(), self._loop)

    async def _look(self) -> None:
        await self._guard(self._check_welcome())

    async def _check_welcome(self) -> None:
        """As for every socket; a kiosk that was changed also loads its page again."""
        if roster.is_unchanged(self.kiosk) or not await self._may_stay():
            return
        now = await run_in_database_thread(roster.state_of, self.kiosk)
        if now is not None and now != self.kiosk:
            self.kiosk = now
            await self.send_message({"type": "reload"})
