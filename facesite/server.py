"""Daphne, with bounds (see facesite.connections) and an orderly end.

Open sockets get close code 1012, their consumers a disconnect, requests an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Any, Final

from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet import defer
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import ISSLTransport
from twisted.logger import globalLogPublisher

from enrollment.streaming.sockets import CLOSE_IDLE, CLOSE_TOO_LARGE
from facesite.adopting import adopt
from facesite.base_path import path_inside
from facesite.child import Counts, Place, my_place
from facesite.connections import BodyQueue, Channel, OpenConnections, Request, address_of, most_connections
from facesite.gauges import gauges
from facesite.programs import is_call
from facesite.warmup import is_warm
from security.daily import worker
from security.events import log_event
from security.meters import count_request

logger = logging.getLogger(__name__)
SERVICE_RESTART: Final = 1012
"""Close code of RFC 6455's registry: the server ends or restarts; clients reconnect."""
GRACE_S: Final = 5.0
"""How long running requests and consumers may take to end."""
FAREWELL_S: Final = 1.0
"""How long clients may take to answer the close frame."""
MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""A larger message closes the socket unread. This is far above the limit of a frame: when a frame is too large, the
consumer can still say so."""
UNREAD_BYTES: Final = 2 * 1024 * 1024
"""So many that a client leaves unread, or any for UNREAD_S, close its socket."""
UNREAD_S: Final = 20.0


class Socket(WebSocketProtocol):  # type: ignore[misc]  # Daphne has no annotations
    """Also the transport's producer, which it tells when its buffer is full (64 kB) and when it is empty again."""

    _full_since: float | None = None
    _unread = 0

    def connectionMade(self) -> None:  # noqa: N802  # Twisted's name
        super().connectionMade()
        self.address = address_of(self.transport)
        self.unregisterProducer()  # the HTTP channel's, which is this connection's no longer
        self.registerProducer(self, True)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  # Twisted's name
        self.factory.server_class.open_connections.leave(self)
        super().connectionLost(reason)

    def pauseProducing(self) -> None:  # noqa: N802  # Twisted's name
        if self._full_since is None:
            self._full_since = time.monotonic()

    def resumeProducing(self) -> None:  # noqa: N802  # Twisted's name
        self._full_since, self._unread = None, 0

    def stopProducing(self) -> None:  # noqa: N802  # Twisted's name
        """Nothing to stop."""

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:  # noqa: N802  # Daphne's name
        super().serverSend(content, binary)
        if self._full_since is not None:
            self._unread += len(content)
            self._end_if_unread()

    def check_timeouts(self) -> None:
        super().check_timeouts()
        self._end_if_unread()

    def _end_if_unread(self) -> None:
        """Autobahn drops who does not take the close frame within a second."""
        if self.muted or self._full_since is None:
            return
        seconds = time.monotonic() - self._full_since
        if self._unread > UNREAD_BYTES or seconds > UNREAD_S:
            log_event(logger, "results_not_read", bytes=self._unread, seconds=round(seconds, 1))
            say_goodbye(self, CLOSE_IDLE)

    def __repr__(self) -> str:
        """For log lines: without the client's address."""
        return f"<Socket {getattr(self, 'path', b'')!r}>"

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        """Autobahn's hook would close with 1009. Here every limit on sizes has the same close code."""
        self._fail_connection(CLOSE_TOO_LARGE, reason)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802  # Daphne's name
        """Autobahn's sendClose() refuses the registered codes (1011, 1012, 1013), which a server may well send."""
        if code is not None and 1000 < code < 3000:
            self.sendCloseFrame(code=code)
        else:
            super().serverClose(code)


class Server(DaphneServer):  # type: ignore[misc]  # Daphne has no annotations
    """Daphne's server with another end: Daphne's cancels consumers in mid-flight and crashes when sockets are open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # runserver passes None for an option that was not given.
        for name in ("websocket_max_message_size", "websocket_max_frame_size"):
            if kwargs.get(name) is None:
                kwargs[name] = MESSAGE_BYTES
        then = kwargs.pop("ready_callable", None)
        self._place = my_place()
        super().__init__(*args, **kwargs, ready_callable=lambda: self._when_ready(then))
        self.open_connections = OpenConnections(
            per_address=None if settings.FACESITE_HTTPS == "proxy" else settings.FACESITE_CONNECTIONS_PER_ADDRESS,
            total=most_connections(),
        )
        self.listen_failure = ""
        self._counts: Counts | None = None
        if self._place:
            self._tls = next((one for one in kwargs["endpoints"] if one.startswith("ssl:")), "")
            self.endpoints: list[str] = []  # the parent listens
        self._ports: list[Any] = []

    def _when_ready(self, then: Any) -> None:
        self.http_factory.buildProtocol = self._build_channel
        self.http_factory.log = lambda request: None  # Twisted's own line, with the client's address, for no file
        self.http_factory.acceptableProtocols = lambda: [b"http/1.1"]  # HTTP/2 would have another channel
        self.ws_factory.protocol = Socket
        # A message over the limit is answered with a close code instead of a dropped connection.
        self.ws_factory.setProtocolOptions(failByDrop=False)
        globalLogPublisher.addObserver(log_failure)  # type: ignore[arg-type]  # any callable
        if self._place:
            self._adopt(self._place)
        if then is not None:
            then()

    def _adopt(self, place: Place) -> None:
        """Accept connections at the sockets that the parent has opened."""
        counts = Counts(place)

        def begin() -> None:
            self._counts = counts
            counts.tell(self.open_connections.total)

        self._ports = adopt(
            place,
            self.http_factory,
            tls=self._tls,
            counts=counts,
            open_here=lambda: self.open_connections.total,
            is_warm=is_warm,
            when_accepting=begin,
        )

    def _build_channel(self, address: Any) -> Channel:
        channel = Channel()
        channel.factory = self.http_factory
        return channel

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[dict[str, Any]] | None:
        """As Daphne does it, but a body is read when it is wanted, and sockets have a scheme."""
        if not isinstance(protocol, Request):
            scope["scheme"] = "wss" if ISSLTransport(protocol.transport, None) else "ws"
            created: asyncio.Queue[dict[str, Any]] | None = super().create_application(protocol, scope)
            return created
        queue = BodyQueue(protocol.take_body())
        application = self.application(
            scope=scope | {"asgi": {"version": "3.0"}}, receive=queue.get, send=partial(self.handle_reply, protocol)
        )
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(application)
        return queue

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """As Daphne does it, but a download waits for its client instead of growing in memory."""
        await super().handle_reply(protocol, message)
        # The last piece is followed by nothing that would have to wait; and then the request has no channel any more.
        if message.get("more_body") and isinstance(protocol, Request) and protocol.channel is not None:
            await protocol.channel.give(len(message["body"]))

    def log_action(self, protocol: str, action: str, details: dict[str, Any]) -> None:
        """Called once for each answer. An answered call of the API has told its line, with more (api/middleware.py)."""
        if protocol == "http":
            count_request(details["method"], details["status"], details["time_taken"])
            if details["status"] < 500 and is_call(path_inside(details["path"])):
                return
        super().log_action(protocol, action, details)

    def timeout_checker(self) -> None:
        self.open_connections.sweep()
        if self._counts:
            self._counts.tell(self.open_connections.total)
        if gauges:
            gauges.write()
        super().timeout_checker()

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)

    def listen_error(self, failure: Any) -> None:
        self.listen_failure = failure.getErrorMessage()
        super().listen_error(failure)

    def kill_all_applications(self) -> defer.Deferred[None]:
        """Called before the reactor stops; the reactor waits for the result."""
        drained: defer.Deferred[None] = defer.Deferred.fromFuture(asyncio.ensure_future(self._drain()))
        drained.addErrback(
            lambda failure: log_event(logger, "end_not_orderly", level=logging.ERROR, exc_info=failure.value)
        )
        return drained

    async def _hear_the_last(self) -> None:
        """Others go on, so whoever was let in a moment ago still gets an answer from this process."""
        latest = time.monotonic() + FAREWELL_S
        while self.open_connections.expects_requests and time.monotonic() < latest:  # noqa: ASYNC110 - a second at most
            await asyncio.sleep(0.02)

    async def _drain(self) -> None:
        self._counts = None  # another process may have this one's place by now
        for port in self._ports:
            port.stopListening()
        if self._place:
            await self._hear_the_last()
        worker.tell_to_stop()
        sockets = [protocol for protocol in self.connections if isinstance(protocol, Socket)]
        for protocol in sockets:
            say_goodbye(protocol, SERVICE_RESTART)
        running = [app for app in map(_application, self.connections.values()) if app and not app.done()]
        log_event(logger, "stopping", sockets=len(sockets), applications=len(running))
        if running:
            await _end(running)
        if sockets:
            loop = asyncio.get_running_loop()
            await asyncio.wait([socket.is_closed.asFuture(loop) for socket in sockets], timeout=FAREWELL_S)


def log_failure(event: dict[str, Any]) -> None:
    """Twisted and Autobahn log to nowhere, since their lines name clients; what failed in them is still told."""
    failure = event.get("log_failure")
    if failure is not None and not failure.check(ReactorNotRunning):  # asked to stop twice, which is no fault
        error = (failure.type, failure.value, failure.getTracebackObject())
        log_event(logger, "twisted_failed", level=logging.ERROR, exc_info=error)


def say_goodbye(protocol: Socket, code: int) -> None:
    """Close one socket and tell its consumer once; what it still sends is dropped."""
    if protocol.state == protocol.STATE_CONNECTING:
        return  # not accepted yet: its application is cancelled with the others
    protocol.muted = True
    if hasattr(protocol, "application_queue"):
        protocol.application_queue.put_nowait({"type": "websocket.disconnect", "code": code})
    protocol.serverClose(code)


def _application(details: dict[str, Any]) -> asyncio.Future[None] | None:
    return details.get("application_instance")


async def _end(applications: list[asyncio.Future[None]]) -> None:
    _, late = await asyncio.wait(applications, timeout=GRACE_S)
    for application in late:
        application.cancel()
    # Their exceptions have been logged already, or come from being cancelled here.
    await asyncio.gather(*applications, return_exceptions=True)
