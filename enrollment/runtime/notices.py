"""Tells every process that the gallery changed. A hint that saves half a second: the database decides.

Each server process listens with one thread; sockets know nothing of Redis, so none of them ends when it is away.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any, Final

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

from enrollment.hooks import hooks
from enrollment.runtime.gallery import mark_gallery_stale
from security.events import log_event

GROUP = "gallery"
MESSAGE = {"type": "gallery.changed"}
ANNOUNCE_S: Final = 1.0
"""No write waits longer for its announcement."""
RETRY_S: Final = 1.0
REJOIN_S: Final = 3600.0
"""A membership of the group ends by itself after group_expiry (settings), so it is renewed in time."""

logger = logging.getLogger("facesite.gallery")


def announce_gallery_change() -> None:
    """Call it after the commit. Never raises: what was written stays written when Redis is away."""
    mark_gallery_stale()
    for callback in hooks.gallery_changed:
        callback()
    layer = shared_layer()
    if layer is None or listener.connected is False:
        return  # other processes see the revision half a second later
    try:
        async_to_sync(_announce)(layer)
    except Exception as error:
        # Whatever a channel layer raises when its server is away.
        log_event(logger, "announcement_failed", level=logging.WARNING, error=type(error).__name__)


async def _announce(layer: Any) -> None:
    async with asyncio.timeout(ANNOUNCE_S):
        await layer.group_send(GROUP, MESSAGE)


def shared_layer() -> Any:
    """The channel layer that reaches other processes; None where there is no other process."""
    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer


class Listener:
    """Hears what other processes announce, for as long as this process runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.connected: bool | None = None
        """Whether Redis answers; None: not known, or this process does not listen."""

    def start(self) -> None:
        """Listen from now on, where there are other processes. Returns at once; safe to call again."""
        layer = shared_layer()
        with self._lock:
            if layer is None or self._thread is not None:
                return
            # A daemon: it holds nothing that an end of the process could break.
            self._thread = threading.Thread(
                target=asyncio.run, args=(self.listen(layer),), name="gallery-notices", daemon=True
            )
            self._thread.start()

    async def listen(self, layer: Any) -> None:
        """Never returns and never fails: what goes wrong is tried again."""
        while True:
            try:
                await self._follow(layer)
            except Exception as error:
                # Whatever a channel layer raises when its server is away.
                self._note(connected=False, error=type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _follow(self, layer: Any) -> None:
        channel = await layer.new_channel()
        while True:
            await layer.group_add(GROUP, channel)
            self._note(connected=True)
            mark_gallery_stale()  # what was announced before is not heard
            try:
                async with asyncio.timeout(REJOIN_S) as until_rejoining:
                    while True:
                        await layer.receive(channel)
                        mark_gallery_stale()
            except TimeoutError:
                if not until_rejoining.expired():
                    raise

    def _note(self, *, connected: bool, **facts: str) -> None:
        """Once for each change, not for each try."""
        if connected != self.connected:
            level = logging.INFO if connected else logging.WARNING
            log_event(logger, "redis_connected" if connected else "redis_away", level=level, **facts)
        self.connected = connected


listener = Listener()
