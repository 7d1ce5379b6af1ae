"""A host that is not allowed: probes are answered, everybody else is told whom to ask, and the log what to set."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from facesite import hosts
from facesite.logs import FewLines
from tests.support import raw
from tests.support.server import LiveServer


def ask(server: LiveServer, path: str, host: str) -> tuple[int, str]:
    """Status and body, asked by hand under any Host."""
    with raw.connection(server) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin1"))
        head, _, body = raw.answer(client).decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


def events(server: LiveServer) -> list[dict]:
    entries = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry["message"] == "host_not_allowed"]


@pytest.fixture(autouse=True)
def fresh_bound(monkeypatch) -> None:
    monkeypatch.setattr(hosts, "few_lines", FewLines(10))


class TestRealServer:
    @pytest.mark.parametrize("host", ["10.1.2.3", "10.1.2.3:8000", "face_site", "[fe80::1]"])
    def test_probes_are_answered_under_any_host(self, live_server_process: LiveServer, host: str):
        assert ask(live_server_process, "/healthz", host) == (200, '{"status": "ok"}')
        status, body = ask(live_server_process, "/readyz", host)
        assert (status, json.loads(body)["ready"]) == (200, True)

    def test_nothing_else_is(self, live_server_process: LiveServer):
        for path in ("/", "/accounts/login/", "/admin/", "/healthz/", "/enrollment/people/"):
            status, body = ask(live_server_process, path, "10.1.2.3")
            assert status == 400
            assert "ask the site's administrator to allow this name" in body
            assert "10.1.2.3" not in body

    def test_the_log_names_the_host_and_what_to_set_and_is_not_flooded(self, live_server_process: LiveServer):
        for number in range(30):
            assert ask(live_server_process, "/", f"wrong-{number}.example")[0] == 400
        told = events(live_server_process)
        assert 1 <= len(told) <= 10  # others of this module among them
        assert all("ALLOWED_HOSTS" in line["hint"] for line in told)
        assert "Invalid HTTP_HOST" not in live_server_process.log.read_text()

    def test_the_page_is_drawn_in_the_sites_style(self, live_server_process: LiveServer):
        assert "color-scheme" in ask(live_server_process, "/static/css/app.css", "10.1.2.3")[1]


class TestBadRequest:
    def told(self, caplog) -> list[dict]:
        return [record.data for record in caplog.records if record.message == "host_not_allowed"]

    def test_is_logged_with_a_host_that_cannot_do_harm(self, caplog):
        answer = Client(headers={"host": 'a"\x1b[31m\t' + "é" * 500}).get("/")
        assert answer.status_code == 400
        (facts,) = self.told(caplog)
        assert facts["host"].startswith('a"?[31m?\\xe9\\xe9')
        assert len(facts["host"]) == hosts.SHOWN_CHARACTERS

    def test_says_how_many_lines_were_left_out(self, caplog, monkeypatch):
        monkeypatch.setattr(hosts, "few_lines", few := FewLines(2))
        for _ in range(5):
            Client(headers={"host": "wrong.example"}).get("/")
        monkeypatch.setattr(few, "_minute", few._minute - 61)
        Client(headers={"host": "wrong.example"}).get("/")
        assert [facts["left_out"] for facts in self.told(caplog)] == [0, 0, 3]

    def test_other_bad_requests_keep_djangos_page(self, rf):
        answer = hosts.bad_request(rf.get("/"), ValueError())
        assert answer.status_code == 400
        assert b"administrator" not in answer.content
