"""What both sockets share: who may speak, how much, and how frames reach the one worker of a socket.

`receive` never waits for a model: it checks the message and puts it into an inbox whose newest place belongs to the
newest frame. One worker per socket takes things out in order and is the only one that calls the subclass. Daphne's own
queue has no bound, so waiting for inference in `receive` would be a memory leak under load. A frame leaves the inbox
only when an inference thread is free for it: what waits is the socket, not a frame that gets old meanwhile.

Every frame gets exactly one answer: a result, an error with its seq, or being counted in the next result's `dropped`.
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
from importlib import import_module
from typing import Any, ClassVar, ParamSpec, TypeVar

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils.crypto import constant_time_compare

from enrollment.errors import EnrollmentError
from enrollment.events import log_event
from enrollment.reasons import sentence_for
from enrollment.runtime.database import run_in_database_thread
from enrollment.runtime.outages import outage_code
from enrollment.streaming.mailbox import HEADER, FrameBudget, Inbox, InferenceTurn, QueuedFrame
from recognizer.engine import FaceEngine
from recognizer.errors import EngineNotReady, PackError, RecognizerError

P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger("facesite.sockets")

SPARE_TURNS = 1
"""Frames that wait in the engine's pool already, so that no thread idles while the loop finds the next one."""

CLOSE_PROTOCOL = 4400
CLOSE_LOGGED_OUT = 4401
CLOSE_IDLE = 4408
CLOSE_TOO_LARGE = 4413
CLOSE_TOO_MANY = 4429
CLOSE_INTERNAL_ERROR = 1011
CLOSE_TRY_LATER = 1013

_socket_numbers = itertools.count(1)
_open_sockets: Counter[Any] = Counter()
"""Operator's primary key to the number of their sockets in this process. Only touched on the event loop."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as it came from the browser, and what waiting did to it."""

    seq: int
    captured_at_ms: float
    """Milliseconds since the epoch by the client's clock; never trusted, only shown."""
    payload: bytes
    """JPEG or WebP bytes, not decoded yet."""
    dropped: int
    """Frames that no result has accounted for yet: put it into the result's `dropped`."""
    queued_ms: float
    """Milliseconds between arrival and the worker's turn."""
    arrived: float
    """time.perf_counter() at arrival."""


class FrameConsumer(AsyncWebsocketConsumer):
    """Base of both sockets. A subclass says hello, answers messages and answers frames; one call at a time, in order.

    A RecognizerError or EnrollmentError that a handler lets through becomes an error message with its code, for a frame
    with its seq; a database that is away `database_away`; any other exception `internal_error`. The socket lives on,
    unless there is no engine.
    """

    channel_layer_alias = "none"
    """No channel layer: nobody sends a socket anything through Redis, so none ends with it."""
    frame_bytes: ClassVar[int] = 524_288
    """Largest binary message, header included."""
    frames_per_second: ClassVar[int] = 30
    """What `hello` announces. Twice that is tolerated, so that a burst or a jittery clock ends no socket."""
    burst: ClassVar[int] = 120
    text_bytes: ClassVar[int] = 720_000
    """Largest text message. A frame sent as base64 text fits: it gets an error, and the socket lives on."""
    inbox_size: ClassVar[int] = 32
    sockets_per_operator: ClassVar[int] = 8
    """In one process, both kinds of socket together."""
    idle_seconds: ClassVar[float] = 90.0
    session_check_seconds: ClassVar[float] = 5.0
    greeting_retry_seconds: ClassVar[float] = 2.0
    """While the database is away: how often `hello` is tried."""
    bad_messages_allowed: ClassVar[int] = 20
    """This many in a row that are not the protocol; one more ends the socket."""
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
        """One JSON object with a "type"; the operator was checked just now. An unknown type: reject_message(code)."""
        raise NotImplementedError

    async def on_frame(self, frame: Frame) -> None:
        """Answer with one result whose `dropped` is frame.dropped, or with one error that has the frame's seq."""
        raise NotImplementedError

    async def on_closed(self) -> None:
        """The socket is gone: let go of what it held. Called once for every socket whose on_connected was called."""

    # What a subclass uses

    async def send_message(self, message: Mapping[str, Any]) -> None:
        """Send one JSON object. A result settles the dropped frames that it reports. After close(): does nothing."""
        if self._closing:
            return
        if message["type"] == "result":
            self._counts["results"] += 1
            self._reported += message["dropped"]
        await self.send(text_data=json.dumps(message, separators=(",", ":")))  # type: ignore[no-untyped-call]

    async def send_error(self, code: str, message: str | None = None, seq: int | None = None) -> None:
        """The sentence of the code in enrollment.reasons, or a more exact one; `seq` when it answers a frame."""
        self._counts["errors"] += 1
        error: dict[str, Any] = {"type": "error", "code": code, "message": message or sentence_for(code)}
        await self.send_message(error if seq is None else error | {"seq": seq})

    async def run_inference(self, engine: FaceEngine, job: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one job in the engine's pool. For on_frame: afterwards the next socket has its turn."""
        try:
            return await asyncio.wrap_future(engine.submit(job, *args, **kwargs))
        finally:
            self._turn.end()

    async def reject_message(self, code: str, message: str | None = None) -> None:
        """Answer what is not the protocol (message_invalid, message_unknown); too many in a row end the socket."""
        self._bad_messages += 1
        await self.send_error(code, message)
        if self._bad_messages > self.bad_messages_allowed:
            await self.close(CLOSE_PROTOCOL)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        if not self._closing:
            self._closing, self._close_code = True, code
            await super().close(code, reason)  # type: ignore[no-untyped-call]

    # The life of a socket

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        now = time.perf_counter()
        self._number = next(_socket_numbers)
        self._opened = self._last_heard = now
        self._budget = FrameBudget(2 * self.frames_per_second, self.burst, now)
        self._inbox = Inbox(self.inbox_size)
        self._turn = InferenceTurn(settings.FACESITE_THREADS + SPARE_TURNS)
        self._reported = 0
        self._bad_messages = 0
        self._failures = 0
        self._outage = False
        self._counts: Counter[str] = Counter()
        self._closing = False
        self._close_code = None
        self._admitted = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)  # type: ignore[no-untyped-call]
        finally:  # however it ends: disconnect, an exception, or the server cancelling us
            await self._clean_up()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As channels does it, less its thread hop per message: database work here runs in threads of its own."""
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
            await self.close(CLOSE_LOGGED_OUT)
        elif _open_sockets[self.operator.pk] >= self.sockets_per_operator:
            await self.close(CLOSE_TOO_MANY)
        else:
            self._admitted = True
            _open_sockets[self.operator.pk] += 1
            self._log("opened")
            self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._watch())]

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
        if len(data) <= HEADER.size:
            seq = int.from_bytes(data[:4], "big") if len(data) >= 4 else None
            await self.send_error("frame_too_short", seq=seq)
            return
        seq, captured_at_ms = HEADER.unpack_from(data)
        if len(data) > self.frame_bytes:
            await self.send_error("frame_too_large", seq=seq)
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
                "message_invalid", 'A text message must be one JSON object with a "type"; frames are sent as binary.'
            )

    async def _put(self, item: dict[str, Any] | QueuedFrame) -> None:
        if not self._inbox.put(item):
            await self.close(CLOSE_TOO_MANY)

    async def _work(self) -> None:
        """The one worker: everything that a subclass does happens here, one thing at a time."""
        await self._greet()
        while not self._closing:
            await self._inbox.wait()
            if self._inbox.frame_is_next:
                await self._turn.take()  # meanwhile a newer frame may take the place of the one that waits
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
        if await self._is_still_logged_in():
            await self.on_message(message)
        else:
            await self.close(CLOSE_LOGGED_OUT)

    async def _guard(self, answer: Awaitable[None], seq: int | None = None) -> bool:
        """Turn what goes wrong into an error message. False: the database is away or full, so another try may work."""
        try:
            await answer
            self._failures = 0
            self._outage = False
        except (PackError, EngineNotReady) as error:
            await self.send_error("engine_not_ready", str(error), seq)
            await self.close(CLOSE_TRY_LATER)
        except (RecognizerError, EnrollmentError) as error:
            await self.send_error(error.code, str(error), seq)
        except Exception as error:
            if code := outage_code(error):
                self._log_outage(error)
                await self.send_error(code, seq=seq)
                return False
            log_event(logger, "socket_failed", level=logging.ERROR, exc_info=True, socket=self._number)
            self._failures += 1
            await self.send_error("internal_error", seq=seq)
            if self._failures > self.failures_allowed:
                await self.close(CLOSE_INTERNAL_ERROR)
        return True

    async def _watch(self) -> None:
        """Ends the socket when the operator has logged out or nothing has been heard for too long."""
        next_check = self._opened + self.session_check_seconds
        while not self._closing:
            now = time.perf_counter()
            if now >= self._last_heard + self.idle_seconds:
                await self.close(CLOSE_IDLE)
            elif now >= next_check:
                next_check = now + self.session_check_seconds
                await self._guard(self._check_login())
            else:
                await asyncio.sleep(min(self._last_heard + self.idle_seconds, next_check) - now)

    async def _check_login(self) -> None:
        if not await self._may_stay():
            await self.close(CLOSE_LOGGED_OUT)

    async def _may_stay(self) -> bool:
        """As _is_still_logged_in; while the database is away nobody can log out, and nobody is sent away."""
        try:
            return await self._is_still_logged_in()
        except Exception as error:
            if outage_code(error) is None:
                raise
            self._log_outage(error)
            return True

    async def _is_still_logged_in(self) -> bool:
        session_key = getattr(self.scope.get("session"), "session_key", None)
        if session_key is None:
            return False
        return await run_in_database_thread(_session_belongs_to, session_key, self.operator.pk)

    async def _clean_up(self) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        while running := [task for task in self._tasks if not task.done()]:
            # However often the server cancels us meanwhile: a socket counts as closed when nothing of it works on.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(running)
        if self._admitted:
            self._admitted = False
            _open_sockets[self.operator.pk] -= 1
            if not _open_sockets[self.operator.pk]:
                del _open_sockets[self.operator.pk]
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


def _session_belongs_to(session_key: str, operator_id: Any) -> bool:
    """Whether this login still counts: the session is in the store, is the operator's, and the operator is active.

    Reads only. (django.contrib.auth.get_user would flush a stale session or give it a new key, which the browser's
    cookie could not follow.)
    """
    data = import_module(settings.SESSION_ENGINE).SessionStore(session_key).load()
    if data.get(SESSION_KEY) != str(operator_id):
        return False
    operator = get_user_model()._default_manager.filter(pk=operator_id, is_active=True).first()
    if operator is None:
        return False
    presented = data.get(HASH_SESSION_KEY, "")
    hashes = [operator.get_session_auth_hash(), *operator.get_session_auth_fallback_hash()]
    return any(constant_time_compare(presented, known) for known in hashes)
