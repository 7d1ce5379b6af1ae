"""The OpenID provider of tests/support/openid_provider.py in a process of its own, and a person who signs in there."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from django.conf import settings

from benchmarks.site import free_port
from security.sign_in.provider import Provider

CALLBACK = "http://testserver/accounts/openid/callback/"
START_SECONDS = 30


class OpenIdProvider:
    def __init__(self, port: int) -> None:
        self.issuer = f"http://localhost:{port}"

    def register(self, redirect_uri: str) -> Provider:
        """A site with a secret, which this provider asks it for from then on."""
        response = requests.post(f"{self.issuer}/oauth2/clients", json={"redirect_uris": [redirect_uri]}, timeout=10)
        response.raise_for_status()
        known = response.json()
        return Provider(self.issuer, known["client_id"], known["client_secret"], label="Example Ltd")

    def add_person(self, subject: str, **claims: object) -> None:
        requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=10).raise_for_status()

    def sign_in(self, address: str, subject: str | None, **changes: str) -> str:
        """Where the provider sends the browser after somebody signed in; None: turned back.

        changes: parameters of the address that somebody tampered with on the way.
        """
        parts = urlsplit(address)
        address = parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | changes)).geturl()
        form = {"action": "deny"} if subject is None else {"sub": subject}
        response = requests.post(address, data=form, allow_redirects=False, timeout=10)
        assert response.status_code == 302, response.text
        return response.headers["Location"]


@contextmanager
def running_provider(log: Path, *, token_age: int = 3600) -> Iterator[OpenIdProvider]:
    port = free_port()
    command = [sys.executable, "-m", "tests.support.openid_provider", str(port), str(token_age)]
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=out, stderr=out)
    try:
        provider = OpenIdProvider(port)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            try:
                requests.get(f"{provider.issuer}/jwks", timeout=1).raise_for_status()
                break
            except requests.RequestException:
                time.sleep(0.05)
        yield provider
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="module")
def openid_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    """One for a module, with olivia, who is an operator's namesake."""
    with running_provider(tmp_path_factory.mktemp("openid") / "provider.log") as provider:
        provider.add_person("o-1", preferred_username="olivia", groups=["desk"])
        yield provider


@pytest.fixture(scope="module")
def openid_client(openid_provider: OpenIdProvider) -> Provider:
    """The site as this provider knows it."""
    return openid_provider.register(CALLBACK)
