"""The ids of requests and sockets, through the whole application as the server calls it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from enrollment.runtime.database import run_in_database_thread
from facesite.logs import JsonFormatter
from facesite.request_ids import WithIds
from security.events import log_event

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACE_PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
logger = logging.getLogger("facesite.tests")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("details for the log")


def said(request: HttpRequest) -> HttpResponse:
    log_event(logger, "said", level=logging.WARNING)
    return HttpResponse(status=404)


urlpatterns = [path("broken", broken), path("said", said), path("api/broken", broken)]
pytestmark = pytest.mark.urls("tests.facesite.test_request_ids")


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What the log says, in its own form."""
    import facesite.asgi  # noqa: F401 - its first import sets logging up once more

    written: list[dict[str, Any]] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(self.format(record)))

    listening = Listening(level=logging.INFO)
    listening.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("", "django")]
    for each in loggers:
        each.addHandler(listening)
    yield written
    for each in loggers:
        each.removeHandler(listening)


async def get(address: str, *headers: tuple[str, str]) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer."""
    from facesite.asgi import application

    sent: list[dict[str, Any]] = []
    gone = asyncio.Event()
    received = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if received:
            return received.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given = [(b"host", b"testserver"), *((name.lower().encode(), value.encode()) for name, value in headers)]
    scope = {"type": "http", "method": "GET", "path": address, "query_string": b"", "headers": given}
    await application(scope, receive, send)
    return sent[0]["status"], {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}


def about(lines: list[dict[str, Any]], message: str) -> dict[str, Any]:
    [line] = [line for line in lines if line["message"] == message]
    return line


class TestAPage:
    async def test_says_its_id_which_the_line_about_its_fault_has_too(self, lines):
        status, headers = await get("/broken", ("traceparent", TRACE_PARENT))
        line = about(lines, "Internal Server Error: /broken")
        assert status == 500
        assert len(headers["x-request-id"]) == 32
        assert (line["request"], line["trace_id"]) == (headers["x-request-id"], TRACE)
        assert line["exception"] == "builtins.RuntimeError"

    async def test_takes_the_id_of_a_proxy_and_all_its_lines_have_it(self, lines):
        _, headers = await get("/said", ("X-Request-Id", "order-66"))
        assert headers["x-request-id"] == "order-66"
        for message in ("said", "Not Found: /said"):
            line = about(lines, message)
            assert line["request"] == "order-66"
            assert "trace_id" not in line

    @pytest.mark.parametrize("given", ["a" * 65, "two words", "line\r\nSet-Cookie: x=1"])
    async def test_takes_no_hostile_one(self, lines, given):
        _, headers = await get("/said", ("X-Request-Id", given), ("traceparent", given))
        assert len(headers["x-request-id"]) == 32
        assert about(lines, "said")["request"] == headers["x-request-id"]
        assert given not in json.dumps(lines)

    async def test_takes_none_of_two(self, lines):
        twice = (("X-Request-Id", "one"), ("X-Request-Id", "two"))
        traces = (("traceparent", TRACE_PARENT), ("traceparent", TRACE_PARENT))
        _, headers = await get("/said", *twice, *traces)
        assert headers["x-request-id"] not in ("one", "two")
        assert "trace_id" not in about(lines, "said")

    async def test_keeps_its_id_beside_others_at_the_same_time(self, lines):
        names = [f"page-{number}" for number in range(8)]
        answers = await asyncio.gather(*(get("/said", ("X-Request-Id", name)) for name in names))
        assert [headers["x-request-id"] for _, headers in answers] == names
        assert sorted(line["request"] for line in lines if line["message"] == "said") == names


class TestACall:
    async def test_has_one_id_in_its_answer_its_problem_and_its_lines(self, lines):
        status, headers = await get("/api/broken", ("X-Request-Id", "order-66"), ("traceparent", TRACE_PARENT))
        assert (status, headers["x-request-id"]) == (500, "order-66")
        assert {line["message"] for line in lines} == {"Internal Server Error: /api/broken", "api_request"}
        assert {(line["request"], line["trace_id"]) for line in lines} == {("order-66", TRACE)}


class TestASocket:
    async def test_its_lines_have_one_id_in_database_threads_too(self, lines):
        def say() -> None:
            log_event(logger, "said", level=logging.WARNING)

        async def consumer(scope: Any, receive: Any, send: Any) -> None:
            say()
            await asyncio.create_task(run_in_database_thread(say))

        scope = {"type": "websocket", "headers": [(b"traceparent", TRACE_PARENT.encode())]}
        await WithIds(consumer)(scope, None, None)
        first, second = lines
        assert first["request"] == second["request"]
        assert first["trace_id"] == second["trace_id"] == TRACE


def test_lines_beside_every_request_have_no_id(lines):
    log_event(logger, "said", level=logging.WARNING)
    assert not {"request", "trace_id"} & set(about(lines, "said"))
