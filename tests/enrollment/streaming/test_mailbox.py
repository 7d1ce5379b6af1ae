from __future__ import annotations

import asyncio

from enrollment.streaming.mailbox import FrameBudget, Inbox, InferenceTurn, QueuedFrame


def frame(seq: int) -> QueuedFrame:
    return QueuedFrame(seq, 0.0, b"x", 0.0)


def drain(inbox: Inbox, count: int) -> list[object]:
    items = [inbox.take() for _ in range(count)]
    return [item.seq if isinstance(item, QueuedFrame) else item["type"] for item in items]


class TestInbox:
    async def test_of_frames_in_a_row_only_the_newest_stays(self):
        inbox = Inbox(4)
        for seq in range(5):
            assert inbox.put(frame(seq))
        assert drain(inbox, 1) == [4]
        assert inbox.dropped == 4

    async def test_a_message_keeps_its_place_between_frames(self):
        inbox = Inbox(8)
        items: list[dict[str, str] | QueuedFrame] = [frame(1), frame(2), {"type": "finish"}, frame(3), frame(4)]
        for item in items:
            inbox.put(item)
        assert drain(inbox, 3) == [2, "finish", 4]

    async def test_it_refuses_what_does_not_fit_but_always_takes_a_newer_frame(self):
        inbox = Inbox(2)
        assert inbox.put({"type": "one"})
        assert inbox.put(frame(1))
        assert not inbox.put({"type": "two"})
        assert inbox.put(frame(2))
        assert drain(inbox, 2) == ["one", 2]

    async def test_waiting_ends_with_the_first_item(self):
        inbox = Inbox(2)
        waiting = asyncio.create_task(inbox.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        inbox.put(frame(1))
        await asyncio.wait_for(waiting, 20)


class TestInferenceTurn:
    async def test_more_sockets_than_places_wait(self):
        first, second, third = (InferenceTurn(2) for _ in range(3))
        await first.take()
        await second.take()
        waiting = asyncio.create_task(third.take())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        first.end()
        await asyncio.wait_for(waiting, 20)

    async def test_ending_twice_gives_one_place_back(self):
        first, second, third = (InferenceTurn(1) for _ in range(3))
        await first.take()
        first.end()
        first.end()
        await second.take()
        waiting = asyncio.create_task(third.take())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        waiting.cancel()


class TestFrameBudget:
    def test_a_burst_passes_then_the_rate_decides(self):
        budget = FrameBudget(rate=10, burst=3, now=0.0)
        assert [budget.take(0.0) for _ in range(4)] == [True, True, True, False]
        assert [budget.take(0.1), budget.take(0.1)] == [True, False]

    def test_a_long_pause_saves_no_more_than_one_burst(self):
        budget = FrameBudget(rate=10, burst=3, now=0.0)
        assert [budget.take(1000.0) for _ in range(4)] == [True, True, True, False]
