"""The parent of `serve --processes N`: it opens the socket, starts N servers on it, replaces those that die.

SIGTERM and Ctrl-C end them all in order. SIGHUP puts a new process in each one's place, one after the other: the new
one is warm before the old one is asked to end, and should it not get that far, the old ones stay.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from facesite.child import AWAY, LISTENING, WARM, Counts, Place
from security.events import log_event

logger = logging.getLogger("facesite.processes")

BACKLOG: Final = 1024
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Before a process that died is started again: doubled each time, until one has lived for WELL_S."""
WELL_S: Final = 60.0
START_S: Final = 180.0
"""How long a new process may take to get warm, before a rolling restart is given up."""
END_S: Final = 20.0
"""How long a process may take to end; then it is killed."""
TICK_S: Final = 0.5


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listening, for children to inherit. Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return [opened]


@dataclass(slots=True, eq=False)
class Child:
    number: int
    process: subprocess.Popen[bytes]
    status: int
    """What it tells, to read."""
    started: float = field(default_factory=time.monotonic)
    listens: bool = False
    is_warm: bool = False
    asked_to_end: float | None = None

    def end(self) -> None:
        if self.asked_to_end is None:
            self.asked_to_end = time.monotonic()
            self.process.send_signal(signal.SIGTERM)


@dataclass(slots=True, eq=False)
class Slot:
    """One of the N places."""

    child: Child | None = None
    failures: int = 0
    due: float = 0.0
    """When a new child may be started where there is none."""


class Parent:
    def __init__(
        self,
        number: int,
        sockets: Sequence[socket.socket],
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        when_listening: Callable[[], None],
        when_gone: Callable[[int], None] = lambda pid: None,
    ) -> None:
        """command: starts a child; when_listening: called once; when_gone: with the number of a process that ended."""
        self._sockets, self._command, self._environment = sockets, list(command), dict(environment)
        self._when_listening, self._when_gone = when_listening, when_gone
        self._slots = [Slot() for _ in range(number)]
        self._newcomer: Child | None = None
        self._leaving: list[Child] = []
        self._to_replace: deque[int] = deque()
        self._selector = selectors.DefaultSelector()
        self._lifeline, self._hold = os.pipe()
        self._has_listened = self._is_ending = False
        self._counts = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this process
        self._counts.truncate(4 * number)
        for place in range(number):
            self._mark_away(place)

    def run(self) -> bool:
        """Until SIGTERM or SIGINT. False: no process ever came to listen."""
        heard, written = os.pipe()
        os.set_blocking(written, False)
        os.set_blocking(heard, False)
        signal.set_wakeup_fd(written)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)  # heard through the pipe
        self._selector.register(heard, selectors.EVENT_READ)
        try:
            while not (self._is_ending and not self._children()):
                self._step()
                for key, _ in self._selector.select(TICK_S):
                    if key.fd == heard:
                        self._hear(os.read(heard, 512))
                    else:
                        self._read(key.data)
        finally:
            signal.set_wakeup_fd(-1)
            for child in self._children():
                child.process.kill()
        return self._has_listened

    def _children(self) -> list[Child]:
        here = [slot.child for slot in self._slots if slot.child]
        return [*here, *self._leaving, *([self._newcomer] if self._newcomer else [])]

    # What it hears

    def _hear(self, signals: bytes) -> None:
        if {signal.SIGTERM, signal.SIGINT} & set(signals):
            log_event(logger, "processes_stopping", processes=len(self._children()))
            self._end_all()
        elif signal.SIGHUP in signals and not self._is_ending:
            log_event(logger, "rolling_restart", processes=len(self._slots))
            self._to_replace = deque(range(len(self._slots)))

    def _end_all(self) -> None:
        self._is_ending = True
        for child in self._children():
            child.end()

    def _read(self, child: Child) -> None:
        said = os.read(child.status, 64) if child.status >= 0 else b"-"
        if LISTENING in said:
            child.listens = True
            if not self._has_listened:
                self._has_listened = True
                self._when_listening()
        if WARM in said:
            child.is_warm = True
        if not said:  # it is about to end; _step() sees it
            self._stop_reading(child)

    # What it does

    def _step(self) -> None:
        for child in self._children():
            if child.process.poll() is not None:
                self._bury(child)
            elif child.asked_to_end is not None and time.monotonic() - child.asked_to_end > END_S:
                log_event(logger, "process_killed", level=logging.WARNING, pid=child.process.pid)
                child.process.kill()
        if self._is_ending:
            return
        for number, slot in enumerate(self._slots):
            if slot.child is None and time.monotonic() >= slot.due:
                slot.child = self._start(number)
        self._replace_next()

    def _bury(self, child: Child) -> None:
        self._stop_reading(child)
        self._when_gone(child.process.pid)
        if child in self._leaving:
            self._leaving.remove(child)
        elif child is self._newcomer:
            self._newcomer = None
            self._give_up_restart(child)
        else:
            self._note_death(child)

    def _stop_reading(self, child: Child) -> None:
        if child.status >= 0:
            self._selector.unregister(child.status)
            os.close(child.status)
            child.status = -1

    def _note_death(self, child: Child) -> None:
        slot = self._slots[child.number]
        slot.child = None
        if self._is_ending:
            return
        lived = time.monotonic() - child.started
        slot.failures = 0 if lived > WELL_S else slot.failures + 1
        pause = min(PAUSE_S * 2 ** max(0, slot.failures - 1), LONGEST_PAUSE_S)
        slot.due = time.monotonic() + pause
        self._mark_away(child.number)
        facts = {"pid": child.process.pid, "status": child.process.returncode, "again_in_s": pause}
        log_event(logger, "process_died", level=logging.ERROR, **facts)
        if not self._has_listened:
            self._end_all()  # what keeps the first one from starting keeps all of them

    def _mark_away(self, number: int) -> None:
        """Nobody waits for one that is gone to take a connection."""
        Counts(self._place(number, -1)).tell(AWAY)

    def _give_up_restart(self, child: Child) -> None:
        self._to_replace.clear()
        if not self._is_ending:
            log_event(logger, "rolling_restart_given_up", level=logging.ERROR, pid=child.process.pid)

    def _replace_next(self) -> None:
        """The next step of a rolling restart, if there is one to make."""
        newcomer = self._newcomer
        if newcomer is None:
            if self._to_replace and not self._leaving:
                self._newcomer = self._start(self._to_replace.popleft())
        elif newcomer.is_warm:
            slot, self._newcomer = self._slots[newcomer.number], None
            if slot.child:
                slot.child.end()
                self._leaving.append(slot.child)
            slot.child, slot.failures = newcomer, 0
            log_event(logger, "process_replaced", pid=newcomer.process.pid, left=len(self._to_replace))
        elif newcomer.asked_to_end is None and time.monotonic() - newcomer.started > START_S:
            newcomer.end()

    def _start(self, number: int) -> Child:
        heard, told = os.pipe()
        place = self._place(number, told)
        process = subprocess.Popen(  # noqa: S603
            self._command,
            env=self._environment | place.environment(),
            pass_fds=place.descriptors,
            start_new_session=True,  # Ctrl-C is for the parent
        )
        os.close(told)
        child = Child(number, process, heard)
        self._selector.register(heard, selectors.EVENT_READ, child)
        return child

    def _place(self, number: int, status: int) -> Place:
        sockets = tuple(one.fileno() for one in self._sockets)
        others = any(slot.child and slot.child.is_warm for slot in self._slots)
        return Place(number, len(self._slots), sockets, status, self._lifeline, self._counts.fileno(), others)
