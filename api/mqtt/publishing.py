"""The connection to the broker: a thread of a serving process that sends what this process has to tell.

MQTT tells what is now. A message that could not be sent for STALE_S is dropped, but for the newest state of a topic. A
broker that is away blocks nobody: it is tried again every RETRY_S.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import ssl
import time
from collections import deque
from contextlib import suppress
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiomqtt
from django.conf import settings

from api.mqtt.topics import LAST_SEEN, STATUS, Message, below, discovery
from enrollment.models import Person
from enrollment.runtime.database import run_in_database_thread
from security.background import Background
from security.events import log_event

logger = logging.getLogger("facesite.mqtt")

RETRY_S: Final = 5.0
STALE_S: Final = 60.0
MOST_WAITING: Final = 1_000
ANSWER_S: Final = 10.0


class Publisher(Background):
    """put() is quick and may be called from any thread; everything else happens in the publisher's own."""

    def __init__(self) -> None:
        super().__init__("mqtt", every_s=RETRY_S, join_s=ANSWER_S)
        self.connected = False
        self._waiting: deque[tuple[Message, float]] = deque(maxlen=MOST_WAITING)
        self._kept: dict[str, Message] = {}
        """States that wait: topic -> the newest."""
        self._seen: dict[str, str] = {}
        """What the broker keeps: topic -> id of the person whom it names."""
        self._announced: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._problem = ""

    @property
    def is_running(self) -> bool:
        return self._has_begun and not self._stopping.is_set()

    def put(self, message: Message) -> None:
        """Send it soon."""
        if message.keep:
            self._kept[message.topic] = message
            self._note_person(message.topic, message.payload)
        else:
            self._waiting.append((message, time.monotonic()))
        self._ring()

    def announce(self, place: str) -> None:
        """Tell Home Assistant of a place, once for each connection."""
        if settings.FACESITE_MQTT_DISCOVERY and place not in self._announced:
            self._announced.add(place)
            for config in discovery(place):
                self.put(config)

    def forget(self, people: set[str]) -> None:
        """Take back what the broker keeps, or is about to be told, of these people (ids)."""
        for topic, person in list(self._seen.items()):
            if person in people:
                self.put(Message(topic, "", keep=True))

    def tell_to_stop(self) -> None:
        super().tell_to_stop()
        self._ring()

    def look(self) -> None:
        try:
            asyncio.run(self._session())
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            self._note(type(error).__name__)
        finally:
            self.connected, self._loop = False, None
            self._announced.clear()

    def _note(self, problem: str) -> None:
        """One line for each change, not one for each try."""
        if problem != self._problem and not self._stopping.is_set():
            self._problem = problem
            event = "mqtt_away" if problem else "mqtt_connected"
            log_event(logger, event, level=logging.WARNING if problem else logging.INFO, reason=problem)

    def _ring(self) -> None:
        if loop := self._loop:
            with suppress(RuntimeError):  # the loop has just ended: the next session looks first
                loop.call_soon_threadsafe(self._news.set)

    async def _session(self) -> None:
        """From connecting to the connection's end. Raises MqttError, OSError, TimeoutError."""
        self._news = asyncio.Event()
        async with _client(settings.FACESITE_MQTT_URL, below(STATUS)) as client:
            self._loop = asyncio.get_running_loop()
            await client.publish(below(STATUS), "online", qos=1, retain=True)
            await client.subscribe([(below(f"place/+/{LAST_SEEN}"), 1), (below(STATUS), 1)])
            self.connected = True
            self._note("")
            tasks = [asyncio.ensure_future(self._send(client)), asyncio.ensure_future(self._learn(client))]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                await client.publish(below(STATUS), "offline", qos=1, retain=True)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, client: aiomqtt.Client) -> None:
        """Until the process stops."""
        while not self._stopping.is_set():
            self._news.clear()
            while self._waiting:
                message, since = self._waiting[0]
                if time.monotonic() - since < STALE_S:
                    await client.publish(message.topic, message.payload, qos=1)
                self._waiting.popleft()
            for topic, state in list(self._kept.items()):
                await client.publish(topic, state.payload, qos=1, retain=True)
                if self._kept.get(topic) is state:  # else a newer one came meanwhile
                    del self._kept[topic]
            if not self._waiting and not self._kept:
                await self._news.wait()

    async def _learn(self, client: aiomqtt.Client) -> None:
        """Which topics name whom, also those that other processes wrote or that were kept over a restart."""
        async for message in client.messages:
            topic = message.topic.value
            if topic == below(STATUS):
                self._contradict(message.payload)
                continue
            person = self._note_person(topic, message.payload)
            if person and message.retain and not await run_in_database_thread(_exists, person):
                self.put(Message(topic, "", keep=True))

    def _contradict(self, status: object) -> None:
        """Another process of the site is gone and has said that the site is; this one is still here."""
        if status == b"offline" and not self._stopping.is_set():
            self.put(Message(below(STATUS), "online", keep=True))

    def _note_person(self, topic: str, payload: object) -> str | None:
        """Remember whom a kept topic names from now on. Returns their id; None: nobody."""
        person = _person_in(payload)
        if person:
            self._seen[topic] = person
        else:
            self._seen.pop(topic, None)
        return person


publisher = Publisher()
"""The process's own; only `serve` and `runserver` start it, where FACESITE_MQTT_URL names a broker."""


def broker_problem(url: str) -> str:
    """Why the broker at `url` cannot be used, in a few words; empty when it can. Waits ANSWER_S at most."""

    async def connect() -> None:
        async with _client(url, ""):
            pass

    try:
        asyncio.run(connect())
    except (aiomqtt.MqttError, OSError, TimeoutError) as error:
        return str(error).rstrip(".") or type(error).__name__
    return ""


def _client(url: str, status: str) -> aiomqtt.Client:
    """Not connected yet. status: the topic where the broker says "offline" when we are gone without a word; or ""."""
    parts = urlsplit(url)
    secure = parts.scheme == "mqtts"
    return aiomqtt.Client(
        parts.hostname or "",
        parts.port or (8883 if secure else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        identifier=f"facesite-{secrets.token_hex(6)}",
        will=aiomqtt.Will(status, "offline", qos=1, retain=True) if status else None,
        tls_context=ssl.create_default_context() if secure else None,
        timeout=ANSWER_S,
        keepalive=30,
    )


def _person_in(payload: object) -> str | None:
    """The id that a state names; None: none, or it is not ours."""
    try:
        return str(UUID(json.loads(payload)["person"]))  # type: ignore[arg-type]  # a broker may give anything
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _exists(person: str) -> bool:
    return Person.objects.filter(uuid=person).exists()
