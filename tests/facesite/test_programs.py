from __future__ import annotations

import asyncio
from typing import Any

import pytest

from facesite.programs import ApiHandler, ByPath, is_call
from facesite.request_ids import WithIds

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("/api/v1/identify", True),
        ("/api/v1/recognition/recognize", True),
        ("/api/v1/openapi.json", True),
        ("/api/v1/docs", False),
        ("/verification/", False),
        ("/apis/", False),
    ],
)
def test_calls_of_the_api_are_told_from_pages(path: str, call: bool):
    assert is_call(path) is call


def ask(method: str, path: str, **more: Any) -> tuple[int, dict[str, str]]:
    """Status and headers of a request without a key."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [(b"host", b"testserver")]}
    asyncio.run(WithIds(ApiHandler())(scope | more, receive, send))
    return sent[0]["status"], {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}


def test_a_call_has_the_headers_of_every_answer_and_no_cookie():
    status, headers = ask("GET", "/api/v1/people")
    assert status == 401
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-request-id"]
    assert "set-cookie" not in headers


def test_a_host_that_is_not_allowed_is_refused_here_too():
    status, headers = ask("GET", "/api/v1/people", headers=[(b"host", b"evil.example")])
    assert (status, headers["content-type"]) == (400, "application/problem+json")


def test_plain_http_is_sent_to_https_where_the_site_says_so(settings):
    settings.SECURE_SSL_REDIRECT = True
    status, headers = ask("GET", "/api/v1/people")
    assert (status, headers["location"]) == (301, "https://testserver/api/v1/people")


def test_what_a_call_uploaded_is_closed_with_its_answer(monkeypatch):
    closed: list[str] = []
    monkeypatch.setattr(ApiHandler.request_class, "close", lambda request: closed.append(request.path))
    ask("POST", "/api/v1/identify")
    assert closed == ["/api/v1/identify"]


def test_a_client_that_goes_before_its_body_has_come_is_no_fault():
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/identify", "query_string": b"", "headers": []}
    asyncio.run(ApiHandler()(scope, receive, send))


def test_the_sites_base_path_is_no_part_of_the_address():
    went: list[str] = []

    async def calls(scope: dict[str, Any], receive: object, send: object) -> None:
        went.append("call")

    async def pages(scope: dict[str, Any], receive: object, send: object) -> None:
        went.append("page")

    way = ByPath(calls=calls, pages=pages)
    for path in ("/faces/api/v1/identify", "/faces/verification/"):
        asyncio.run(way({"path": path, "root_path": "/faces"}, None, None))
    assert went == ["call", "page"]
