"""Tells every process that the gallery changed. A hint that saves half a second: the database decides."""

from __future__ import annotations

import logging

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

from enrollment.events import log_event
from enrollment.runtime.gallery import mark_gallery_stale

GROUP = "gallery"
MESSAGE = {"type": "gallery.changed"}

logger = logging.getLogger("facesite.gallery")


def announce_gallery_change() -> None:
    """Call it after the commit. Never raises: what was written stays written when Redis is away."""
    mark_gallery_stale()
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return  # this process is the only one that such a layer reaches, and it knows already
    try:
        async_to_sync(layer.group_send)(GROUP, MESSAGE)
    except Exception as error:
        # Whatever a channel layer raises when its server is away; other processes see the revision 500 ms later.
        log_event(logger, "announcement_failed", level=logging.WARNING, error=type(error).__name__)
