"""Every call of the API as a value: what is sent, and how the answer is read. Both clients carry these out."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from facesite_client.models import Attempt, Comparison, Face, Person, Punch, Sample, Status, Webhook

T = TypeVar("T")
Picture = bytes | str | Path
"""The bytes of a JPEG, PNG or WebP, or the path of such a file."""
PAGE = 200


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    method: str
    path: str
    read: Callable[[Any], T]
    """The answer's JSON (None: it has no body) to what the caller gets."""
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    files: Sequence[tuple[str, tuple[str, bytes, str]]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    """Sending it twice changes nothing more than sending it once."""


def status() -> Call[Status]:
    return Call("GET", "/status", Status.read)


def identify(picture: Picture, *, liveness: bool) -> Call[list[Face]]:
    return _with_picture("/identify", picture, _faces, {"liveness": "true"} if liveness else {})


def verify(picture: Picture, person: str, *, liveness: bool) -> Call[list[Face]]:
    params = {"person": person} | ({"liveness": "true"} if liveness else {})
    return _with_picture("/verify", picture, _faces, params)


def compare(first: Picture, second: Picture) -> Call[Comparison]:
    files = [("image1", _file(first)), ("image2", _file(second))]
    return Call("POST", "/compare", Comparison.read, files=files)


def people_page(query: str, cursor: str | None) -> Call[tuple[list[Person], str | None]]:
    params = {"limit": str(PAGE)} | ({"q": query} if query else {}) | ({"cursor": cursor} if cursor else {})
    return Call("GET", "/people", lambda data: _page(data, "people", Person.read), params)


def get_person(person: str) -> Call[Person]:
    return Call("GET", f"/people/{quote(person)}", Person.read)


def create_person(
    name: str, external_id: str | None, consent: Mapping[str, Any] | None, once: str | None, more: Mapping[str, Any]
) -> Call[Person]:
    body = {"name": name, "external_id": external_id, "consent": consent, **more}
    body = {key: value for key, value in body.items() if value is not None}
    return Call("POST", "/people", Person.read, json=body, headers=_once(once))


def change_person(person: str, changes: Mapping[str, Any]) -> Call[Person]:
    return Call("PATCH", f"/people/{quote(person)}", Person.read, json=changes)


def erase_person(person: str) -> Call[None]:
    return Call("DELETE", f"/people/{quote(person)}", lambda data: None)


def list_samples(person: str) -> Call[list[Sample]]:
    return Call("GET", f"/people/{quote(person)}/samples", lambda data: [Sample.read(one) for one in data["samples"]])


def add_sample(person: str, picture: Picture, *, despite_duplicate: bool, once: str | None) -> Call[list[Sample]]:
    params = {"despite_duplicate": "true"} if despite_duplicate else {}
    return _with_picture(
        f"/people/{quote(person)}/samples",
        picture,
        lambda data: [Sample.read(one) for one in data["samples"]],
        params,
        _once(once),
    )


def remove_sample(person: str, sample: str) -> Call[None]:
    return Call("DELETE", f"/people/{quote(person)}/samples/{quote(sample)}", lambda data: None)


def attempts_page(
    since: datetime | None, verdict: str | None, person: str | None, cursor: str | None
) -> Call[tuple[list[Attempt], str | None]]:
    asked = {"since": since.astimezone().isoformat() if since else None, "verdict": verdict, "person": person}
    params = {key: value for key, value in (asked | {"cursor": cursor}).items() if value}
    return Call("GET", "/attempts", lambda data: _page(data, "attempts", Attempt.read), {"limit": str(PAGE)} | params)


def attendance_page(
    since: datetime | None, until: datetime | None, person: str | None, cursor: str | None
) -> Call[tuple[list[Punch], str | None]]:
    days = {"from": since, "to": until}
    asked = {name: at.astimezone().isoformat() if at else None for name, at in days.items()}
    params = {key: value for key, value in (asked | {"person": person, "cursor": cursor}).items() if value}
    return Call("GET", "/attendance", lambda data: _page(data, "punches", Punch.read), {"limit": str(PAGE)} | params)


def list_webhooks() -> Call[list[Webhook]]:
    return Call("GET", "/webhooks", lambda data: [Webhook.read(one) for one in data["webhooks"]])


def create_webhook(url: str, events: Sequence[str]) -> Call[Webhook]:
    return Call("POST", "/webhooks", Webhook.read, json={"url": url, "events": list(events)}, repeatable=False)


def delete_webhook(webhook: str) -> Call[None]:
    return Call("DELETE", f"/webhooks/{quote(webhook)}", lambda data: None)


def _with_picture(
    path: str,
    picture: Picture,
    read: Callable[[Any], T],
    params: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> Call[T]:
    _, content, kind = _file(picture)
    return Call("POST", path, read, params, content=content, headers={"Content-Type": kind, **(headers or {})})


def _file(picture: Picture) -> tuple[str, bytes, str]:
    """Name, bytes, media type. Raises OSError."""
    if isinstance(picture, bytes):
        return "picture", picture, _kind_of(picture)
    path = Path(picture)
    content = path.read_bytes()
    return path.name, content, mimetypes.guess_type(path.name)[0] or _kind_of(content)


def _kind_of(content: bytes) -> str:
    if content.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if content[8:12] == b"WEBP" else "image/jpeg"


def _once(token: str | None) -> dict[str, str]:
    """A token of its own for every call, so that a retry enrols nobody twice."""
    return {"Idempotency-Key": token or uuid4().hex}


def _faces(data: Any) -> list[Face]:
    return [Face.read(one) for one in data["faces"]]


def _page(data: Any, name: str, read: Callable[[Any], T]) -> tuple[list[T], str | None]:
    return [read(one) for one in data[name]], data["next_cursor"]
