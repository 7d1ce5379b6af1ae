"""Another program with an API key."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from django.test import Client
from django.test.client import ClientHandler

from facesite.programs import ShortWay
from security.keys.scopes import Scope
from security.keys.services import create_key
from security.models import ApiKey
from security.request_ids import REQUEST_ID, TRACE_PARENT, handling, ids_for

BASE = "/api/v1"


class CallHandler(ShortWay, ClientHandler):
    """A call's own way, as the server goes it. What stands around the application there names calls here too."""

    def get_response(self, request: HttpRequest) -> Any:
        ids = ids_for(request.headers.get(REQUEST_ID, ""), request.headers.get(TRACE_PARENT, ""))
        with handling(ids):
            response = super().get_response(request)
        response[REQUEST_ID] = ids.request
        return response


class Program:
    """Sends requests as a program would."""

    key: ApiKey
    """Not where the secret was given."""

    def __init__(self, *scopes: Scope, secret: str | None = None, **options: Any) -> None:
        if secret is None:
            self.key, secret = create_key(actor=None, name="front door", scopes=scopes or tuple(Scope), **options)
        self.secret = secret
        self._client = Client(raise_request_exception=False)
        self._client.handler = CallHandler()

    def send(self, method: str, path: str, data: Any = None, kind: str = "", **headers: str) -> Any:
        """data: bytes with their kind (a media type), or what becomes JSON."""
        if data is not None and not isinstance(data, bytes):
            data, kind = json.dumps(data).encode(), "application/json"
        headers = {"Authorization": f"Bearer {self.secret}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self._client.generic(method, BASE + path, data or b"", content_type=kind, headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, data: Any = None, kind: str = "image/jpeg", **headers: str) -> Any:
        return self.send("POST", path, data, kind, **headers)

    def patch(self, path: str, data: Any) -> Any:
        return self.send("PATCH", path, data)

    def delete(self, path: str) -> Any:
        return self.send("DELETE", path)

    def enrol(self, name: str, *pictures: bytes, **more: Any) -> str:
        """The uuid of somebody who is enrolled through the API."""
        made = self.post("/people", {"name": name, "consent": {"how": "paper"}, **more})
        assert made.status_code == 201, made.content
        uuid: str = made.json()["id"]
        for picture in pictures:
            added = self.post(f"/people/{uuid}/samples", picture)
            assert added.status_code == 201, added.content
        return uuid


def problem(response: Any) -> tuple[int, str]:
    """Status and code of a refusal, which is one document everywhere."""
    assert response.headers["Content-Type"] == "application/problem+json", (response.status_code, response.content)
    document = json.loads(response.content)
    assert document["status"] == response.status_code
    assert document["detail"]
    assert document["request_id"] == response.headers["X-Request-Id"]
    return response.status_code, document["code"]
