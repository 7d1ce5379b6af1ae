"""A private MQTT broker for tests: loopback, nothing on disk. It can be killed and started again."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.site import free_port
from tests.support import skips
from tests.support.redis import wait_for
from tests.support.sockets import PATIENCE_S

PROGRAM = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


class Broker:
    def __init__(self, folder: Path) -> None:
        if not PROGRAM:
            skips.skip("mqtt", "no mosquitto")
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        settings = folder / "mosquitto.conf"
        settings.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self._command = [PROGRAM, "-c", str(settings)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(timeout=PATIENCE_S)

    @contextmanager
    def listener(self, topics: str = "#") -> Iterator[Ears]:
        ears = Ears(self.port, topics)
        try:
            yield ears
        finally:
            ears.close()


class Ears:
    """Another program that listens."""

    def __init__(self, port: int, topics: str) -> None:
        self.heard: queue.Queue[tuple[str, Any, bool]] = queue.Queue()
        self._client = Client(CallbackAPIVersion.VERSION2)
        subscribed: queue.Queue[bool] = queue.Queue()
        self._client.on_subscribe = lambda *args: subscribed.put(True)
        self._client.on_message = lambda client, data, message: self.heard.put(
            (message.topic, _read(message.payload), bool(message.retain))
        )
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topics, qos=1)
        self._client.loop_start()
        subscribed.get(timeout=PATIENCE_S)

    def wait_for(self, topic: str) -> Any:
        """The next payload on this topic; others are skipped. Raises queue.Empty."""
        while True:
            heard, payload, _ = self.heard.get(timeout=PATIENCE_S)
            if heard == topic:
                return payload

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _read(payload: bytes | bytearray) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode()
