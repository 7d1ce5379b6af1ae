from __future__ import annotations

import pytest

from facesite.origins import is_same_origin


def scope(origin: str | None, *, host: str = "faces.example.org", scheme: str = "ws", **more: str) -> dict:
    headers = {"host": host, **({} if origin is None else {"origin": origin}), **more}
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "websocket", "path": "/ws/verification/", "headers": pairs, "query_string": b"", "scheme": scheme}


@pytest.fixture(autouse=True)
def site(settings):
    settings.ALLOWED_HOSTS = ["faces.example.org", "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = []
    settings.SECURE_PROXY_SSL_HEADER = None


@pytest.mark.parametrize(
    ("host", "scheme", "origin"),
    [
        ("faces.example.org", "ws", "http://faces.example.org"),
        ("faces.example.org", "wss", "https://faces.example.org"),
        ("faces.example.org:8000", "ws", "http://faces.example.org:8000"),
        ("[::1]:8000", "ws", "http://[::1]:8000"),
    ],
)
def test_the_site_itself_may_connect(host, scheme, origin):
    assert is_same_origin(scope(origin, host=host, scheme=scheme))


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://faces.example.org",
        "http://faces.example.org:8001",
        "ftp://faces.example.org",
        "faces.example.org",
        "http://faces.example.org.evil.example",
        "http://evil.example",
        "http://[",
    ],
)
def test_any_other_scheme_port_or_host_may_not(origin):
    assert not is_same_origin(scope(origin))


def test_a_host_that_is_not_allowed_is_no_site_of_ours():
    """Another site's name can be made to lead to this server's address."""
    assert not is_same_origin(scope("http://evil.example", host="evil.example"))


def test_the_proxys_scheme_counts_only_behind_a_proxy(settings):
    behind = scope("https://faces.example.org", x_forwarded_proto="https")
    assert not is_same_origin(behind)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert is_same_origin(behind)
    assert not is_same_origin(scope("http://faces.example.org", x_forwarded_proto="https"))


def test_trusted_origins_may_connect(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://faces.example.org", "https://*.other.example:8443"]
    assert is_same_origin(scope("https://faces.example.org", host="inside:8000"))
    assert is_same_origin(scope("https://a.other.example:8443"))
    assert not is_same_origin(scope("https://a.other.example"))


def test_two_origins_are_none():
    twice = scope("http://faces.example.org")
    twice["headers"].append((b"origin", b"http://evil.example"))
    assert not is_same_origin(twice)
