from __future__ import annotations

import asyncio

from facesite import turnstile
from facesite.turnstile import Turnstile


class Site:
    """Counts how many requests are in it at once, and lets them go when it is told to."""

    def __init__(self) -> None:
        self.inside = self.most = self.served = 0
        self.open = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.open.wait()
        self.inside -= 1
        self.served += 1


class TestTurnstile:
    async def test_a_burst_waits_and_everybody_is_served(self):
        site = Site()
        entrance = Turnstile(site)
        burst = [asyncio.create_task(entrance({"path": "/", "method": "GET"}, None, None)) for _ in range(100)]
        await asyncio.sleep(0)
        assert site.inside == turnstile.PAGES
        site.open.set()
        await asyncio.gather(*burst)
        assert (site.most, site.served) == (turnstile.PAGES, 100)

    async def test_probes_do_not_wait_behind_pages(self):
        site = Site()
        entrance = Turnstile(site)
        burst = [asyncio.create_task(entrance({"path": "/", "method": "GET"}, None, None)) for _ in range(100)]
        burst.append(asyncio.create_task(entrance({"path": "/readyz", "method": "GET"}, None, None)))
        await asyncio.sleep(0)
        assert site.inside == turnstile.PAGES + 1
        site.open.set()
        await asyncio.gather(*burst)

    async def test_programs_do_not_wait_behind_pages_as_they_are_refused_where_they_are_too_many(self):
        site = Site()
        entrance = Turnstile(site)
        burst = [asyncio.create_task(entrance({"path": "/", "method": "GET"}, None, None)) for _ in range(100)]
        program = {"path": "/faces/api/v1/identify", "method": "POST", "root_path": "/faces"}
        burst += [asyncio.create_task(entrance(program, None, None)) for _ in range(100)]
        await asyncio.sleep(0)
        assert site.inside == turnstile.PAGES + 100
        site.open.set()
        await asyncio.gather(*burst)

    async def test_those_who_sign_in_wait_for_each_other_and_take_no_place_of_a_page(self):
        site = Site()
        entrance = Turnstile(site)
        scope = {"path": "/accounts/login/", "method": "POST"}
        burst = [asyncio.create_task(entrance(scope, None, None)) for _ in range(100)]
        await asyncio.sleep(0)
        assert site.inside == turnstile.SIGN_INS
        burst += [asyncio.create_task(entrance({"path": "/", "method": "GET"}, None, None)) for _ in range(100)]
        await asyncio.sleep(0)
        assert site.inside == turnstile.SIGN_INS + turnstile.PAGES
        site.open.set()
        await asyncio.gather(*burst)
