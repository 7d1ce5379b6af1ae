"""From where: addresses of requests and sockets, behind a proxy and without one, and names of commands."""

from __future__ import annotations

import asyncio

import pytest

from enrollment.runtime.database import run_in_database_thread
from facesite.commandline import source_of
from facesite.sources import SocketFromAddress, source_of_scope
from security.models import AuditEvent
from security.source import current_source


class TestSourceOfScope:
    def test_is_the_connections_address_or_what_the_proxy_saw(self, settings):
        scope = {"client": ["127.0.0.1", 5], "headers": [(b"x-forwarded-for", b"10.0.0.1, 203.0.113.1")]}
        assert source_of_scope(scope) == "127.0.0.1"
        settings.FACESITE_HTTPS = "proxy"
        assert source_of_scope(scope) == "203.0.113.1"

    def test_of_a_unix_socket_is_not_known(self):
        assert source_of_scope({"headers": [], "client": None}) == "unknown address"


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
