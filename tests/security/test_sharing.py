"""Limits over all processes, in a real Redis and in the database."""

from __future__ import annotations

import pytest

from security import sharing
from security.models import SharedBucket, SharedPlace
from security.sharing import AWAY_S, enter, is_alone, leave, take_one

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(sharing, "_next_try", 0.0)


@pytest.fixture(params=["redis", "database"])
def kept_in(request, settings) -> str:
    settings.REDIS_URL = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    return request.param


@pytest.fixture
def name(request) -> str:
    return request.node.name[:60]


class TestIsAlone:
    def test_only_one_process_without_redis(self, settings):
        settings.REDIS_URL, settings.FACESITE_PROCESSES = "", 1
        assert is_alone()
        settings.FACESITE_PROCESSES = 2
        assert not is_alone()
        settings.REDIS_URL, settings.FACESITE_PROCESSES = "redis://elsewhere", 1
        assert not is_alone()


class TestTakeOne:
    def test_gives_what_the_bucket_holds_and_then_says_how_long_to_wait(self, kept_in, name):
        assert [take_one(name, rate=0.01, most=3) for _ in range(3)] == [0.0] * 3
        assert 95 < take_one(name, rate=0.01, most=3) <= 100
        assert take_one(f"{name} of another", rate=0.01, most=3) == 0.0
        assert SharedBucket.objects.exists() is (kept_in == "database")

    def test_a_bucket_fills_again_up_to_what_it_holds(self, kept_in, name):
        for _ in range(2):
            take_one(name, rate=1000.0, most=2)
        waits = [take_one(name, rate=1000.0, most=2) for _ in range(20)]
        assert waits.count(0.0) >= 1
        assert max(waits) <= 0.001


class TestEnter:
    def test_there_are_so_many_places_and_one_that_is_left_is_free(self, kept_in, name):
        tokens = [enter(name, most=2) for _ in range(3)]
        assert [bool(token) for token in tokens] == [True, True, False]
        assert enter(name, most=2, token=tokens[0]) == tokens[0]  # kept, which needs no other place
        leave(name, tokens[0])
        assert enter(name, most=2)
        assert SharedPlace.objects.exists() is (kept_in == "database")

    def test_the_place_of_a_process_that_died_is_free_after_a_while(self, kept_in, name, settings, monkeypatch):
        monkeypatch.setattr(sharing, "PLACE_S", 1.0 if kept_in == "redis" else -1.0)
        assert enter(name, most=1)
        if kept_in == "redis":  # its clock has whole seconds
            redis = sharing._redis(settings.REDIS_URL)
            key = sharing._key("place", name)
            redis.zadd(key, {redis.zrange(key, 0, 0)[0]: 1})
        assert enter(name, most=1)


class TestARedisThatGoesAway:
    def test_the_database_counts_until_it_is_back(self, settings, redis_server, name, monkeypatch):
        settings.REDIS_URL = redis_server.url
        token = enter(name, most=1)
        redis_server.kill()
        assert enter(name, most=1, token=token) == token
        assert not enter(name, most=1)
        assert SharedPlace.objects.get().token == token
        monkeypatch.setattr(sharing, "_next_try", sharing._next_try - AWAY_S)
        redis_server.start()
        assert enter(name, most=1, token=token) == token
        leave(name, token)
        assert not SharedPlace.objects.exists()
        assert enter(name, most=1)
