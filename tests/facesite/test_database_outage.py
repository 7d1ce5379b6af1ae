"""A real MariaDB that stops answering in the middle of an enrolment, and one that is killed and comes back."""

from __future__ import annotations

import itertools
import json
import time
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed

from enrollment.reasons import sentence_for
from enrollment.runtime.gallery import REVISION_CHECK_SECONDS
from tests.support.journey import decide
from tests.support.server import receive, running_server
from tests.support.sockets import PATIENCE_S, frame
from tests.support.webcam import clip_frames, jpeg

CONFIGURE = {"type": "configure", "person": {"name": "Ada"}, "consent": True}
AWAY = "database_away"


@pytest.fixture(scope="module")
def man(shared_faces) -> list[bytes]:
    clip = clip_frames(shared_faces / "webcam" / "real_male.mjpeg")
    return [jpeg(image) for image in itertools.islice(clip, 12)]


def say(connection, **message) -> None:
    connection.send(json.dumps(message))


@contextmanager
def enrolment(browser, pictures):
    """A socket in the middle of a guided capture."""
    with browser.socket("/ws/enrollment/") as connection:
        receive(connection, "hello")
        say(connection, **CONFIGURE)
        for seq, picture in enumerate(pictures, start=1):
            connection.send(frame(seq, picture))
            captured = receive(connection, "result")["captured"]
        assert captured >= 1
        yield connection


def save(connection) -> dict:
    """Try again, as the sentence says, until it is saved."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        say(connection, type="finish")
        while (message := json.loads(connection.recv(timeout=PATIENCE_S)))["type"] not in {"error", "enrolled"}:
            pass
        if message["type"] == "enrolled":
            return message
        assert message["code"] == AWAY
        time.sleep(0.5)
    pytest.fail("not saved")


class TestADatabaseThatStopsAnswering:
    def test_an_enrolment_keeps_its_socket_and_pictures(self, models_dir, mariadb, man):
        with running_server(models_dir, database_server=mariadb.url) as server:
            browser = server.login()
            with enrolment(browser, man) as connection:
                with mariadb.frozen():
                    for seq in range(100, 110):  # longer than the login watch waits
                        connection.send(frame(seq, man[0]))
                        assert receive(connection, "result")["seq"] == seq
                        time.sleep(0.6)
                    say(connection, type="finish")
                    assert receive(connection, "error")["message"] == sentence_for(AWAY)
                    status, page = browser.get("/")
                    assert (status, sentence_for(AWAY) in page) == (503, True)
                assert save(connection)["person"]["name"] == "Ada"
            assert decide(browser, man)["person"]["name"] == "Ada"


class TestADatabaseThatIsKilled:
    def test_everything_goes_on_when_it_is_back(self, models_dir, mariadb, man):
        with running_server(models_dir, database_server=mariadb.url) as server:
            browser = server.login()
            with enrolment(browser, man) as connection, browser.socket("/ws/verification/") as live:
                receive(live, "hello")
                say(live, type="configure", mode="identify")
                live.send(frame(1, man[0]))
                assert receive(live, "result")["seq"] == 1
                with mariadb.killed():
                    for _ in range(7):  # one more than the unexpected failures that a socket survives
                        say(connection, type="finish")
                        assert receive(connection, "error")["code"] == AWAY
                    time.sleep(REVISION_CHECK_SECONDS)  # so long a search believes what it read
                    live.send(frame(2, man[0]))
                    error = receive(live, "error")
                    assert (error["code"], error["seq"]) == (AWAY, 2)
                    with browser.socket("/ws/enrollment/") as late:
                        assert receive(late, "error")["code"] == AWAY
                        with pytest.raises(ConnectionClosed) as closed:
                            late.recv(timeout=PATIENCE_S)
                    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
                    assert browser.get("/")[0] == 503
                    assert browser.get("/readyz")[0] == 503
                    assert browser.get("/healthz")[0] == 200
                assert save(connection)["person"]["name"] == "Ada"
                live.send(frame(3, man[0]))
                while (message := json.loads(live.recv(timeout=PATIENCE_S)))["type"] != "result":
                    pass
                assert message["seq"] == 3
            assert decide(browser, man)["person"]["name"] == "Ada"
