"""HTTP connections that nobody can fill up or hold: bodies are refused before they are kept, silence has an end.

Twisted's own channel keeps whatever comes, parses forms on the event loop, and its time-out starts anew with every
byte. Here a request's headers and its body have a time of their own, whoever has waited longest makes room for
newcomers, and the application gets a body piece by piece from the disk.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from daphne.http_protocol import WebRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from twisted.internet import defer
from twisted.web import http

from enrollment.runtime.database import run_in_database_thread
from facesite.bodies import SMALL_BYTES, LargeBodies, large_bodies_at, words_of_refusal
from facesite.request_ids import ids_of
from security.addresses import client_group
from security.events import log_event
from security.request_ids import REQUEST_ID, handling

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

logger = logging.getLogger("facesite.connections")

HEADERS_S: Final = 15.0
"""From the first byte (of a new connection: from its start) to the end of the headers."""
BODY_S: Final = 20.0
"""For a body, beside what SLOWEST gives it."""
IDLE_S: Final = 60.0
"""Between two requests of one connection; also for the client to take the rest of an answer, beside SLOWEST."""
SLOWEST: Final = 16 * 1024
"""Bytes per second, both ways, that a client must manage on average."""
UNREAD_BYTES: Final = 1024 * 1024
"""Of an answer, that wait for the client. Every page is smaller; a download waits until they are taken."""
LINGER_S: Final = 2.0
"""How long a refused body is read and dropped, so that the client gets to hear the answer."""
FAREWELL_S: Final = 5.0
"""How long an orderly end may take before the connection is cut."""
MOST_CONNECTIONS: Final = 16_384
PIECE_BYTES: Final = 64 * 1024
"""Of a body, handed to the application at a time."""


HTTPChannel: Any = http.HTTPChannel
"""Twisted's annotations are wrong about it in places."""


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection until it ends or becomes a socket. (Twisted's own time-out stays off: every byte extends it.)"""

    due: float | None = None
    """When its time is over, by time.monotonic(); None while a request is at work, and at the end."""

    def connectionMade(self) -> None:  # noqa: N802  # Twisted's names, here and below
        super().connectionMade()
        self.address = address_of(self.transport)
        self.is_idle = True
        self._is_refused = self._is_ending = False
        self._large: LargeBodies | None = None
        self._room = self._unread = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self.wait(HEADERS_S)
        self.factory.server.open_connections.enter(self)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        self.due = None
        self._has_room.set()
        self.factory.server.open_connections.leave(self)
        super().connectionLost(reason)

    # Time

    def wait(self, seconds: float) -> None:
        self.since = time.monotonic()
        self.due = self.since + seconds

    @property
    def can_make_room(self) -> bool:
        """Nothing is lost that its client could not send again: no request is at work, and no upload under way."""
        return self.due is not None and not self._large

    def end(self) -> None:
        """Its time is over: first in order, then by force."""
        if self._is_ending:
            self.cut()
        else:
            self._is_ending = True
            self.wait(FAREWELL_S)
            self.loseConnection()

    def cut(self) -> None:
        self.due = None
        self.transport.abortConnection()

    # What goes

    def pauseProducing(self) -> None:  # noqa: N802
        """The transport's buffer is full (64 kB)."""
        super().pauseProducing()
        self._has_room.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """It is empty again."""
        super().resumeProducing()
        self._unread = 0
        self._has_room.set()

    async def give(self, size: int) -> None:
        """After so many bytes were written: wait while the client has not taken UNREAD_BYTES of what it got."""
        if self._has_room.is_set():
            return
        self._unread += size
        if self._unread <= UNREAD_BYTES:
            return
        try:
            await asyncio.wait_for(self._has_room.wait(), IDLE_S + self._unread / SLOWEST)
        except TimeoutError:
            log_event(logger, "answer_not_taken", bytes=self._unread)
            self.cut()

    # What comes

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self.is_idle and not self._is_ending:
            self.is_idle = False
            self.wait(HEADERS_S)
        super().dataReceived(data)

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        if not self._is_refused:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802
        self.wait(BODY_S)
        large = large_bodies_at(self._path)
        self._room = large.most_bytes if large else SMALL_BYTES
        if self.length is not None and self.length > self._room:
            self._refuse_size(large)
            return
        super().allHeadersReceived()
        if large and (self.length is None or self.length > SMALL_BYTES):
            self._large = large
            self._ask(large)

    def take(self, size: int) -> bool:
        """Whether the next piece of the body may be kept. (Of a chunked one nobody has said how long it is.)"""
        if self._is_refused:
            return False
        self._room -= size
        if self._room < 0:
            self._refuse_size(self._large)
            return False
        if self.due is not None:
            self.due += size / SLOWEST
        return True

    def allContentReceived(self) -> None:  # noqa: N802
        if not self._is_refused:
            self.due = None
            super().allContentReceived()

    def requestDone(self, request: Any) -> None:  # noqa: N802
        self.is_idle, self._large = True, None
        self.wait(IDLE_S + min(request.sentLength, 2 * UNREAD_BYTES) / SLOWEST)
        super().requestDone(request)

    # What is refused

    def _ask(self, large: LargeBodies) -> None:
        """Nothing more is read until it is known whether this client may send so much."""
        request = self.requests[-1]
        names = request.requestHeaders.getAllRawHeaders()
        headers = {name.decode("latin1").lower(): b"; ".join(values).decode("latin1") for name, values in names}
        self._networkProducer.pauseProducing()
        asked = asyncio.ensure_future(run_in_database_thread(large.may_send, headers))
        answer: defer.Deferred[bool] = defer.Deferred.fromFuture(asked)
        answer.addBoth(self._hear, request, large)

    def _hear(self, answer: Any, request: Any, large: LargeBodies) -> None:
        if answer is not True and self.due is not None and request in self.requests:  # else it was over sooner
            if answer is False:
                self.refuse(large.status, large.refusal)
            else:
                log_event(logger, "not_asked", level=logging.ERROR, exc_info=_exc_info(answer.value))
                self.refuse(503, _("The server cannot look up your sign-in at the moment. Try again later."))
        self._networkProducer.resumeProducing()

    def _refuse_size(self, large: LargeBodies | None) -> None:
        most = (large.most_bytes if large else SMALL_BYTES) // 1024**2
        self.refuse(
            413, format_lazy(_("This is too large: at most {limit} MB can be sent here at a time."), limit=most)
        )

    def refuse(self, status: int, sentence: _StrOrPromise) -> None:
        """Answer now and close; of what still comes nothing is kept."""
        self._is_refused = self._is_ending = True
        self._large = None
        request = self.requests[-1]
        if request.content is not None:
            request.content.close()
            request.content = None
        accepted = (request.requestHeaders.getRawHeaders(b"accept-language") or [b""])[0].decode("latin1")
        named = request.requestHeaders.getAllRawHeaders()
        ids = ids_of((name.lower(), value) for name, values in named for value in values)
        with handling(ids):  # no application gets to see this request
            kind, body = words_of_refusal(self._path, status, sentence, accepted)
            path = self._path.partition(b"?")[0].decode("ascii", "backslashreplace")
            method = self._command.decode("ascii", "backslashreplace")
            log_event(logger, "refused", status=status, method=method, path=path)
        head = (
            f"HTTP/1.1 {status} {http.RESPONSES[status].decode()}\r\nConnection: close\r\n"
            f"{REQUEST_ID}: {ids.request}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.transport.writeSequence([head.encode(), body])
        self.wait(LINGER_S)


class Request(WebRequest):  # type: ignore[misc]  # Daphne has no annotations
    content: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Django parses forms, in a thread of its own; Twisted would do it on the event loop, before Django is asked.
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        if self.channel.take(len(data)):
            super().handleContentChunk(data)

    def process(self) -> Any:
        channel = self.channel
        processed = super().process()
        if self.transport is None:  # Daphne gave it to a socket
            channel.factory.server.open_connections.hand_over(channel)
        return processed

    def take_body(self) -> BinaryIO:
        """The body, now the caller's; Daphne, which would read all of it into its queue at once, finds an empty one."""
        body: BinaryIO = self.content
        self.content = io.BytesIO()
        body.seek(0)
        return body

    def __repr__(self) -> str:
        """For log lines: without what came from the client."""
        return f"<Request 0x{id(self):x}>"


Channel.requestFactory = Request


class BodyQueue(asyncio.Queue[dict[str, Any]]):
    """What a request's application receives: its body as fast as it takes it, then what Daphne puts in."""

    def __init__(self, body: BinaryIO) -> None:
        super().__init__()
        self._body = body

    async def get(self) -> dict[str, Any]:
        piece = b"" if self._body.closed else self._body.read(PIECE_BYTES)
        if not piece:
            self._body.close()
            return await super().get()
        await asyncio.sleep(0)  # others get their turn between two pieces
        return {"type": "http.request", "body": piece, "more_body": True}

    def put_nowait(self, item: dict[str, Any]) -> None:
        if item["type"] == "http.disconnect":
            self._body.close()
        super().put_nowait(item)


class OpenConnections:
    """Every open connection of this process, sockets included. When there are too many, whoever waits makes room."""

    def __init__(self, *, per_address: int | None, total: int) -> None:
        """per_address None: no limit, as behind a proxy, where everybody comes from one address."""
        self._per_address = per_address
        self._total = total
        self._open: Counter[str] = Counter()
        self._channels: set[Channel] = set()
        self._made_room = self._turned_away = 0

    @property
    def total(self) -> int:
        return self._open.total()

    @property
    def expects_requests(self) -> bool:
        """Whether somebody has connected, or begun a request, and is not heard yet."""
        return any(channel.due is not None and not channel.is_idle for channel in self._channels)

    def enter(self, channel: Channel) -> None:
        address = channel.address
        self._open[address] += 1
        if self._per_address is not None and self._open[address] > self._per_address:
            self._make_room([other for other in self._channels if other.address == address], channel)
        elif self._open.total() > self._total:
            self._make_room(list(self._channels), channel)
        else:
            self._channels.add(channel)

    def _make_room(self, others: list[Channel], newcomer: Channel) -> None:
        waiting = [channel for channel in others if channel.can_make_room]
        if not waiting:
            self._turned_away += 1
            newcomer.cut()
            return
        longest = min(waiting, key=lambda channel: (not channel.is_idle, channel.since))
        self._channels.discard(longest)
        self._channels.add(newcomer)
        self._made_room += 1
        longest.cut()

    def leave(self, connection: Any) -> None:
        """A channel's end, or that of the socket that it became."""
        self._channels.discard(connection)
        self._open[connection.address] -= 1
        if not self._open[connection.address]:
            del self._open[connection.address]

    def hand_over(self, channel: Channel) -> None:
        """It is a socket from now on: that has its own time-outs, and counts until leave()."""
        self._channels.discard(channel)

    def sweep(self) -> None:
        """End those whose time is over. Called every two seconds."""
        now = time.monotonic()
        late = [channel for channel in self._channels if channel.due is not None and channel.due < now]
        for channel in late:
            channel.end()
        if late or self._made_room or self._turned_away:
            facts = {"late": len(late), "made_room": self._made_room, "turned_away": self._turned_away}
            log_event(logger, "connections_ended", open=self._open.total(), **facts)
            self._made_room = self._turned_away = 0


def address_of(transport: Any) -> str:
    """Who counts as one client: an IPv4 address, the /64 of an IPv6 one; empty for a Unix socket."""
    return client_group(getattr(transport.getPeer(), "host", ""))


def most_connections() -> int:
    """What the limit of open files leaves beside databases, uploads and threads."""
    if resource is None:
        return MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min(max(files - max(128, files // 4), files // 4), MOST_CONNECTIONS)


def _exc_info(error: BaseException) -> Any:
    return type(error), error, error.__traceback__
