"""The main walk with two processes on MariaDB, Redis and a real Milvus."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from tests.support.journey import decide, enrol
from tests.support.server import Browser, LiveServer, receive, running_server, second_process
from tests.support.sockets import PATIENCE_S, frame
from tests.support.webcam import clip_frames, jpeg

NAME = "Ada"


@pytest.fixture(scope="module")
def man(shared_faces) -> list[bytes]:
    clip = clip_frames(shared_faces / "webcam" / "real_male.mjpeg")
    return [jpeg(image) for image in itertools.islice(clip, 12)]


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
    def test_enrolled_in_one_recognised_in_the_other_and_erased_everywhere_at_once(
        self, models_dir, mysql_url, redis_url, milvus_server, man
    ):
        engine = {"GALLERY_URL": milvus_server.url("walk"), "REDIS_URL": redis_url}
        with (
            running_server(models_dir, database_server=mysql_url, **engine) as first,
            second_process(first) as second,
        ):
            writing, looking = first.login(), second.login()
            assert decide(looking, man)["verdict"] == "non_match"
            person = enrol(writing, NAME, man)
            enrolled_at = time.monotonic()
            found = decide(looking, man)
            assert time.monotonic() - enrolled_at < 5  # a whole decision on a busy machine
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
