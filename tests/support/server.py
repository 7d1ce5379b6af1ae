"""A real Daphne for tests: `manage.py serve` in a process of its own, with a database of its own."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, Request, build_opener

import pytest
from django.conf import settings
from websockets.sync.client import ClientConnection, connect

from benchmarks.site import START_SECONDS, free_port
from facesite import openid
from tests.support.sockets import PATIENCE_S

_numbers = itertools.count(1)
UNSET = (
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL_FILE",
    "FACESITE_BASE_PATH",
    "FACESITE_HTTPS",
    "FACESITE_LOG_FORMAT",
    "FACESITE_METRICS",
    "FACESITE_MODEL_PACK",
    "FACESITE_SECOND_FACTOR",
    "FACESITE_WEBHOOKS_PRIVATE",
    "FACESITE_MQTT_URL",
    "FACESITE_MQTT_URL_FILE",
    "REDIS_URL",
    "GALLERY_URL",
    "GALLERY_FALLBACK",
    "REDIS_URL_FILE",
    "TIME_ZONE",
)


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, opener: OpenerDirector) -> None:
    """Until the server's /readyz says 200; one that ends, or takes START_SECONDS, fails the test with its log."""
    deadline = time.monotonic() + START_SECONDS
    status = 0
    while time.monotonic() < deadline:
        assert process.poll() is None, f"serve ended early: {log.read_text()}"
        try:
            status = opener.open(f"{url}/readyz", timeout=PATIENCE_S).status
        except OSError as error:
            status = getattr(error, "code", 0)
            time.sleep(0.1)
        if status == 200:
            return
    pytest.fail(f"/readyz still says {status}: {log.read_text()}")


class LiveServer:
    """Start it with `with running_server(...)`, or through the fixture live_server_process."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.base_path = environment.get("FACESITE_BASE_PATH", "")
        self.origin = f"http://localhost:{self.port}"
        self.url = f"{self.origin}{self.base_path}"
        self.log = folder / "serve.log"
        # Set even where empty: a developer's .env must not change what a test sees.
        clean = dict.fromkeys([*UNSET, *openid.NAMES], "")
        self.environment = {
            **os.environ,
            **clean,
            "DJANGO_SETTINGS_MODULE": "facesite.settings",
            "DEBUG": "off",
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "FACESITE_LIVENESS": "off",
            **environment,
        }
        self.operator = self.password = self.one_time_password = ""
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> str:
        """stdout of a management command on this server's database; a failure fails the test with its stderr."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, env=self.environment, capture_output=True, text=True, timeout=START_SECONDS
        )
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def prepare(self) -> None:
        """Tables, static files and the first operator, as `make run` does."""
        said = self.manage("prepare")
        self.operator = find(r"Operator name:\s+(\S+)", said)
        self.one_time_password = find(r"One-time password:\s+(\S+)", said)

    def start(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port), *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=hear_ctrl_c,
            )

    def wait_until_ready(self, opener: OpenerDirector | None = None) -> None:
        """opener: one that trusts the certificate of a server with https."""
        assert self.process
        wait_until_ready(self.process, self.url, self.log, opener or build_opener())

    def send_signal(self, number: signal.Signals) -> None:
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(number)

    def stop(self) -> int:
        """The exit status; a server that does not end is killed and fails the test."""
        assert self.process
        self.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            pytest.fail(f"serve did not end: {self.log.read_text()}")

    def choose_password(self) -> None:
        """Sign in with the one-time password and choose another, as the first operator must."""
        browser = Browser(self)
        browser.get("/accounts/login/")
        browser.post("/accounts/login/", username=self.operator, password=self.one_time_password)
        self.password = f"own-{self.one_time_password}"
        fields = {"new_password1": self.password, "new_password2": self.password}
        status, page = browser.post("/account/password/?next=/healthz", **fields)
        assert (status, json.loads(page)) == (200, {"status": "ok"})

    def login(self) -> Browser:
        browser = Browser(self)
        browser.login(self.operator, self.password)
        return browser


class Browser:
    """Pages and sockets of one login, without a real browser."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.cookies = CookieJar()
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> tuple[int, str]:
        return self._open(Request(self.server.url + path))

    def location(self, path: str) -> str:
        """Where the page sends the browser, which does not go there."""

        class Stay(HTTPRedirectHandler):
            def redirect_request(self, *args: Any) -> None:
                return None

        opener = build_opener(Stay, HTTPCookieProcessor(self.cookies))
        with pytest.raises(HTTPError) as answered:
            opener.open(self.server.url + path, timeout=PATIENCE_S)
        with answered.value as response:
            return str(response.headers["Location"])

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        fields.setdefault("csrfmiddlewaretoken", self.cookie("csrftoken"))
        return self._open(Request(self.server.url + path, data=urlencode(fields).encode()))

    def login(self, name: str, password: str) -> None:
        self.get("/accounts/login/")
        after = f"{self.server.base_path}/healthz"
        status, page = self.post("/accounts/login/", username=name, password=password, next=after)
        assert (status, json.loads(page)) == (200, {"status": "ok"})

    def session_cookie(self) -> dict[str, str]:
        """Name and value, as Playwright takes them; the name is the site's own."""
        return next(
            {"name": cookie.name, "value": cookie.value or ""}
            for cookie in self.cookies
            if cookie.name.startswith("sessionid")
        )

    def cookie(self, name: str) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == name), "")

    def socket(self, path: str, **options: Any) -> ClientConnection:
        """`with browser.socket("/ws/verification/") as connection:`"""
        url = f"{self.server.url.replace('http', 'ws', 1)}{path}"
        headers = {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)}
        options.setdefault("origin", self.server.origin)
        options.setdefault("open_timeout", PATIENCE_S)
        return connect(url, additional_headers=headers, proxy=None, **options)

    def _open(self, request: Request) -> tuple[int, str]:
        try:
            with self.opener.open(request, timeout=PATIENCE_S) as response:
                return response.status, response.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()


def receive(connection: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of this type; others before it are dropped."""
    while True:
        message: dict[str, Any] = json.loads(connection.recv(timeout=PATIENCE_S))
        if message["type"] == kind:
            return message


@contextmanager
def own_database(folder: Path, server_url: str) -> Iterator[str]:
    """The URL of an empty database: a file in `folder`, or one on the MySQL server at `server_url`, then dropped."""
    if not server_url.startswith("mysql://"):
        yield f"sqlite:///{folder / 'live.sqlite3'}"
        return
    import MySQLdb

    parts = urlsplit(server_url)
    name = f"facesite_live_{os.getpid()}_{next(_numbers)}"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")

    def order(statement: str) -> None:  # a connection for each: a test may have killed the server meanwhile
        with closing(MySQLdb.connect(host=parts.hostname, port=parts.port, user=user, password=password)) as connection:
            connection.cursor().execute(statement)

    order(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield parts._replace(path=f"/{name}").geturl()
    order(f"DROP DATABASE {name}")


@contextmanager
def running_server(models_dir: Path, *, database_server: str = "", **environment: str) -> Iterator[LiveServer]:
    """A ready server with its own database and a superuser (`server.operator`, `server.password`).

    The database is of the kind that the suite runs on (DATABASE_URL), unless `database_server` names a server.
    """
    environment.setdefault("FACESITE_MODELS_DIR", str(models_dir))
    environment.setdefault("FACESITE_MODEL_PACK", settings.FACESITE_MODEL_PACK or "")
    where = database_server or os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory(prefix="facesite-live-") as name, own_database(Path(name), where) as database_url:
        server = LiveServer(Path(name), environment | {"DATABASE_URL": database_url})
        server.prepare()
        with serving(server):
            server.choose_password()
            yield server


@contextmanager
def second_process(first: LiveServer) -> Iterator[LiveServer]:
    """Another ready server process on the database of the first."""
    with tempfile.TemporaryDirectory(prefix="facesite-live-") as name:
        server = LiveServer(Path(name), first.environment)
        server.operator, server.password = first.operator, first.password
        with serving(server):
            yield server


@contextmanager
def serving(server: LiveServer) -> Iterator[None]:
    server.start()
    try:
        server.wait_until_ready()
        yield
    finally:
        server.stop()


@pytest.fixture(scope="module")
def live_server_process(models_dir: Path) -> Iterator[LiveServer]:
    """One ready server for a module, with liveness off."""
    with running_server(models_dir) as server:
        yield server


def hear_ctrl_c() -> None:
    """A shell starts its background jobs, and so the whole test run, with SIGINT ignored; children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in: {text}"
    return found.group(1)
