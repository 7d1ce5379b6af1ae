"""Daphne, with an orderly end: open sockets get close code 1012, their consumers a disconnect, requests an answer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer

from enrollment.streaming.sockets import CLOSE_TOO_LARGE

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


class Socket(WebSocketProtocol):  # type: ignore[misc]  # Daphne has no annotations
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
        super().__init__(*args, **kwargs, ready_callable=lambda: self._when_ready(then))
        self.listen_failure = ""
        self._ports: list[Any] = []

    def _when_ready(self, then: Any) -> None:
        self.ws_factory.protocol = Socket
        # A message over the limit is answered with a close code instead of a dropped connection.
        self.ws_factory.setProtocolOptions(failByDrop=False)
        if then is not None:
            then()

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)

    def listen_error(self, failure: Any) -> None:
        self.listen_failure = failure.getErrorMessage()
        super().listen_error(failure)

    def kill_all_applications(self) -> defer.Deferred[None]:
        """Called before the reactor stops; the reactor waits for the result."""
        drained: defer.Deferred[None] = defer.Deferred.fromFuture(asyncio.ensure_future(self._drain()))
        drained.addErrback(lambda failure: logger.error("The end was not orderly.", exc_info=failure.value))
        return drained

    async def _drain(self) -> None:
        for port in self._ports:
            port.stopListening()
        sockets = [protocol for protocol in self.connections if isinstance(protocol, Socket)]
        for protocol in sockets:
            say_goodbye(protocol)
        running = [app for app in map(_application, self.connections.values()) if app and not app.done()]
        logger.info("Stopping: %d sockets and %d applications are open.", len(sockets), len(running))
        if running:
            await _end(running)
        if sockets:
            loop = asyncio.get_running_loop()
            await asyncio.wait([socket.is_closed.asFuture(loop) for socket in sockets], timeout=FAREWELL_S)


def say_goodbye(protocol: Socket) -> None:
    """Close one socket with 1012 and tell its consumer, once. What the client still sends is dropped."""
    if protocol.state == protocol.STATE_CONNECTING:
        return  # not accepted yet: its application is cancelled with the others
    protocol.muted = True
    if hasattr(protocol, "application_queue"):
        protocol.application_queue.put_nowait({"type": "websocket.disconnect", "code": SERVICE_RESTART})
    protocol.serverClose(SERVICE_RESTART)


def _application(details: dict[str, Any]) -> asyncio.Future[None] | None:
    return details.get("application_instance")


async def _end(applications: list[asyncio.Future[None]]) -> None:
    _, late = await asyncio.wait(applications, timeout=GRACE_S)
    for application in late:
        application.cancel()
    # Their exceptions have been logged already, or come from being cancelled here.
    await asyncio.gather(*applications, return_exceptions=True)
