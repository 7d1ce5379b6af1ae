"""Exports under Daphne: a client that takes its time costs no memory, no place of a page and no database connection."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from facesite.turnstile import PAGES
from tests.support import raw
from tests.support.server import Browser, LiveServer, running_server

ROWS = 50_000
FILL = f"""
from uuid import uuid4
from django.utils import timezone
from enrollment.models import Person
from verification.models import VerificationAttempt
now = timezone.now()
for start in range(0, {ROWS}, 5000):
    Person.objects.bulk_create(
        Person(name=f"Person {{start + k}} " + 180 * "x") for k in range(5000)
    )
    VerificationAttempt.objects.bulk_create(
        VerificationAttempt(mode="identify", verdict="match", comparison_score=0.62, match_threshold=0.31, fmr=1e-4,
        frames_agreed=3, frames_seen=4, contract_id="c") for _ in range(5000)
    )
"""
ATTEMPTS = "/verification/attempts/export.csv"
PEOPLE = "/admin/enrollment/person/"


@pytest.fixture(scope="module")
def site(models_dir) -> Iterator[LiveServer]:
    with running_server(models_dir) as server:
        server.manage("shell", "--command", FILL)
        yield server


def cookies(browser: Browser) -> str:
    return "Cookie: " + "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def ask_for_attempts(site: LiveServer, browser: Browser) -> socket.socket:
    client = raw.connection(site)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    client.sendall(raw.head("GET", ATTEMPTS, cookies(browser), "Connection: close"))
    return client


def ask_for_people(site: LiveServer, browser: Browser) -> socket.socket:
    """The admin's action on all people at once."""
    page = browser.get(PEOPLE)[1]
    found = re.search(r'name="_selected_action" value="(\d+)"', page)
    assert found
    body = f"action=export_csv&select_across=1&index=0&_selected_action={found.group(1)}".encode()
    lines = [
        cookies(browser),
        f"X-CSRFToken: {browser.cookie('csrftoken')}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    client = raw.connection(site)
    client.sendall(raw.head("POST", PEOPLE, *lines) + body)
    return client


@pytest.mark.parametrize(("ask", "most_mb"), [(ask_for_attempts, 6), (ask_for_people, 10)])
def test_a_slow_client_costs_no_memory_and_gets_everything(site: LiveServer, ask, most_mb):
    """The people's file has 13 MB, and a page of them with their consents takes 7 MB while it is read."""
    browser = site.login()
    with ask(site, browser) as warm:  # what a first export brings along stays
        raw.answer(warm)
    before = raw.memory_mb(site)
    with ask(site, browser) as client:
        received = client.recv(65536)
        time.sleep(4)
        grown = raw.memory_mb(site) - before
        received += raw.answer(client)
    assert grown < most_mb
    assert received.count(b"\n") > ROWS
    assert received.endswith(b"0\r\n\r\n")


def test_many_slow_clients_leave_room_for_pages(site: LiveServer):
    browser = site.login()
    with ExitStack() as stack:
        for _ in range(PAGES + 1):
            stack.enter_context(ask_for_attempts(site, browser)).recv(1000)
        started = time.monotonic()
        assert browser.get("/verification/")[0] == 200
        assert time.monotonic() - started < 10


def test_a_client_that_goes_away_ends_its_export(site: LiveServer):
    browser = site.login()
    size = site.log.stat().st_size
    with ask_for_attempts(site, browser) as client:
        client.recv(65536)
    time.sleep(1)
    assert browser.get("/verification/")[0] == 200
    assert '"level": "error"' not in site.log.read_text()[size:]
