"""Whoever sets up a webhook reaches nothing that only the server reaches."""

from __future__ import annotations

import socket

import pytest

from api.webhooks.targets import TargetForbidden, TargetUnknown, clean_url, find_target


def resolve_to(monkeypatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)


class TestForbidden:
    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1/",
            "https://10.1.2.3/hooks",
            "https://192.168.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[fd00::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://0.0.0.0/",
            "https://100.64.0.1/",
            "https://224.0.0.1/",
            "http://door.example.org/",
            "ftp://door.example.org/",
            "door.example.org",
            "https://user:secret@door.example.org/",
            "https://door.example.org:99999/",
            "https://[door/",
            "https://door.example.org/a b",
            "https://door.example.org/" + "a" * 500,
        ],
    )
    def test_an_address_of_a_private_network_and_what_is_no_address(self, url):
        with pytest.raises(TargetForbidden):
            clean_url(url)

    @pytest.mark.parametrize("addresses", [("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("::1",)])
    def test_a_name_that_leads_into_a_private_network(self, monkeypatch, addresses):
        resolve_to(monkeypatch, *addresses)
        with pytest.raises(TargetForbidden, match="private network"):
            find_target("https://door.example.org/")

    def test_a_number_that_the_resolver_takes_for_this_machine(self):
        with pytest.raises((TargetForbidden, TargetUnknown)):
            find_target("https://2130706433/")


class TestAllowed:
    def test_the_connection_goes_to_the_address_that_was_looked_at(self, monkeypatch):
        resolve_to(monkeypatch, "93.184.216.34")
        target = find_target("https://door.example.org/hooks?door=1#part")
        assert (target.address, target.host, target.port) == ("93.184.216.34", "door.example.org", 443)
        assert (target.path, target.host_header) == ("/hooks?door=1", "door.example.org")

    def test_another_port_is_part_of_the_host(self, monkeypatch):
        resolve_to(monkeypatch, "93.184.216.34")
        assert find_target("https://door.example.org:8443").host_header == "door.example.org:8443"
        assert find_target("https://door.example.org:8443").path == "/"

    def test_a_site_may_allow_its_own_network(self, settings):
        settings.FACESITE_WEBHOOKS_PRIVATE = True
        assert clean_url("http://10.1.2.3/hooks") == "http://10.1.2.3/hooks"
        assert find_target("http://127.0.0.1:9/").address == "127.0.0.1"

    def test_a_name_that_nobody_knows_may_be_known_later(self, monkeypatch):
        def unknown(*args, **kwargs):
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        assert clean_url("https://door.example.org/")
        with pytest.raises(TargetUnknown):
            find_target("https://door.example.org/")
