"""What a process knows that `serve --processes` started: which one of how many it is, where it listens, who waits.

The parent (facesite/processes.py) says it in one variable of the environment, so that settings know it, too.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

VARIABLE: Final = "FACESITE_CHILD"
LISTENING, WARM = b"l", b"w"
"""What a child tells its parent, a byte each."""
LOOK_S: Final = 0.1
COLD_S: Final = 60.0
"""A process that takes another one's place accepts connections when it is warm, or after so long."""
AWAY: Final = -1
_SLOT: Final = struct.Struct("i")


@dataclass(frozen=True, slots=True)
class Place:
    """File descriptors are inherited; all but `sockets` are for these two modules alone."""

    number: int
    """From 0; another process with the same number may still be ending."""
    of: int
    sockets: tuple[int, ...]
    status: int
    """To write LISTENING and WARM into."""
    lifeline: int
    """At its end when the parent is gone."""
    counts: int
    """A file with the open connections of each process."""
    has_siblings: bool
    """Others serve already: nobody is kept waiting while this one warms up."""

    def environment(self) -> dict[str, str]:
        return {VARIABLE: json.dumps(asdict(self))}

    @property
    def descriptors(self) -> tuple[int, ...]:
        return (*self.sockets, self.status, self.lifeline, self.counts)


def my_place() -> Place | None:
    """None: this process serves alone."""
    said = os.environ.get(VARIABLE, "")
    if not said:
        return None
    facts = json.loads(said)
    return Place(**facts | {"sockets": tuple(facts["sockets"])})


def share_of(total: int) -> int:
    """This process's share of what all processes of this machine have together, at least 1."""
    place = my_place()
    if place is None:
        return total
    return max(1, total // place.of + (place.number < total % place.of))


def how_many() -> int:
    """Processes of this `serve`, this one among them."""
    place = my_place()
    return place.of if place else 1


class Counts:
    """How many connections each process has open, in memory that they share."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._memory = mmap.mmap(place.counts, _SLOT.size * place.of)

    def tell(self, number: int) -> None:
        """AWAY: this process takes no more."""
        _SLOT.pack_into(self._memory, _SLOT.size * self._place.number, number)

    def others(self) -> Iterator[int]:
        """Of those that take connections."""
        for number in range(self._place.of):
            count = _SLOT.unpack_from(self._memory, _SLOT.size * number)[0]
            if number != self._place.number and count != AWAY:
                yield count


def end_with_parent(place: Place) -> None:
    """Should the parent be killed, this process ends in order."""

    def wait() -> None:
        with suppress(OSError):
            os.read(place.lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def tell_when_warm(place: Place, is_warm: Callable[[], bool], warm_up: Callable[[], Any]) -> None:
    """warm_up is called again and again: a load balancer that asks /readyz reaches only one of the processes."""
    tell_parent(place, LISTENING)

    def wait() -> None:
        while not is_warm():
            warm_up()
            time.sleep(LOOK_S)
        tell_parent(place, WARM)

    threading.Thread(target=wait, name="warm", daemon=True).start()


def tell_parent(place: Place, what: bytes) -> None:
    with suppress(OSError):  # it is gone, which end_with_parent() notices
        os.write(place.status, what)
