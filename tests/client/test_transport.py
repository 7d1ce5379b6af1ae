"""What is tried again, against answers made by hand (httpx's own mock transport)."""

from __future__ import annotations

import httpx
import pytest

from facesite_client import ApiError, Busy, Facesite, Unavailable
from facesite_client.transport import Retries

STATUS = {
    "pack": "mobile",
    "liveness": "required",
    "match_threshold": 0.4,
    "fmr": 0.0001,
    "population": "on LFW",
    "gallery": {"people": 1, "templates": 3},
    "key": {"scopes": ["identify"]},
}


class Site:
    """Gives these answers in turn; an exception is raised instead."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked = list(answers), 0
        self.client = Facesite("http://site", "fsk_x", retries=Retries(most=3, pause_s=0.001, longest_s=1))
        self.client._http = httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://site")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def busy(**headers: str) -> httpx.Response:
    return httpx.Response(503, json={"code": "engine_not_ready", "detail": "Soon."}, headers=headers)


def test_a_busy_site_and_a_lost_answer_are_asked_again():
    site = Site(busy(), httpx.ReadTimeout("late"), httpx.Response(200, json=STATUS))
    assert site.client.status().pack == "mobile"
    assert site.asked == 3


def test_it_gives_up_after_as_many_tries_as_it_was_told():
    site = Site(*[busy()] * 5)
    with pytest.raises(Busy, match="Soon"):
        site.client.status()
    assert site.asked == 4


def test_a_pause_that_is_asked_for_is_kept_unless_it_is_too_long():
    site = Site(busy(**{"Retry-After": "60"}), httpx.Response(200, json=STATUS))
    with pytest.raises(Busy) as error:
        site.client.status()
    assert (error.value.retry_after, site.asked) == (60, 1)


def test_what_would_happen_twice_is_not_sent_again_after_a_lost_answer():
    site = Site(httpx.ReadTimeout("late"))
    with pytest.raises(Unavailable):
        site.client.create_webhook("https://door.example.org/", ["attempt.decided"])
    assert site.asked == 1


def test_an_answer_that_is_no_problem_document_is_an_error_all_the_same():
    site = Site(httpx.Response(418, text="teapot"))
    with pytest.raises(ApiError, match="418"):
        site.client.status()
