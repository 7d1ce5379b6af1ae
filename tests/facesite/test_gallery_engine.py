"""The main walk with two processes on MariaDB, Redis and a real Milvus.

Two servers that were started apart, and not `serve --processes 2`: behind its one port nobody can choose the process.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from facesite_client import Facesite
from security.keys.scopes import Scope
from tests.support.journey import decide, enrol
from tests.support.server import Browser, LiveServer, receive, running_server, second_process
from tests.support.sockets import PATIENCE_S, frame
from tests.support.webcam import clip_frames, jpeg

NAME = "Ada"
PROMISED_S = 1.0
"""From an enrolment's answer until every other process names the person."""
ROUNDS = 3


@pytest.fixture(scope="module")
def man(shared_faces) -> list[bytes]:
    clip = clip_frames(shared_faces / "webcam" / "real_male.mjpeg")
    return [jpeg(image) for image in itertools.islice(clip, 12)]


@pytest.fixture(scope="module")
def servers(models_dir, mysql_url, redis_url, milvus_server) -> Iterator[tuple[LiveServer, LiveServer]]:
    engine = {"GALLERY_URL": milvus_server.url("walk"), "REDIS_URL": redis_url}
    with (
        running_server(models_dir, database_server=mysql_url, **engine) as first,
        second_process(first) as second,
    ):
        yield first, second


@pytest.fixture(scope="module")
def sites(servers: tuple[LiveServer, LiveServer]) -> Iterator[list[Facesite]]:
    """Each process through the API."""
    unhindered = ("--requests-per-minute", "60000")
    made = servers[0].manage("api_keys", "create", "walk", "--scope", *Scope, *unhindered, "--json")
    with ExitStack() as opened:
        yield [opened.enter_context(Facesite(server.url, json.loads(made)["secret"])) for server in servers]


def named(site: Facesite, picture: bytes) -> str | None:
    """Whom the process names now."""
    (face,) = site.identify(picture)
    return face.person.id if face.person else None


def seconds_until_named(site: Facesite, picture: bytes, person: str) -> float:
    begun = time.monotonic()
    while named(site, picture) != person:
        assert time.monotonic() - begun < PATIENCE_S
    return time.monotonic() - begun


def wait_for(server: LiveServer, status: int) -> dict:
    deadline = time.monotonic() + PATIENCE_S
    while (answer := Browser(server).get("/readyz"))[0] != status:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return json.loads(answer[1])


def rows_of_engine(server: LiveServer) -> int:
    """Once it is level."""
    deadline = time.monotonic() + PATIENCE_S
    while not (status := json.loads(server.manage("gallery", "status", "--json")))["is_level"]:
        assert time.monotonic() < deadline, status
    return sum(space["rows"] for space in status["spaces"])


class TestTwoProcesses:
    def test_enrolled_in_one_is_recognised_in_the_other_within_a_second_and_erased_everywhere_at_once(
        self, servers, sites, man
    ):
        """The quickest of some rounds counts: a busy machine slows one down, a mechanism that is too slow all of them.

        For that, the other process always has looked at the revision just before the enrolment: who is not told of
        it, and looks only every two seconds, needs nearly two seconds then.
        """
        writing, looking = sites
        picture = man[0]
        took = []
        for _ in range(ROUNDS):
            time.sleep(2 * PROMISED_S)  # however it goes about it, the next search looks
            assert named(looking, picture) is None
            person = writing.create_person(NAME, consent={"how": "paper"}).id
            writing.add_sample(person, picture)
            took.append(seconds_until_named(looking, picture, person))
            assert named(writing, picture) == person

            writing.erase_person(person)
            assert [named(site, picture) for site in (looking, writing)] == [None, None]
        assert min(took) < PROMISED_S, took
        assert rows_of_engine(servers[0]) == 0

    def test_by_webcam_through_a_time_without_the_engine(self, servers, milvus_server, man):
        first, second = servers
        writing, looking = first.login(), second.login()
        assert decide(looking, man)["verdict"] == "non_match"
        person = enrol(writing, NAME, man)
        found = decide(looking, man)
        assert (found["verdict"], found["person"]["id"]) == ("match", person)
        assert rows_of_engine(first) >= 1

        with milvus_server.frozen():  # nobody is searched, everybody is told why, and nothing is lost
            assert wait_for(second, 503)["checks"]["gallery_engine"] is False
            with looking.socket("/ws/verification/") as live:
                receive(live, "hello")
                live.send(json.dumps({"type": "configure", "mode": "identify"}))
                live.send(frame(1, man[0]))
                assert receive(live, "error")["code"] == "gallery_away"
        wait_for(second, 200)
        again = decide(looking, man)
        assert (again["verdict"], again["comparison_score"]) == ("match", found["comparison_score"])

        status, _ = writing.post(f"/enrollment/people/{person}/erase/", typed_name=NAME)
        assert status == 200
        gone = decide(looking, man)
        assert (gone["verdict"], gone["person"]) == ("non_match", None)
        assert rows_of_engine(first) == 0
