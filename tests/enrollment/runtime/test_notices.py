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


class FlakyLayer:
    """Stands in for a Redis that is away when it is first asked, announces once, is lost for two tries, and is back."""

    def __init__(self) -> None:
        self.joins = iter([ConnectionError(), None, TimeoutError(), None])
        self.messages = iter([None, ConnectionError()])
        self.back = asyncio.Event()

    async def new_channel(self):
        return "channel!1"

    async def group_add(self, group, channel):
        error = next(self.joins)
        if error:
            raise error

    async def receive(self, channel):
        await asyncio.sleep(0)
        try:
            error = next(self.messages)
        except StopIteration:
            self.back.set()
            await asyncio.Event().wait()  # nothing more is announced
        else:
            if error:
                raise error


class TestListener:
    async def test_joins_again_and_tells_of_an_outage_once(self, monkeypatch, stale, caplog):
        caplog.set_level("INFO")
        monkeypatch.setattr(notices, "RETRY_S", 0.0)
        layer = FlakyLayer()
        running = asyncio.create_task(notices.Listener().listen(layer))
        await layer.back.wait()
        running.cancel()
        events = [record.getMessage() for record in caplog.records]
        assert events == ["redis_away", "redis_connected", "redis_away", "redis_connected"]
        assert len(stale) == 3  # after each joining, and when another process announced something

    def test_there_is_nobody_to_listen_to_where_there_is_one_process(self, monkeypatch):
        monkeypatch.setattr(notices, "get_channel_layer", InMemoryChannelLayer)
        listener = notices.Listener()
        listener.start()
        assert listener.connected is None
        assert listener._thread is None
