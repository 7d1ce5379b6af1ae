from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from enrollment.runtime import database
from enrollment.runtime.database import run_in_database_thread, run_in_picture_thread
from security.models import Lease

pytestmark = pytest.mark.django_db(transaction=True)


def connection_in_use() -> tuple[int, object]:
    connection.ensure_connection()
    return threading.get_ident(), connection.connection


async def connections_of_one_thread(times: int) -> set[object]:
    found = [await run_in_database_thread(connection_in_use) for _ in range(times)]
    thread = found[0][0]
    return {opened for ident, opened in found if ident == thread}


@pytest.mark.asyncio
class TestConnections:
    async def test_sqlites_is_kept_for_the_threads_next_work_and_a_servers_is_not(self):
        used = await connections_of_one_thread(12)
        assert (len(used) == 1) == (connection.vendor == "sqlite")

    async def test_one_that_was_left_in_a_transaction_is_closed(self, monkeypatch):
        monkeypatch.setattr(database, "_database_threads", ThreadPoolExecutor(max_workers=1))

        def leave_open() -> None:
            transaction.set_autocommit(False)
            Lease.objects.create(name="left behind")

        await run_in_database_thread(leave_open)
        assert not await run_in_database_thread(Lease.objects.filter(name="left behind").exists)
        assert await run_in_database_thread(transaction.get_autocommit)


@pytest.mark.asyncio
class TestRunInPictureThread:
    async def test_pictures_leave_the_threads_of_the_database_to_frames(self):
        may_end = threading.Event()
        waiting = [asyncio.create_task(run_in_picture_thread(may_end.wait)) for _ in range(9)]
        try:
            assert await asyncio.wait_for(run_in_database_thread(Lease.objects.count), timeout=10) == 0
        finally:
            may_end.set()
        assert all(await asyncio.gather(*waiting))

    async def test_a_cancelled_caller_ends_when_the_work_has_ended(self):
        may_end = threading.Event()

        def write() -> None:
            may_end.wait()
            Lease.objects.create(name="done all the same")

        waiting = asyncio.create_task(run_in_picture_thread(write))
        await asyncio.sleep(0)
        waiting.cancel()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await run_in_database_thread(Lease.objects.filter(name="done all the same").exists)
