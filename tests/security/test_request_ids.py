from __future__ import annotations

import asyncio

import pytest

from security.request_ids import RequestIds, current_ids, handling, ids_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class TestTheRequestsId:
    @pytest.mark.parametrize("given", ["order-66", "a" * 64, "7.b_C"])
    def test_is_the_clients_where_that_is_one_word(self, given):
        assert ids_for(given, "").request == given

    @pytest.mark.parametrize(
        "given", ["", "a" * 65, "two words", "no\tword", "line\nbreak", "word\n", "\r\nSet-Cookie:x", "Zoë", '"}']
    )
    def test_is_else_a_new_one(self, given):
        first, second = ids_for(given, "").request, ids_for(given, "").request
        assert first != second
        assert len(first) == len(second) == 32
        assert given not in (first, second)


class TestTheTrace:
    def test_is_that_of_the_caller(self):
        assert ids_for("", f"00-{TRACE}-{PARENT}-01").trace == TRACE

    @pytest.mark.parametrize(
        "parent",
        [
            "",
            TRACE,
            f"00-{'0' * 32}-{PARENT}-01",
            f"00-{TRACE}-{'0' * 16}-01",
            f"00-{TRACE.upper()}-{PARENT}-01",
            f"ff-{TRACE}-{PARENT}-01",
            f"00-{TRACE[1:]}-{PARENT}-01",
            f"00-{TRACE}-{PARENT}-01-more",
            f"00-{TRACE}-{PARENT}-01\n",
            f"00-{TRACE}-{PARENT}-1",
        ],
    )
    def test_is_none_where_the_header_is_not_what_the_standard_says(self, parent):
        assert ids_for("", parent).trace == ""


class TestHandling:
    def test_ends_with_the_request(self):
        with handling(RequestIds("one", TRACE)):
            assert current_ids().fields == {"request": "one", "trace_id": TRACE}
        assert current_ids().fields == {}

    async def test_requests_at_the_same_time_keep_theirs_apart_and_their_threads_know_them(self):
        async def handle(name: str) -> tuple[str, str]:
            with handling(RequestIds(name)):
                await asyncio.sleep(0)
                return current_ids().request, await asyncio.to_thread(lambda: current_ids().request)

        names = [str(number) for number in range(20)]
        assert await asyncio.gather(*map(handle, names)) == [(name, name) for name in names]
