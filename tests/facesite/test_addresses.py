"""Names and base path of a site: what is taken, and the sentence that names what is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.http.request import host_validation_re
from django.urls import URLResolver, get_resolver

from enrollment.routing import websocket_urlpatterns
from facesite import addresses
from facesite.env import SettingsError


def sentence(read, *arguments) -> str:
    with pytest.raises(SettingsError) as refused:
        read(*arguments)
    return str(refused.value)


def addresses_of(patterns, before: str = "") -> Iterator[str]:
    """Of every page."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses_of(pattern.url_patterns, f"{before}{pattern.pattern}")
        else:
            yield f"{before}{pattern.pattern}"


@pytest.fixture
def variable(monkeypatch):
    return monkeypatch.setenv


class TestReadHosts:
    def test_takes_names_addresses_and_wildcards(self, variable):
        variable("X", "faces.example.org, .example.org,10.0.0.5,[::1],xn--mller-kva.example,*")
        hosts = ["faces.example.org", ".example.org", "10.0.0.5", "[::1]", "xn--mller-kva.example", "*"]
        assert addresses.read_hosts("X", "") == hosts
        assert all(host_validation_re.match(host) for host in hosts[:-1])

    @pytest.mark.parametrize(
        ("host", "reason"),
        [
            ("face_site", ": no host name has an underscore, so take a name such as face-site"),
            ("*.example.org", ": for every name below a domain write .example.org"),
            ("2001:db8::1", ": an IPv6 address stands in brackets, [2001:db8::1]"),
            ("[2001:db8:0:0:0:0:0:1]", ": browsers write it [2001:db8::1]"),
            ("[abc]", ": in the brackets there is no IPv6 address"),
            ("müller.example", ": a name with other letters than a to z is written as browsers send it"),
            ("https://faces.example.org", "."),
            ("faces.example.org:8000", "."),
            ("faces.example.org.", "."),
            ("a/b", "."),
            ("a b", "."),
        ],
    )
    def test_refuses_what_no_request_can_match(self, variable, host, reason):
        variable("X", host)
        said = sentence(addresses.read_hosts, "X", "")
        start = "X must list host names without scheme, port or path (faces.example.org), not "
        assert said.startswith(f"{start}'{host}'{reason}")
        assert said.count("\n") == 0
        assert said.endswith(".")


class TestReadBasePath:
    @pytest.mark.parametrize(
        ("text", "path"),
        [("", ""), ("/", ""), ("/faces", "/faces"), ("/faces/", "/faces"), ("/tools/face-id", "/tools/face-id")],
    )
    def test_has_a_slash_in_front_and_none_at_the_end(self, variable, text, path):
        variable("X", text)
        assert addresses.read_base_path("X") == path

    @pytest.mark.parametrize(
        "text", ["faces", "//faces", "/faces//a", "/../faces", "/fa ces", "/f%61ces", "/x?y", "http://a/b"]
    )
    def test_anything_else_is_refused(self, variable, text):
        variable("X", text)
        assert sentence(addresses.read_base_path, "X") == f"X must be a path such as /faces, not '{text}'."

    def test_one_that_could_be_taken_for_a_page_is_refused(self, variable):
        variable("X", "/admin/faces")
        said = "X must not begin with /admin, an address of the site itself: take one such as /faces."
        assert sentence(addresses.read_base_path, "X") == said

    def test_knows_every_address_of_the_site(self):
        first = {address.lstrip("^").split("/")[0] for address in addresses_of(get_resolver().url_patterns)}
        first |= {str(route.pattern).lstrip("^").split("/")[0] for route in websocket_urlpatterns}
        assert {"admin", "enrollment", "account", "ws"} <= first
        assert first - {""} <= addresses.OWN_ADDRESSES


class TestSiteMark:
    def test_is_the_same_in_every_process_of_a_site(self):
        assert addresses.site_mark("key", "faces", "") == addresses.site_mark("key", "faces", "")

    def test_is_another_for_another_key_database_or_path(self):
        sites = [("key", "faces", ""), ("other", "faces", ""), ("key", "others", ""), ("key", "faces", "/faces")]
        assert len({addresses.site_mark(*site) for site in sites}) == 4
