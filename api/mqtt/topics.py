"""Which messages a happening is. Topics and payloads are documented in docs/mqtt.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

STATUS: Final = "status"
LAST_SEEN: Final = "last_seen"
UNKNOWN: Final = "unknown"
ATTACK: Final = "attack"
SENSORS: Final = {
    LAST_SEEN: ("Last seen", "{{ value_json.name or value_json.person }}", "mdi:face-recognition"),
    UNKNOWN: ("Unknown face", "{{ value_json.at }}", "mdi:account-question"),
    ATTACK: ("Attack", "{{ value_json.at }}", "mdi:shield-alert"),
}


@dataclass(frozen=True, slots=True)
class Message:
    topic: str
    payload: str
    """JSON; empty: take back what the broker keeps."""
    keep: bool = False
    """Whether the broker keeps it for whoever listens later."""


def message(topic: str, content: Mapping[str, Any], *, keep: bool = False) -> Message:
    return Message(topic, json.dumps(content, separators=(",", ":"), ensure_ascii=False), keep)


def below(topic: str) -> str:
    """A topic of this site's, as a whole one."""
    return f"{settings.FACESITE_MQTT_TOPIC}/{topic}"


def messages_of_attempt(attempt: str, place: str, facts: Mapping[str, Any], name: str | None) -> Iterator[Message]:
    """name: of the person who was matched, where the site publishes names."""
    yield message(below("attempt"), {"attempt": attempt, "place": place, **facts})
    room = below(f"place/{slug(place)}")
    brief = {"at": facts["at"], "attempt": attempt}
    if facts["verdict"] == "match":
        yield message(f"{room}/{LAST_SEEN}", {"person": facts["person"], "name": name, **brief}, keep=True)
    elif facts["verdict"] == "non_match":
        yield message(f"{room}/{UNKNOWN}", brief, keep=True)
    elif facts["verdict"] == "attack":
        yield message(f"{room}/{ATTACK}", brief, keep=True)


def discovery(place: str) -> Iterator[Message]:
    """What Home Assistant reads to show a place's sensors by itself."""
    where, site = slug(place), slug(settings.FACESITE_MQTT_TOPIC)
    for kind, (label, template, icon) in SENSORS.items():
        own = f"{site}_{where}_{kind}"
        state = below(f"place/{where}/{kind}")
        config: dict[str, Any] = {
            "name": f"{place} {label.lower()}",
            "unique_id": own,
            "object_id": own,
            "state_topic": state,
            "value_template": template,
            "json_attributes_topic": state,
            "availability_topic": below(STATUS),
            "icon": icon,
            "device": {"identifiers": [site], "name": "facesite", "manufacturer": "facesite"},
        }
        if kind != LAST_SEEN:
            config["device_class"] = "timestamp"
        yield message(f"{settings.FACESITE_MQTT_DISCOVERY}/sensor/{own}/config", config, keep=True)


def slug(text: str) -> str:
    """A level of a topic: letters, digits, - and _ only."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-") or "place"
