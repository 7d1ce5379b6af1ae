"""What both clients share: addresses, headers, which answers are tried again, and when."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from facesite_client.calls import Call
from facesite_client.errors import ApiError, Busy, Unavailable, error_for

T = TypeVar("T")
PASSING = frozenset({429, 502, 503, 504})
"""Answers of a site, or of the proxy before it, that may be others in a moment."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How a call is tried again when nobody answers, or the site is busy."""

    most: int = 3
    """Tries after the first one."""
    pause_s: float = 0.5
    """Before the first of them; doubled each time, and up to half longer by chance. Retry-After may ask for more."""
    longest_s: float = 30.0
    """What asks for a longer pause is not waited for."""

    def pause_before(self, number: int, error: Exception) -> float | None:
        """Seconds to wait before try `number` (1 is the first again); None: give up."""
        asked = error.retry_after if isinstance(error, ApiError) else None
        pause = max(self.pause_s * 2 ** (number - 1) * random.uniform(1, 1.5), asked or 0)  # noqa: S311 - no secret
        return pause if number <= self.most and pause <= self.longest_s else None


def may_repeat(call: Call[Any], error: Exception) -> bool:
    """Whether the same call may be sent again. 429 and 503 did nothing; after a lost answer nobody knows."""
    if isinstance(error, ApiError):
        return isinstance(error, Busy) or (error.status in PASSING and call.repeatable)
    return call.repeatable


def pause_or_raise(
    retries: Retries, call: Call[Any], number: int, error: httpx.TransportError | ApiError, site: httpx.URL
) -> float:
    """Seconds to wait before try `number` of a call that ended so. Raises ApiError, or Unavailable for no answer."""
    pause = retries.pause_before(number, error) if may_repeat(call, error) else None
    if pause is not None:
        return pause
    if isinstance(error, ApiError):
        raise error
    raise Unavailable(f"{site} does not answer.") from error


def request_for(client: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
    return client.build_request(
        call.method,
        f"/api/v1{call.path}",
        params=call.params or None,
        json=call.json,
        content=call.content,
        files=call.files,
        headers=call.headers,
    )


def read_answer(call: Call[T], answer: httpx.Response) -> T:
    """Raises ApiError."""
    if answer.is_success:
        return call.read(answer.json() if answer.content else None)
    raise error_for(answer.status_code, _problem_of(answer), _seconds(answer.headers.get("Retry-After")))


def options(url: str, key: str, timeout_s: float) -> dict[str, Any]:
    """What httpx's clients are made with. url: of the site, with its base path if it has one."""
    headers = {"Authorization": f"Bearer {key}", "User-Agent": "facesite-client/0.1"}
    return {"base_url": url.rstrip("/"), "headers": headers, "timeout": timeout_s}


def _problem_of(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
