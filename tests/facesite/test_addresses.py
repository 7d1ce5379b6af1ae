"""From where: addresses of requests and sockets, behind a proxy and without one, and names of commands."""

from __future__ import annotations

import asyncio

import pytest

from enrollment.runtime.database import run_in_database_thread
from facesite.addresses import SocketFromAddress, address_of_scope, client_address
from facesite.commandline import source_of
from security.audit.source import current_source
from security.models import AuditEvent


class TestClientAddress:
    def test_without_a_proxy_only_the_connection_counts(self):
        assert client_address("192.0.2.7", "203.0.113.1") == "192.0.2.7"

    def test_behind_a_proxy_what_the_proxy_saw_counts(self, settings):
        settings.FACESITE_HTTPS = "proxy"
        assert client_address("127.0.0.1", "10.0.0.1, 203.0.113.1") == "203.0.113.1"

    @pytest.mark.parametrize("header", ["", "nonsense", "10.0.0.1, <script>"])
    def test_behind_a_proxy_that_says_nothing_the_connection_counts(self, settings, header):
        settings.FACESITE_HTTPS = "proxy"
        assert client_address("127.0.0.1", header) == "127.0.0.1"

    @pytest.mark.parametrize(
        ("peer", "address"), [("::ffff:192.0.2.7", "192.0.2.7"), ("fe80::1%eth0", "fe80::1"), ("", "unknown address")]
    )
    def test_is_written_in_one_way(self, peer, address):
        assert client_address(peer, "") == address

    def test_of_a_socket(self, settings):
        settings.FACESITE_HTTPS = "proxy"
        scope = {"client": ["127.0.0.1", 5], "headers": [(b"x-forwarded-for", b"203.0.113.1")]}
        assert address_of_scope(scope) == "203.0.113.1"
        assert address_of_scope({"headers": []}) == "unknown address"


class TestARequest:
    def test_leaves_its_address_in_the_audit_trail(self, staff_client, staff):
        data = {"fmr": "0.001", "liveness": "required"}
        url = "/admin/verification/verificationpolicy/add/"
        assert staff_client.post(url, data, REMOTE_ADDR="192.0.2.7").status_code == 302
        event = AuditEvent.objects.get(action="policy.saved")
        assert (event.source, event.actor) == ("192.0.2.7", f"operator:{staff.pk}")

    @pytest.mark.django_db(transaction=True)
    async def test_leaves_it_under_asgi_too(self, async_client, staff):
        await async_client.aforce_login(staff)
        data = {"fmr": "0.001", "liveness": "required"}
        response = await async_client.post("/admin/verification/verificationpolicy/add/", data)
        assert response.status_code == 302
        event = await AuditEvent.objects.aget(action="policy.saved")
        assert event.source == "127.0.0.1"


class TestASocket:
    async def test_its_tasks_and_database_threads_know_its_address(self):
        seen = []

        async def application(scope, receive, send):
            task = asyncio.create_task(run_in_database_thread(current_source))
            seen.append(await task)

        socket = SocketFromAddress(application)
        await asyncio.gather(*(socket({"client": [f"192.0.2.{n}", 1]}, None, None) for n in range(1, 5)))
        assert sorted(seen) == [f"192.0.2.{n}" for n in range(1, 5)]
        assert current_source() == "product"


class TestSourceOf:
    @pytest.mark.parametrize(
        ("words", "source"),
        [
            (["manage.py", "enroll_folder", "/home/ada"], "command enroll_folder"),
            (["manage.py", "serve", "--port", "8000"], "product"),
            (["manage.py"], "command help"),
        ],
    )
    def test_is_the_commands_name_alone(self, words, source):
        assert source_of(words) == source
