"""The site below a path of its host: pages, static files and sockets, whether the proxy passes the path on or not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from websockets import Origin
from websockets.sync.client import connect

from facesite.base_path import BasePath, path_inside
from tests.support import raw
from tests.support.server import LiveServer, receive, running_server

BASE = "/faces"


@pytest.fixture(scope="module")
def site(models_dir) -> Iterator[LiveServer]:
    with running_server(models_dir, FACESITE_BASE_PATH=BASE) as server:
        yield server


class StrippingProxy:
    """A request as a proxy sends it that takes the base path off."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server

    def get(self, path: str, *lines: str) -> tuple[int, dict[str, str], str]:
        with raw.connection(self.server) as client:
            client.sendall(raw.head("GET", path, "Connection: close", *lines))
            head, _, body = raw.answer(client).decode(errors="replace").partition("\r\n\r\n")
        status, *fields = head.split("\r\n")
        return (
            int(status.split()[1]),
            {name.lower(): value for name, _, value in (f.partition(": ") for f in fields)},
            body,
        )


class TestPathInside:
    @pytest.mark.parametrize(
        ("path", "inside"),
        [
            ("/faces/admin/", "/admin/"),
            ("/faces/", "/"),
            ("/faces", "/"),
            ("/admin/", "/admin/"),
            ("/", "/"),
            ("/faces2/", "/faces2/"),
        ],
    )
    def test_takes_the_base_path_off_once(self, settings, path, inside):
        settings.FACESITE_BASE_PATH = BASE
        assert path_inside(path) == inside

    def test_changes_nothing_without_one(self, settings):
        settings.FACESITE_BASE_PATH = ""
        assert path_inside("/faces/admin/") == "/faces/admin/"

    async def test_a_client_cannot_name_one(self, settings):
        settings.FACESITE_BASE_PATH = ""
        seen = {}

        async def application(scope, receive, send):
            seen.update(scope)

        scope = {"type": "http", "path": "/admin/", "root_path": "//evil.example"}
        await BasePath(application)(scope, None, None)
        assert (seen["root_path"], seen["path"]) == ("", "/admin/")


class TestSite:
    def test_every_link_of_every_page_stays_below_the_path(self, site):
        browser = site.login()
        for path in (
            "/",
            "/enrollment/",
            "/enrollment/people/",
            "/verification/",
            "/verification/attempts/",
            "/admin/",
        ):
            status, page = browser.get(path)
            assert status == 200
            links = re.findall(r'(?:href|src|action|data-[a-z-]+)="(/[^"]*)"', page)
            assert links
            assert [link for link in links if not link.startswith(f"{BASE}/") and link != BASE] == []

    def test_static_files_and_the_modules_that_they_import_are_served(self, site):
        browser = site.login()
        page = browser.get("/verification/")[1]
        found = re.search(r'src="(/faces/static/js/live\.[0-9a-f]{12}\.js)"', page)
        assert found
        status, script = browser.get(found.group(1).removeprefix(BASE))
        assert status == 200
        imported = re.search(r'from "\./(camera_panel\.[0-9a-f]{12}\.js)"', script)
        assert imported
        assert browser.get(f"/static/js/{imported.group(1)}")[0] == 200

    @pytest.mark.parametrize("path", ["/ws/verification/", "/ws/enrollment/"])
    def test_sockets_open(self, site, path):
        with site.login().socket(path) as connection:
            assert receive(connection, "hello")["protocol"] == 1

    def test_cookies_go_to_this_path_alone(self, site):
        browser = site.login()
        assert {cookie.path for cookie in browser.cookies} == {BASE}

    def test_a_visitor_is_sent_to_the_login_and_back(self, site):
        status, headers, _ = StrippingProxy(site).get(f"{BASE}/enrollment/people/")
        assert (status, headers["location"]) == (302, f"{BASE}/accounts/login/?next={BASE}/enrollment/people/")
        assert StrippingProxy(site).get(BASE)[1]["location"] == f"{BASE}/accounts/login/?next={BASE}/"

    def test_an_export_is_served(self, site):
        status, text = site.login().get("/verification/attempts/export.csv")
        assert (status, text.split(",")[0]) == (200, "\ufefftime")

    def test_pictures_may_be_sent(self, site):
        """What may be large is known by its address, the base path before it or not."""
        browser = site.login()
        part = '--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
        body = f"{part}{'x' * 2_000_000}\r\n--b--\r\n".encode()
        lines = [
            "Cookie: " + "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies),
            f"X-CSRFToken: {browser.cookie('csrftoken')}",
            f"Content-Length: {len(body)}",
            "Content-Type: multipart/form-data; boundary=b",
            "Connection: close",
        ]
        for base in (BASE, ""):
            with raw.connection(site) as client:
                client.sendall(raw.head("POST", f"{base}/verification/photo/", *lines) + body)
                answer = raw.answer(client).decode()
            assert answer.startswith("HTTP/1.1 400 ")
            assert 'name="photo"' in answer

    def test_the_server_says_where_it_is(self, site):
        assert f"facesite is at http://127.0.0.1:{site.port}/faces/" in site.log.read_text()


class TestStrippingProxy:
    def test_pages_are_the_same(self, site):
        proxy = StrippingProxy(site)
        status, headers, _ = proxy.get("/enrollment/people/")
        assert (status, headers["location"]) == (302, f"{BASE}/accounts/login/?next={BASE}/enrollment/people/")
        status, _, page = proxy.get("/accounts/login/")
        found = re.search(r'href="/faces(/static/css/app\.[0-9a-f]{12}\.css)"', page)
        assert status == 200
        assert found
        assert proxy.get(found.group(1))[0] == 200

    def test_sockets_open(self, site):
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in site.login().cookies)
        address = f"ws://localhost:{site.port}/ws/verification/"
        headers = {"Cookie": cookies}
        with connect(address, additional_headers=headers, origin=Origin(site.origin), proxy=None) as connection:
            assert receive(connection, "hello")["protocol"] == 1

    @pytest.mark.parametrize("path", ["/healthz", "/readyz", f"{BASE}/healthz", f"{BASE}/readyz"])
    def test_probes_are_answered_at_both_places_under_any_host(self, site, path):
        with raw.connection(site) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: 10.1.2.3\r\nConnection: close\r\n\r\n".encode())
            assert raw.answer(client).startswith(b"HTTP/1.1 200 ")

    def test_a_header_cannot_move_the_site(self, site):
        page = StrippingProxy(site).get("/accounts/login/", "Daphne-Root-Path: //evil.example")[2]
        assert "evil.example" not in page
        assert "/faces/static/" in page
