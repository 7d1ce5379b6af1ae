"""/ws/verification/: who is in front of the camera, or is it who they say?"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext as _

from enrollment.errors import PersonUnknown
from enrollment.reasons import EnrollmentReason
from enrollment.runtime.database import run_in_database_thread
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import current_gallery, fresh_gallery
from enrollment.runtime.outages import outage_code
from enrollment.streaming.protocol import NotTheProtocol, hello_message
from enrollment.streaming.sockets import Frame, FrameConsumer
from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.search.galleries import Gallery
from recognizer.tracking.challenge import ChallengeState
from recognizer.tracking.challenge_run import ChallengeProgress
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy
from security.events import log_event
from security.rights import Right
from verification.live.challenges import begin_try, end_try
from verification.live.protocol import (
    NOT_CLAIMABLE,
    ChallengeRequest,
    challenge_message,
    challenge_refused_message,
    decision_message,
    parse_challenge,
    parse_configure,
    result_message,
)
from verification.live.session import Configure, LiveResult, LiveSession
from verification.models import ChallengeTry, VerificationAttempt
from verification.policy import Grounds, policy_in_force
from verification.reasons import VerificationReason
from verification.selectors import claimable_person_exists, person_names
from verification.services import current_policy, record_attempt

logger = logging.getLogger("facesite.verification")

POLICY_CHECK_SECONDS = 2.0
"""How long an open live page may go on with a policy that was replaced."""


class VerificationConsumer(FrameConsumer):
    """Parses, lets the engine's pool work on the newest frame, has decisions recorded, answers."""

    rights: ClassVar[tuple[Right, ...]] = (Right.VERIFY, Right.USE_KIOSK)
    source: ClassVar[str] = VerificationAttempt.Source.LIVE
    """What the history calls this socket's decisions."""
    engine: FaceEngine

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._live: LiveSession | None = None
        self._policy_checked = 0.0
        self._policy_id: int | None = None
        self._names: dict[str, str] = {}
        self._names_revision = -1
        self._try: ChallengeTry | None = None

    async def on_connected(self) -> None:
        self.engine = await run_in_database_thread(get_engine)
        policy = await run_in_database_thread(current_policy, self.engine)
        await self.greet(policy, await self._current_gallery())

    async def greet(self, policy: DecisionPolicy, gallery: Gallery) -> None:
        """Say hello."""
        await self.send_message(
            hello_message(
                self.engine,
                policy_for_gallery(policy, gallery.people),
                gallery,
                frame_bytes=self.frame_bytes,
                frames_per_second=self.frames_per_second,
            )
        )

    async def tell_result(self, result: LiveResult, names: Mapping[str, str], frame: Frame) -> None:
        """Answer a frame. names: uuid -> name of those who were matched in it."""
        await self.send_message(result_message(result, names, seq=frame.seq, dropped=frame.dropped))

    async def tell_decision(self, decision: Decision, names: Mapping[str, str], attempt: VerificationAttempt) -> None:
        """Say what was decided; the attempt is in the history."""
        await self.send_message(decision_message(decision, names, attempt))

    async def on_message(self, message: dict[str, Any]) -> None:
        try:
            if message["type"] == "configure":
                await self._configure(message)
            elif message["type"] == "challenge":
                await self._challenge(parse_challenge(message))
            else:
                await self.reject_message(EnrollmentReason.MESSAGE_UNKNOWN)
        except NotTheProtocol as error:
            await self.reject_message(EnrollmentReason.MESSAGE_INVALID, str(error))

    async def _configure(self, message: Mapping[str, Any]) -> None:
        # First of all, so that a refused claim leaves no earlier session that would go on naming people.
        await self._cancel_challenge()
        self._live = None
        configure = parse_configure(message)
        if configure != self.scope.get("only", configure):
            raise NotTheProtocol("This session is for another question.")
        if configure.person is not None and not await run_in_database_thread(claimable_person_exists, configure.person):
            raise PersonUnknown(str(NOT_CLAIMABLE))
        await self._start_session(configure)

    async def on_frame(self, frame: Frame) -> None:
        if self._live is None:
            await self.send_error(EnrollmentReason.NOT_CONFIGURED, seq=frame.seq)
            return
        live = await self._follow_policy(self._live)
        gallery = await self._current_gallery()
        result = await self.run_inference(
            self.engine, live.process, frame.payload, dropped=frame.dropped, gallery=gallery, arrived=frame.arrived
        )
        names = await self._names_of(result, gallery)
        await self.tell_result(result, names, frame)
        if result.outcome.challenge:
            await self._tell_challenge(result.outcome.challenge)
        for decision in result.outcome.decisions:
            await self._decide(live, decision, names, gallery.revision)

    async def on_closed(self) -> None:
        self._live = None

    async def _challenge(self, request: ChallengeRequest) -> None:
        live = self._live
        if live is None:
            await self.send_error(EnrollmentReason.NOT_CONFIGURED)
            return
        await self._cancel_challenge()
        if request.cancel:
            return
        refusal = live.refuse_challenge(request.track)
        if refusal:
            await self.send_message(challenge_refused_message(request.track, refusal))
            return
        begun = await run_in_database_thread(
            begin_try, actor=self.operator, session_key=str(self.scope["session"].session_key)
        )
        if not isinstance(begun, ChallengeTry):
            await self.send_message(
                challenge_refused_message(request.track, VerificationReason.CHALLENGE_WAIT, seconds=begun)
            )
            return
        self._try = begun
        progress = live.begin_challenge(request.track)
        if progress:
            await self._tell_challenge(progress)

    async def _cancel_challenge(self) -> None:
        """A cancelled challenge counts as failed, and so does one whose socket is lost."""
        running = self._live.cancel_challenge() if self._live else None
        if running:
            await self._tell_challenge(running)

    async def _tell_challenge(self, progress: ChallengeProgress) -> None:
        """The end of a challenge is recorded before the page hears of it."""
        if progress.code and self._try:
            ended, self._try = self._try, None
            passed = progress.state == ChallengeState.PASSED
            try:
                await run_in_database_thread(end_try, challenge_try=ended, passed=passed, code=progress.code)
            except (DatabaseError, InterfaceError):  # then it counts as failed
                log_event(logger, "challenge_not_recorded", level=logging.ERROR, exc_info=True)
        await self.send_message(challenge_message(progress))

    async def _start_session(self, configure: Configure) -> LiveSession:
        in_force = await run_in_database_thread(policy_in_force, self.engine)
        self._policy_checked, self._policy_id = time.monotonic(), in_force.saved_id
        self._live = LiveSession(self.engine, in_force.policy, configure)
        return self._live

    async def _follow_policy(self, live: LiveSession) -> LiveSession:
        """A new session, with new tracks, when somebody saved another policy or switched packs meanwhile."""
        if time.monotonic() - self._policy_checked < POLICY_CHECK_SECONDS:
            return live
        self._policy_checked = time.monotonic()
        engine = await run_in_database_thread(get_engine)
        switched = engine is not self.engine
        self.engine = engine
        if not switched:
            in_force = await run_in_database_thread(policy_in_force, engine)
            if in_force.policy == live.policy:
                self._policy_id = in_force.saved_id  # the same once more, under another id
                return live
        await self._cancel_challenge()
        return await self._start_session(live.configure)

    async def _current_gallery(self) -> Gallery:
        gallery = fresh_gallery(self.engine)
        return await run_in_database_thread(current_gallery, self.engine) if gallery is None else gallery

    async def _names_of(self, result: LiveResult, gallery: Gallery) -> dict[str, str]:
        """uuid -> name of the people matched in this result. Each name is read once per gallery revision."""
        if gallery.revision != self._names_revision:
            self._names, self._names_revision = {}, gallery.revision
        missing = result.matched_people - self._names.keys()
        if missing:
            self._names |= await run_in_database_thread(person_names, missing)
        return self._names

    async def _decide(
        self, live: LiveSession, decision: Decision, names: Mapping[str, str], gallery_revision: int
    ) -> None:
        """Record a decision, then send it: the page hears only of what is in the history."""
        configure = live.configure
        try:
            attempt = await run_in_database_thread(
                record_attempt,
                operator=self.operator,
                mode=configure.mode,
                source=self.source,
                decision=decision,
                claimed=configure.person,
                grounds=Grounds(self.engine.contract_id, gallery_revision, self._policy_id),
            )
        except (DatabaseError, InterfaceError) as error:
            log_event(logger, "attempt_not_recorded", level=logging.ERROR, exc_info=True)
            code = outage_code(error) or EnrollmentReason.INTERNAL_ERROR
            await self.send_error(code, _("The decision could not be written to the history. Try again."))
            await self._cancel_challenge()
            await self._start_session(configure)  # new tracks: the face is decided again
            return
        await self.tell_decision(decision, names, attempt)
