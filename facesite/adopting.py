"""Listening sockets that a parent opened, for several processes: who has fewer connections takes the next one.

Whoever asks first gets a connection, and a socket stays where it is for hours: without this, one process had most of
them. Connections that nobody has taken yet wait in the parent's socket, so a restart refuses none.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any, Final

from twisted.internet import endpoints
from twisted.internet import reactor as _reactor
from twisted.protocols.tls import TLSMemoryBIOFactory

from facesite.child import COLD_S, LOOK_S, Counts, Place

reactor: Any = _reactor
Endpoints: Any = endpoints
"""Twisted's annotations miss half of both."""
PATIENCE_S: Final = 0.003
TRIES: Final = 5
"""So often a process lets others go first; one of them may stand still."""


class FairPort:
    """Around Twisted's port: one connection at a time, and not before those who have fewer."""

    def __init__(self, port: Any, counts: Counts, open_here: Callable[[], int]) -> None:
        self._port, self._counts, self._open_here = port, counts, open_here
        self._accept = port.doRead
        self._waited = 0
        port.doRead = self.accept

    def accept(self) -> None:
        mine = self._open_here()
        if self._waited < TRIES and any(count < mine for count in self._counts.others()):
            self._waited += 1
            self._port.stopReading()
            reactor.callLater(PATIENCE_S, self._go_on)
            return
        self._waited = 0
        self._port.numberAccepts = 1
        self._accept()
        self._counts.tell(self._open_here())

    def _go_on(self) -> None:
        if self._port.connected:
            self._port.startReading()


def adopt(
    place: Place,
    factory: Any,
    *,
    tls: str,
    counts: Counts,
    open_here: Callable[[], int],
    is_warm: Callable[[], bool],
    when_accepting: Callable[[], None],
) -> list[Any]:
    """Twisted's ports. They accept now, or once warm where others serve meanwhile; when_accepting is called then.

    tls: an endpoint's description; empty for plain http.
    """
    if tls:
        factory = TLSMemoryBIOFactory(Endpoints.serverFromString(reactor, tls)._sslContextFactory, False, factory)
    ports = []
    for descriptor in place.sockets:
        with socket.socket(fileno=socket.dup(descriptor)) as inherited:
            family = inherited.family
        port = reactor.adoptStreamPort(descriptor, family, factory)
        FairPort(port, counts, open_here)
        port.stopReading()
        ports.append(port)
    latest = time.monotonic() + (COLD_S if place.has_siblings else 0.0)
    _accept_once_warm(ports, is_warm, latest, when_accepting)
    return ports


def _accept_once_warm(
    ports: list[Any], is_warm: Callable[[], bool], latest: float, when_accepting: Callable[[], None]
) -> None:
    if not is_warm() and time.monotonic() < latest:
        reactor.callLater(LOOK_S, _accept_once_warm, ports, is_warm, latest, when_accepting)
        return
    open_ports = [port for port in ports if port.connected]  # none where the process is ending already
    for port in open_ports:
        port.startReading()
    if open_ports:
        when_accepting()
