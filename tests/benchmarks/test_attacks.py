from __future__ import annotations

from typing import Any

import pytest

from benchmarks import attackers, attacks
from benchmarks.attacks import Attack, judged
from benchmarks.hostile import endless_chunk
from tests.support.server import LiveServer

CALM = {"live_p50_ms": 15.0, "live_p95_ms": 20.0, "live_longest_ms": 30.0}


class TestRun:
    def test_one_attack_is_carried_out_against_a_real_server(self, engine, shared_faces):
        result = attacks.run(faces=shared_faces / "eval", megabytes=2, only="100 MB to /healthz")
        assert result["pack"] == engine.pack.name
        assert result["without_attack"]["live_p50_ms"] > 0
        (row,) = result["attacks"].values()
        assert row["told"].startswith("413 after ")
        assert row["live_longest_ms"] >= row["live_p95_ms"] >= row["live_p50_ms"] > 0
        assert row["memory_mb"] < 20


class TestAttackers:
    def test_a_chunked_body_is_refused(self, live_server_process: LiveServer):
        told = attackers.send_body(live_server_process.port, "/healthz", megabytes=2, chunked=True)
        assert told == "413 after 2 MB"

    def test_a_visitor_gets_in_beside_idle_connections(self, live_server_process: LiveServer):
        assert attackers.come_after_idle_ones(live_server_process.port, idle=20).startswith("200 after ")

    def test_a_search_and_a_picture_need_a_login_of_theirs(self, live_server_process: LiveServer):
        cookie = live_server_process.login().session_cookie()
        header = f"{cookie['name']}={cookie['value']}"
        assert attackers.search_for(live_server_process.port, header, words=3000) == "200"
        assert attackers.check_photo(live_server_process.port, header, endless_chunk()) == "400"

    def test_wrong_sign_ins_are_counted_by_their_answers(self, live_server_process: LiveServer):
        answers = attackers.guess_passwords(live_server_process.port, clients=4)
        assert answers.total() == 4 * attackers.SIGN_IN_ROUNDS
        assert set(answers) == {200, 429}


class TestJudged:
    @staticmethod
    def judge(*rounds: dict[str, Any], is_short: bool = True) -> dict[str, Any]:
        attack = Attack("a", lambda: "", "413", lambda told: told == "413", is_short)
        quiet = {"told": "413", "seconds": 1.0, "memory_mb": 1.0, **CALM}
        return judged(attack, [quiet | changes for changes in rounds], CALM)

    def test_the_calmest_round_counts_but_the_most_memory(self):
        row = self.judge({"live_longest_ms": 400.0, "memory_mb": 50.0}, {"live_longest_ms": 40.0})
        assert (row["live_longest_ms"], row["memory_mb"], row["goal_met"]) == (40.0, 50.0, True)

    @pytest.mark.parametrize(
        "changes", [{"told": "200"}, {"memory_mb": 101.0}, {"live_longest_ms": 131.0}], ids=["told", "memory", "stall"]
    )
    def test_a_goal_that_is_missed_is_said_so(self, changes):
        assert not self.judge(changes)["goal_met"]

    def test_one_slow_frame_in_a_long_attack_is_none(self):
        assert self.judge({"live_longest_ms": 400.0}, is_short=False)["goal_met"]
        assert not self.judge({"live_p95_ms": 121.0}, is_short=False)["goal_met"]
