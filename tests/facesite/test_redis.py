"""Redis is a hint: with it sockets live long, without it everything goes on, and it comes back by itself."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from tests.support.journey import decide
from tests.support.server import Browser, LiveServer, receive, running_server
from tests.support.sockets import PATIENCE_S, frame
from tests.support.webcam import clip_frames, jpeg

CONFIGURE = {"type": "configure", "person": {"name": "Ada"}, "consent": True}
DEGRADED = "Degraded: Redis does not answer"


@pytest.fixture(scope="module")
def man(shared_faces) -> list[bytes]:
    clip = clip_frames(shared_faces / "webcam" / "real_male.mjpeg")
    return [jpeg(image) for image in itertools.islice(clip, 12)]


def readiness(server: LiveServer) -> dict:
    status, body = Browser(server).get("/readyz")
    assert status == 200
    return json.loads(body)


def wait_for_redis(server: LiveServer, *, there: bool) -> dict:
    deadline = time.monotonic() + PATIENCE_S
    while (body := readiness(server))["checks"]["redis"] is not there:
        assert time.monotonic() < deadline, body
        time.sleep(0.1)
    return body


def say(connection, **message) -> None:
    connection.send(json.dumps(message))


def capture(connection, pictures) -> None:
    say(connection, **CONFIGURE)
    for seq, picture in enumerate(pictures, start=1):
        connection.send(frame(seq, picture))
        captured = receive(connection, "result")["captured"]
    assert captured >= 1


class TestAHealthyRedis:
    def test_both_sockets_live_for_a_minute(self, models_dir, redis_url, man):
        with running_server(models_dir, REDIS_URL=redis_url) as server:
            browser = server.login()
            with browser.socket("/ws/enrollment/") as enrolment, browser.socket("/ws/verification/") as live:
                for connection in (enrolment, live):
                    receive(connection, "hello")
                time.sleep(60)
                capture(enrolment, man)
                say(live, type="configure", mode="identify")
                live.send(frame(1, man[0]))
                assert receive(live, "result")["seq"] == 1


class TestARedisThatGoesAway:
    def test_killed_in_the_middle_of_an_enrolment_it_is_not_missed(self, models_dir, redis_server, man):
        with running_server(models_dir, REDIS_URL=redis_server.url) as server:
            browser = server.login()
            assert wait_for_redis(server, there=True)["message"] == "ready"
            with browser.socket("/ws/enrollment/") as enrolment, browser.socket("/ws/verification/") as live:
                receive(enrolment, "hello")
                receive(live, "hello")
                capture(enrolment, man)
                redis_server.kill()
                body = wait_for_redis(server, there=False)
                assert body["ready"] is True
                assert DEGRADED in body["message"]
                assert DEGRADED in browser.get("/")[1]
                say(enrolment, type="finish")
                assert receive(enrolment, "enrolled")["person"]["name"] == "Ada"
                assert decide(browser, man)["person"]["name"] == "Ada"  # a new socket, without Redis
                redis_server.start()
                assert wait_for_redis(server, there=True)["message"] == "ready"
                say(live, type="configure", mode="identify")
                live.send(frame(1, man[0]))
                assert receive(live, "result")["seq"] == 1

    def test_frozen_it_holds_nobody_up_and_is_followed_again_afterwards(self, models_dir, redis_server, man):
        with running_server(models_dir, REDIS_URL=redis_server.url) as server:
            browser = server.login()
            wait_for_redis(server, there=True)
            with browser.socket("/ws/enrollment/") as enrolment:
                receive(enrolment, "hello")
                capture(enrolment, man)
                with redis_server.frozen():
                    say(enrolment, type="finish")
                    assert receive(enrolment, "enrolled")["person"]["name"] == "Ada"
                    wait_for_redis(server, there=False)
                wait_for_redis(server, there=True)
