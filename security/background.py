"""Threads beside requests: one piece of work, or looking for work again and again (`serve` and `runserver` alone)."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import close_old_connections


def in_background(work: Callable[[], object], *, name: str) -> None:
    """Do it once, in a thread whose database connection is closed afterwards. `work` handles its own errors."""

    def do() -> None:
        try:
            work()
        finally:
            close_old_connections()

    threading.Thread(target=do, name=name).start()


class Background:
    """Subclasses say what a look is; it handles its own errors."""

    def __init__(self, name: str, *, every_s: float, join_s: float | None) -> None:
        """every_s: between two looks, unless woken. join_s: how long stop() waits for a look; None: until it ends."""
        self._name, self._every_s, self._join_s = name, every_s, join_s
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._has_begun = False

    def look(self) -> None:
        """Do what there is to do now, and mind `_stopping` meanwhile. Its database connection is closed afterwards."""
        raise NotImplementedError

    def start(self) -> None:
        """A second call changes nothing, unless stop() came in between."""
        if not self._has_begun:
            self._has_begun = True
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def tell_to_stop(self) -> None:
        """Returns at once."""
        self._stopping.set()
        self._wake.set()

    def stop(self) -> None:
        """Wait for the look that is under way, as long as join_s says."""
        self.tell_to_stop()
        if self._thread is not None:
            self._thread.join(self._join_s)
            self._has_begun = False

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            finally:
                close_old_connections()
            self._wake.wait(self._every_s)
            self._wake.clear()
