"""The product's spine over hand-driven sockets, on MySQL and on several processes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enrollment.runtime.gallery import REVISION_CHECK_SECONDS
from tests.support.journey import decide, enrol
from tests.support.server import LiveServer, running_server, second_process
from tests.support.webcam import clip_frames, jpeg

NAME = "Zoë 李 🙂"  # the smiley needs utf8mb4
FRAMES = 12


def pictures(folder: Path, clip: str) -> list[bytes]:
    return [jpeg(image) for image in itertools.islice(clip_frames(folder / "webcam" / f"{clip}.mjpeg"), FRAMES)]


@pytest.fixture(scope="module")
def man(shared_faces) -> list[bytes]:
    return pictures(shared_faces, "real_male")


@pytest.fixture(scope="module")
def woman(shared_faces) -> list[bytes]:
    """From the clip's end, where she looks into the camera."""
    frames = list(clip_frames(shared_faces / "webcam" / "real_female.mjpeg"))
    return [jpeg(image) for image in [*frames[16:20]] * 3]


@pytest.fixture(scope="module")
def server(models_dir, mysql_url) -> Iterator[LiveServer]:
    with running_server(models_dir, database_server=mysql_url) as server:
        yield server


@pytest.fixture(scope="module")
def person(server: LiveServer, man) -> str:
    return enrol(server.login(), NAME, man)


class TestOnMySql:
    def test_the_enrolled_person_is_recognised_by_name(self, server, person, man):
        decision = decide(server.login(), man)
        assert decision["verdict"] == "match"
        assert decision["person"] == {"id": person, "name": NAME}
        assert decision["comparison_score"] >= decision["match_threshold"]

    def test_a_claim_is_confirmed(self, server, person, man):
        assert decide(server.login(), man, mode="verify", person=person)["verdict"] == "match"

    def test_a_stranger_is_not_named(self, server, person, woman):
        decision = decide(server.login(), woman)
        assert decision["verdict"] in {"non_match", "uncertain"}
        assert decision["person"] is None

    def test_the_pages_show_person_and_attempts(self, server, person):
        browser = server.login()
        for path in ("/", "/enrollment/people/", f"/enrollment/people/{person}/", "/admin/enrollment/person/"):
            status, page = browser.get(path)
            assert status == 200
            assert path == "/" or NAME in page

    def test_connections_are_strict_take_every_character_and_look_for_many_people_by_the_index(self, server):
        said = server.manage(
            "shell",
            "--command",
            "from django.db import connection as c; q = c.cursor(); "
            "q.execute('SELECT @@sql_mode, @@tx_isolation, @@character_set_connection'); print(q.fetchone()); "
            "q.execute('SELECT @@eq_range_index_dive_limit, @@group_concat_max_len'); "
            "print('from how many guessed at, longest list:', *q.fetchone())",
        )
        assert "STRICT_TRANS_TABLES" in said
        assert "READ-COMMITTED" in said
        assert "utf8mb4" in said
        assert "from how many guessed at, longest list: 0 1073741824" in said


class TestTwoProcesses:
    @pytest.mark.parametrize("layer", ["in-memory", "redis"])
    def test_who_is_enrolled_in_one_is_recognised_in_the_other(self, request, models_dir, man, layer):
        redis_url = request.getfixturevalue("redis_url") if layer == "redis" else ""
        with (
            running_server(models_dir, REDIS_URL=redis_url) as first,
            second_process(first) as second,
        ):
            looking = second.login()
            assert decide(looking, man)["verdict"] == "non_match"  # the second process has loaded its empty gallery
            enrol(first.login(), NAME, man)
            if layer == "in-memory":  # nobody tells the second process: it looks so often
                time.sleep(REVISION_CHECK_SECONDS)
            assert decide(looking, man)["person"]["name"] == NAME
