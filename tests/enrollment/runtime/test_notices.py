from __future__ import annotations

import asyncio

import pytest
from channels.layers import InMemoryChannelLayer

from enrollment.runtime import notices


class RecordingLayer:
    """Stands in for a Redis channel layer."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[tuple[str, dict[str, str]]] = []

    async def group_send(self, group, message):
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        self.sent.append((group, message))


@pytest.fixture
def stale(monkeypatch):
    marks = []
    monkeypatch.setattr(notices, "mark_gallery_stale", lambda: marks.append(True))
    return marks


class TestAnnounceGalleryChange:
    def test_tells_this_process_and_the_group(self, monkeypatch, stale):
        layer = RecordingLayer()
        monkeypatch.setattr(notices, "get_channel_layer", lambda: layer)
        notices.announce_gallery_change()
        assert layer.sent == [("gallery", {"type": "gallery.changed"})]
        assert stale == [True]

    def test_never_fails_when_redis_is_away(self, monkeypatch, stale, caplog):
        layer = RecordingLayer(ConnectionRefusedError("redis://:secret@host"))
        monkeypatch.setattr(notices, "get_channel_layer", lambda: layer)
        notices.announce_gallery_change()
        assert stale == [True]
        [record] = caplog.records
        assert record.data == {"error": "ConnectionRefusedError"}
        assert "secret" not in caplog.text

    def test_needs_no_message_where_there_is_one_process_only(self, monkeypatch, stale):
        layer = InMemoryChannelLayer()
        monkeypatch.setattr(layer, "group_send", lambda *args: pytest.fail("sent to nobody else"))
        monkeypatch.setattr(notices, "get_channel_layer", lambda: layer)
        notices.announce_gallery_change()
        assert stale == [True]
