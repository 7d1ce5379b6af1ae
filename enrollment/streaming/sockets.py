"""What both sockets share: who may speak, how much, and how frames reach the socket's one worker.

`receive` never waits for a model. It checks the message and puts it into an inbox, where a newer frame replaces an
older one. Each socket has one worker, which takes things out in order and lets the subclass answer them one by one.
Daphne's queue has no bound, so waiting for inference in `receive` would be a memory leak under load. A frame leaves the
inbox only when an inference thread is free for it: the socket waits, not a frame that grows old meanwhile.

Every frame gets exactly one answer: a result, an error with its seq, or a place in the next result's `dropped`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, ParamSpec, TypeVar

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, InterfaceError
from django.utils.functional import Promise

from enrollment.errors import EnrollmentError
from enrollment.reasons import EnrollmentReason, sentence_for, sentence_of
from enrollment.runtime.database import run_in_database_thread
from enrollment.runtime.outages import outage_code
from enrollment.streaming.mailbox import HEADER, FrameBudget, Inbox, InferenceTurn, QueuedFrame
from recognizer.engine import FaceEngine
from recognizer.errors import EngineNotReady, FrameTooLarge, PackError, RecognizerError
from security.allowing import NotAllowed, require
from security.events import log_event
from security.meters import ERRORS, FRAMES, SOCKETS, count_result
from security.rights import Right
from security.sharing import PLACE_S, enter, is_alone, leave
from security.sign_in.owing import StillOwed
from security.sign_in.sessions import standing_of

P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger("facesite.sockets")

SPARE_TURNS = 1
"""Frames that may wait in the engine's pool beyond its threads, so that no thread idles until the next one comes."""

# docs/protocol.md says when a socket is closed with which code, and what a client should do.
CLOSE_PROTOCOL = 4400
CLOSE_LOGGED_OUT = 4401
CLOSE_NOT_ALLOWED = 4403
CLOSE_IDLE = 4408
CLOSE_TOO_LARGE = 4413
CLOSE_TOO_MANY = 4429
CLOSE_INTERNAL_ERROR = 1011
CLOSE_TRY_LATER = 1013

_socket_numbers = itertools.count(1)


def spoken(value: object) -> str:
    """For json: a sentence that waited for the language of whoever reads it."""
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


_open_sockets: Counter[Any] = Counter()
"""Operator's primary key -> number of their sockets in this process. Only used on the event loop."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as it came from the browser, with what happened while it waited."""

    seq: int
    captured_at_ms: float
    """Milliseconds since the epoch by the client's clock; never trusted, only shown."""
    payload: bytes
    """The picture as JPEG, PNG, WebP or BMP, not decoded yet."""
    dropped: int
    """Replaced frames that no result has reported yet: put this number into the result's `dropped`."""
    queued_ms: float
    """Milliseconds between its arrival and its turn."""
    arrived: float
    """time.perf_counter() at arrival."""


class FrameConsumer(AsyncWebsocketConsumer):
    """Base of both sockets. A subclass says hello and answers messages and frames: one call at a time, in order.

    A handler may raise. A RecognizerError or EnrollmentError becomes an error message with its code (and the seq, if it
    answers a frame), a database that is away `database_away`, any other exception `internal_error`. The socket lives
    on, unless there is no engine.
    """

    rights: ClassVar[tuple[Right, ...]]
    """Each of them is enough to use this socket; who loses all of them is sent away within session_check_seconds."""
    channel_layer_alias = "none"
    """No channel layer: nobody sends a socket anything through Redis, so none ends with it."""
    frame_bytes: ClassVar[int] = 524_288
    """Largest binary message, header included."""
    frames_per_second: ClassVar[int] = 30
    """What `hello` announces. Twice that is tolerated, so that a burst or a jittery clock ends no socket."""
    burst: ClassVar[int] = 120
    """Messages, frames included, that may come at once; see FrameBudget."""
    text_bytes: ClassVar[int] = 720_000
    """Largest text message, in characters. A frame sent as base64 fits: it gets an error, and the socket lives on."""
    inbox_size: ClassVar[int] = 32
    """Messages and frames that may wait; one more ends the socket."""
    sockets_per_operator: ClassVar[int] = 8
    """Open sockets, both kinds together, over all processes of the site."""
    idle_seconds: ClassVar[float] = 90.0
    """A socket that hears nothing for this long is closed."""
    session_check_seconds: ClassVar[float] = 5.0
    """Time between two checks that the operator is still logged in and may still use this socket."""
    greeting_retry_seconds: ClassVar[float] = 2.0
    """While the database is away: how often `hello` is tried."""
    bad_messages_allowed: ClassVar[int] = 20
    """Messages in a row that break the protocol; one more ends the socket."""
    failures_allowed: ClassVar[int] = 5
    """Unexpected exceptions in a row; one more ends the socket."""

    operator: AbstractBaseUser
    _closing: bool
    _close_code: int | None

    # What a subclass provides

    async def on_connected(self) -> None:
        """Send `hello`."""
        raise NotImplementedError

    async def on_message(self, message: dict[str, Any]) -> None:
        """Answer one JSON object with a "type"; an unknown type: reject_message(). The login was checked just now."""
        raise NotImplementedError

    async def on_frame(self, frame: Frame) -> None:
        """Answer with one result whose `dropped` is frame.dropped, or with one error that has the frame's seq."""
        raise NotImplementedError

    async def on_closed(self) -> None:
        """The socket is gone: let go of what it held. Called once for every socket that was admitted."""

    # What a subclass uses

    async def send_message(self, message: Mapping[str, Any]) -> None:
        """Send one JSON object; nothing after close(). A result settles the dropped frames that it reports."""
        if self._closing:
            return
        if message["type"] == "result":
            count_result(self._kind, message["dropped"], message.get("timings_ms", {}))
            self._counts["results"] += 1
            self._reported += message["dropped"]
        await self.send(text_data=json.dumps(message, separators=(",", ":"), default=spoken))  # type: ignore[no-untyped-call]

    async def send_error(self, code: str, message: str | None = None, seq: int | None = None) -> None:
        """Send an error with the code's sentence (enrollment.reasons) or `message`. seq: of the frame it answers."""
        self._counts["errors"] += 1
        ERRORS.labels(self._kind, code).inc()
        error: dict[str, Any] = {"type": "error", "code": code, "message": message or sentence_for(code)}
        await self.send_message(error if seq is None else error | {"seq": seq})

    async def run_inference(self, engine: FaceEngine, job: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one job in the engine's pool; for on_frame. Afterwards the next socket has its turn."""
        try:
            return await asyncio.wrap_future(engine.submit(job, *args, **kwargs))
        finally:
            self._turn.end()

    async def reject_message(self, code: str, message: str | None = None) -> None:
        """Send the error for a message that breaks the protocol. Too many of them in a row end the socket.

        code: message_invalid or message_unknown.
        """
        self._bad_messages += 1
        await self.send_error(code, message)
        if self._bad_messages > self.bad_messages_allowed:
            await self.close(CLOSE_PROTOCOL)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """End the socket: nothing more is read or sent. Called again, it does nothing."""
        if not self._closing:
            self._closing, self._close_code = True, code
            await super().close(code, reason)  # type: ignore[no-untyped-call]

    # The life of a socket

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        now = time.perf_counter()
        self._number = next(_socket_numbers)
        self._kind = type(self).__name__.removesuffix("Consumer").lower()
        self._opened = self._last_heard = now
        self._budget = FrameBudget(2 * self.frames_per_second, self.burst, now)
        self._inbox = Inbox(self.inbox_size)
        self._turn = InferenceTurn(settings.FACESITE_THREADS + SPARE_TURNS)
        self._reported = 0
        self._bad_messages = 0
        self._failures = 0
        self._outage = False
        self._counts: Counter[str] = Counter()
        self._frames_noted = 0
        self._closing = False
        self._close_code = None
        self._admitted = False
        self._place = ""
        self._place_until = now
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)  # type: ignore[no-untyped-call]
        finally:  # however it ends: a disconnect, an exception, or the server that cancels us
            await self._clean_up()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As in channels, but without its thread hop per message: run_in_database_thread() closes old connections."""
        handler = getattr(self, message["type"].replace(".", "_"), None)
        if handler is None or message["type"].startswith("_"):
            raise ValueError(f"No handler for message type {message['type']}")
        await handler(message)

    async def connect(self) -> None:
        # Accept first: a browser is not told the close code of a refused handshake.
        await self.accept()  # type: ignore[no-untyped-call]
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.close(CLOSE_LOGGED_OUT)
            return
        self.operator = user
        if not await self._may_stay():
            return
        if not await self._find_place():
            await self.close(CLOSE_TOO_MANY)
        else:
            self._admitted = True
            _open_sockets[self.operator.pk] += 1
            SOCKETS.labels(self._kind).inc()
            self._log("opened")
            self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._watch())]

    async def _find_place(self) -> bool:
        """Whether this operator may open one more socket. While the database is away this process counts alone."""
        if _open_sockets[self.operator.pk] >= self.sockets_per_operator:
            return False
        return is_alone() or await self._keep_place()

    async def _keep_place(self) -> bool:
        self._place_until = time.perf_counter() + PLACE_S
        try:
            self._place = await run_in_database_thread(
                enter, self._place_name, most=self.sockets_per_operator, token=self._place
            )
        except Exception as error:
            if outage_code(error) is None:
                raise
            self._log_outage(error)
            return True
        return bool(self._place)

    async def _leave_place(self) -> None:
        """Nothing is lost where the database is away: a place that nobody keeps is free in a minute."""
        if self._place:
            with contextlib.suppress(DatabaseError, InterfaceError):
                await run_in_database_thread(leave, self._place_name, self._place)

    @property
    def _place_name(self) -> str:
        return f"sockets:{self.operator.pk}"

    async def disconnect(self, code: int) -> None:
        if self._close_code is None:
            self._close_code = code
        self._closing = True

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._closing or not self._admitted:
            return
        self._last_heard = now = time.perf_counter()
        if not self._budget.take(now):
            await self.close(CLOSE_TOO_MANY)
        elif bytes_data is not None:
            await self._receive_frame(bytes_data, now)
        else:
            await self._receive_text(text_data or "")

    async def _receive_frame(self, data: bytes, now: float) -> None:
        self._counts["frames"] += 1
        FRAMES.labels(self._kind).inc()
        if len(data) <= HEADER.size:
            seq = int.from_bytes(data[:4], "big") if len(data) >= 4 else None
            await self.send_error(EnrollmentReason.FRAME_TOO_SHORT, seq=seq)
            return
        seq, captured_at_ms = HEADER.unpack_from(data)
        if len(data) > self.frame_bytes:
            await self.send_error(FrameTooLarge.code, seq=seq)
            return
        self._bad_messages = 0
        await self._put(QueuedFrame(seq, captured_at_ms, data[HEADER.size :], now))

    async def _receive_text(self, text: str) -> None:
        if len(text) > self.text_bytes:
            await self.close(CLOSE_TOO_LARGE)
            return
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict) and isinstance(message.get("type"), str):
            await self._put(message)
        else:
            await self.reject_message(
                EnrollmentReason.MESSAGE_INVALID,
                'A text message must be one JSON object with a "type"; frames are sent as binary.',
            )

    async def _put(self, item: dict[str, Any] | QueuedFrame) -> None:
        if not self._inbox.put(item):
            await self.close(CLOSE_TOO_MANY)

    async def _work(self) -> None:
        """The one worker: calls the subclass, one thing at a time. (Only on_closed is called elsewhere.)"""
        await self._greet()
        while not self._closing:
            await self._inbox.wait()
            if self._inbox.frame_is_next:
                await self._turn.take()  # meanwhile a newer frame may replace the one that waits
            try:
                item = self._inbox.take()
                await (self._answer_frame(item) if isinstance(item, QueuedFrame) else self._answer_message(item))
            finally:
                self._turn.end()

    async def _greet(self) -> None:
        while not self._closing:
            if await self._guard(self.on_connected()):
                return
            await asyncio.sleep(self.greeting_retry_seconds)

    async def _answer_frame(self, item: QueuedFrame) -> None:
        queued_ms = (time.perf_counter() - item.arrived) * 1000
        dropped = self._inbox.dropped - self._reported
        frame = Frame(item.seq, item.captured_at_ms, item.payload, dropped, queued_ms, item.arrived)
        await self._guard(self.on_frame(frame), seq=item.seq)

    async def _answer_message(self, message: dict[str, Any]) -> None:
        bad_before = self._bad_messages
        await self._guard(self._obey(message))
        if self._bad_messages == bad_before:
            self._bad_messages = 0

    async def _obey(self, message: dict[str, Any]) -> None:
        if await self._stays():
            await self.on_message(message)

    async def _guard(self, answer: Awaitable[None], seq: int | None = None) -> bool:
        """Await the subclass and turn what it raises into an error message. seq: of the frame that it answers.

        False: the database is away or full, so another try may work.
        """
        try:
            await answer
            self._failures = 0
            self._outage = False
        except (PackError, EngineNotReady) as error:
            await self.send_error(EngineNotReady.code, sentence_of(error), seq)
            await self.close(CLOSE_TRY_LATER)
        except (RecognizerError, EnrollmentError, NotAllowed) as error:
            await self.send_error(error.code, sentence_of(error), seq)
        except Exception as error:
            if code := outage_code(error):
                self._log_outage(error)
                await self.send_error(code, seq=seq)
                return False
            log_event(logger, "socket_failed", level=logging.ERROR, exc_info=True, socket=self._number)
            self._failures += 1
            await self.send_error(EnrollmentReason.INTERNAL_ERROR, seq=seq)
            if self._failures > self.failures_allowed:
                await self.close(CLOSE_INTERNAL_ERROR)
        return True

    async def _watch(self) -> None:
        """End the socket when the operator has logged out, lost the right, or was not heard for too long."""
        next_check = self._opened + self.session_check_seconds
        while not self._closing:
            now = time.perf_counter()
            if now >= self._last_heard + self.idle_seconds:
                await self.close(CLOSE_IDLE)
            elif now >= next_check:
                next_check = now + self.session_check_seconds
                await self._guard(self._check_welcome())
            else:
                await asyncio.sleep(min(self._last_heard + self.idle_seconds, next_check) - now)

    async def _check_welcome(self) -> None:
        if await self._may_stay() and self._place and time.perf_counter() > self._place_until - PLACE_S / 2:
            await self._keep_place()

    async def _may_stay(self) -> bool:
        """As _stays; while the database is away nobody can log out, and nobody is sent away."""
        try:
            return await self._stays()
        except Exception as error:
            if outage_code(error) is None:
                raise
            self._log_outage(error)
            return True

    async def _stays(self) -> bool:
        """Whether the operator is logged in and has the right for this socket; closes it if not.

        Frames since the last time count as use of the sign-in, messages do not.
        """
        frames, self._frames_noted = self._frames_noted, self._counts["frames"]
        in_use = self._frames_noted != frames
        if is_welcome := self.scope.get("is_welcome"):  # it was opened without a session
            if await run_in_database_thread(is_welcome):
                return True
            await self.close(CLOSE_LOGGED_OUT)
            return False
        session_key = getattr(self.scope.get("session"), "session_key", None)
        try:
            if session_key and await run_in_database_thread(
                _is_welcome, session_key, self.operator.pk, self.rights, in_use
            ):
                return True
            await self.close(CLOSE_LOGGED_OUT)
        except (NotAllowed, StillOwed) as error:
            # A message first: browsers hear the sentence, of the closing only the code.
            await self.send_error(EnrollmentReason.NOT_ALLOWED, str(error))
            await self.close(CLOSE_NOT_ALLOWED)
        return False

    async def _clean_up(self) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        while running := [task for task in self._tasks if not task.done()]:
            # The server may cancel us meanwhile, even again and again. But a socket counts as closed only when none of
            # its tasks works any more.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(running)
        if self._admitted:
            self._admitted = False
            _open_sockets[self.operator.pk] -= 1
            SOCKETS.labels(self._kind).dec()
            if not _open_sockets[self.operator.pk]:
                del _open_sockets[self.operator.pk]
            await self._leave_place()
            self._log("closed")
            await self.on_closed()

    def _log_outage(self, error: Exception) -> None:
        """Once, not for every frame."""
        if not self._outage:
            self._outage = True
            facts = {"socket": self._number, "error": type(error).__name__}
            log_event(logger, "socket_without_database", level=logging.WARNING, **facts)

    def _log(self, event: str) -> None:
        """Numbers only, no personal data."""
        data = {
            "socket": self._number,
            "kind": type(self).__name__,
            "operator": self.operator.pk,
            "code": self._close_code,
            "seconds": round(time.perf_counter() - self._opened, 1),
            "dropped": self._inbox.dropped,
            **{name: self._counts[name] for name in ("frames", "results", "errors")},
        }
        log_event(logger, f"socket_{event}", **data)


def _is_welcome(session_key: str, operator_id: Any, rights: tuple[Right, ...], in_use: bool) -> bool:
    """False: not logged in any more. Rights are read anew. Raises NotAllowed and StillOwed."""
    standing = standing_of(session_key, in_use=in_use)
    if standing.operator is None or standing.operator.pk != operator_id:
        return False
    if standing.debt:
        raise StillOwed(standing.debt)
    require(standing.operator, *rights)
    return True
