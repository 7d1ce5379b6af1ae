"""Enrolling and verifying over hand-driven sockets of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.support.server import Browser, receive
from tests.support.sockets import PATIENCE_S, frame


def enrol(browser: Browser, name: str, pictures: Iterable[bytes]) -> str:
    """Enrol one person from what the guided capture takes of `pictures`. The person's uuid."""
    with browser.socket("/ws/enrollment/") as connection:
        receive(connection, "hello")
        connection.send(json.dumps({"type": "configure", "person": {"name": name}, "consent": True}))
        captured = 0
        for seq, picture in enumerate(pictures, start=1):
            connection.send(frame(seq, picture))
            captured = receive(connection, "result")["captured"]
        assert captured >= 1
        connection.send(json.dumps({"type": "finish"}))
        enrolled = receive(connection, "enrolled")
    assert enrolled["person"]["name"] == name
    return str(enrolled["person"]["id"])


def decide(browser: Browser, pictures: Iterable[bytes], **configure: str) -> dict[str, Any]:
    """The first decision about whoever `pictures` show; 1:N unless told otherwise."""
    with browser.socket("/ws/verification/") as connection:
        receive(connection, "hello")
        connection.send(json.dumps({"type": "configure", "mode": "identify"} | configure))
        for seq, picture in enumerate(pictures, start=1):
            connection.send(frame(seq, picture))
            while True:
                message: dict[str, Any] = json.loads(connection.recv(timeout=PATIENCE_S))
                if message["type"] == "decision":
                    return message
                if message.get("seq") == seq:
                    break
        return receive(connection, "decision")
