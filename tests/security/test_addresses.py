from __future__ import annotations

import pytest

from security.addresses import client_address, client_group


class TestClientAddress:
    def test_is_the_other_end_of_the_connection(self):
        assert client_address({"REMOTE_ADDR": "192.0.2.7"}) == "192.0.2.7"

    def test_of_a_unix_socket_is_empty(self):
        assert client_address({"REMOTE_ADDR": ""}) == client_address({}) == ""

    @pytest.mark.parametrize("https", ["off", "on"])
    def test_believes_no_header_without_a_proxy(self, settings, https):
        settings.FACESITE_HTTPS = https
        meta = {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}
        assert client_address(meta) == "192.0.2.7"

    @pytest.mark.parametrize(
        ("header", "address"),
        [
            ("198.51.100.1", "198.51.100.1"),
            ("203.0.113.9, 198.51.100.1", "198.51.100.1"),  # what stands before comes from the client
            ("2001:db8::1", "2001:db8::1"),
            ("", "127.0.0.1"),
            ("198.51.100.1, nonsense", "127.0.0.1"),
        ],
    )
    def test_behind_a_proxy_takes_the_proxys_own_entry(self, settings, header, address):
        settings.FACESITE_HTTPS = "proxy"
        assert client_address({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": header}) == address


class TestClientGroup:
    def test_is_the_network_of_an_ipv6_address(self):
        assert client_group("2001:db8:1:2:3:4:5:6") == client_group("2001:db8:1:2::9")

    def test_is_an_ipv4_address_however_it_is_written(self):
        assert client_group("::ffff:192.0.2.7") == client_group("192.0.2.7") == "192.0.2.7"
