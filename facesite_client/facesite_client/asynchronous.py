"""The client whose calls are awaited. synchronous.py has the same calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from facesite_client import calls
from facesite_client.calls import Call, Picture
from facesite_client.errors import ApiError
from facesite_client.models import Attempt, Comparison, Face, Person, Punch, Sample, Status, Webhook
from facesite_client.transport import Retries, options, pause_or_raise, read_answer, request_for

T = TypeVar("T")


class AsyncFacesite:
    """One site and one key. Close it, or use it in an `async with`.

    url: of the site, such as https://faces.example.org. key: fsk_... Every call raises Unavailable and ApiError.
    """

    def __init__(self, url: str, key: str, *, timeout_s: float = 30.0, retries: Retries = Retries()) -> None:  # noqa: B008
        self._http = httpx.AsyncClient(**options(url, key, timeout_s))
        self._retries = retries

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def _run(self, call: Call[T]) -> T:
        number = 0
        while True:
            try:
                return read_answer(call, await self._http.send(request_for(self._http, call)))
            except (httpx.TransportError, ApiError) as error:
                number += 1
                await asyncio.sleep(pause_or_raise(self._retries, call, number, error, self._http.base_url))

    async def _pages(self, page: Callable[[str | None], Call[tuple[list[T], str | None]]]) -> AsyncIterator[T]:
        """All rows of a list. page: cursor -> the call for the page after it."""
        cursor: str | None = None
        while True:
            found, cursor = await self._run(page(cursor))
            for one in found:
                yield one
            if cursor is None:
                return

    # Who is it?

    async def identify(self, picture: Picture, *, liveness: bool = False) -> list[Face]:
        """Everybody on a picture, the largest face first. liveness: also say what one picture can tell of it."""
        return await self._run(calls.identify(picture, liveness=liveness))

    async def verify(self, picture: Picture, person: str, *, liveness: bool = False) -> list[Face]:
        """Is it this person (their id)? Each face of the picture is compared with that person alone."""
        return await self._run(calls.verify(picture, person, liveness=liveness))

    async def compare(self, first: Picture, second: Picture) -> Comparison:
        """Do the largest faces of two pictures show the same person? Nothing is stored."""
        return await self._run(calls.compare(first, second))

    # People

    def people(self, query: str = "") -> AsyncIterator[Person]:
        """All people, or those whose name or external ID has these words; read page by page."""
        return self._pages(partial(calls.people_page, query))

    async def get_person(self, person: str) -> Person:
        """By their id. Raises NotFound."""
        return await self._run(calls.get_person(person))

    async def create_person(
        self,
        name: str,
        *,
        external_id: str | None = None,
        consent: Mapping[str, Any] | None = None,
        once: str | None = None,
        **more: Any,
    ) -> Person:
        """Somebody without pictures yet. consent: such as {"how": "paper", "note": "folder 12"}.

        once: your own token for this person; the same one within a day gives the same person again.
        more: valid_from and valid_until (days like "2026-03-31"), groups (names).
        """
        return await self._run(calls.create_person(name, external_id, consent, once, more))

    async def change_person(self, person: str, **changes: Any) -> Person:
        """name, external_id, is_active, valid_from, valid_until, groups; what is left out stays."""
        return await self._run(calls.change_person(person, changes))

    async def erase_person(self, person: str) -> None:
        """For good. Returns when no search of the site finds them any more."""
        await self._run(calls.erase_person(person))

    async def samples(self, person: str) -> list[Sample]:
        return await self._run(calls.list_samples(person))

    async def add_sample(
        self, person: str, picture: Picture, *, despite_duplicate: bool = False, once: str | None = None
    ) -> list[Sample]:
        """Raises Rejected (the picture cannot be used) and Conflict (it shows somebody who is enrolled already)."""
        return await self._run(calls.add_sample(person, picture, despite_duplicate=despite_duplicate, once=once))

    async def remove_sample(self, person: str, sample: str) -> None:
        await self._run(calls.remove_sample(person, sample))

    # The site

    async def status(self) -> Status:
        """Which pack decides, by which threshold, and what this key may do. Raises Busy while the engine loads."""
        return await self._run(calls.status())

    def attempts(
        self, *, since: datetime | None = None, verdict: str | None = None, person: str | None = None
    ) -> AsyncIterator[Attempt]:
        """The history, the newest first, read page by page. since: a time without a zone is this machine's."""
        return self._pages(partial(calls.attempts_page, since, verdict, person))

    def attendance(
        self, *, since: datetime | None = None, until: datetime | None = None, person: str | None = None
    ) -> AsyncIterator[Punch]:
        """Check-ins and check-outs, the last entered first. A time without a zone is this machine's."""
        return self._pages(partial(calls.attendance_page, since, until, person))

    async def webhooks(self) -> list[Webhook]:
        return await self._run(calls.list_webhooks())

    async def create_webhook(self, url: str, events: Sequence[str]) -> Webhook:
        """The answer holds the secret, once."""
        return await self._run(calls.create_webhook(url, events))

    async def delete_webhook(self, webhook: str) -> None:
        await self._run(calls.delete_webhook(webhook))
