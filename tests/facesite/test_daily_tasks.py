"""Retention inside a served site: begun from its page, in the background, and stopped in order."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.support.server import LiveServer, running_server, serving
from tests.support.sockets import PATIENCE_S

FILL = """
from datetime import timedelta
from django.utils import timezone
from tests.verification.rows import JPEG
from verification.models import VerificationAttempt as Attempt
old = timezone.now() - timedelta(days=31)
values = dict(mode="identify", verdict="match", match_threshold=0.3, fmr=1e-4, frames_agreed=3, frames_seen=4,
              thumbnail=JPEG, contract_id="test", created_at=old)
Attempt.objects.bulk_create([Attempt(**values) for _ in range({count})], batch_size=2000)
"""
READ = """
from security.models import RetentionRun
from verification.models import VerificationAttempt as Attempt
states = "+".join(RetentionRun.objects.order_by("pk").values_list("state", flat=True))
print("STATE", states or "none", Attempt.objects.filter(has_picture=True).count())
"""


@pytest.fixture
def server(models_dir):
    """One of its own: its attempts are old."""
    with running_server(models_dir) as started:
        yield started


def state_of(server: LiveServer) -> tuple[str, int]:
    """The states of all runs, and how many pictures are left."""
    line = next(line for line in server.manage("shell", "-c", READ).splitlines() if line.startswith("STATE"))
    _, states, left = line.split()
    return states, int(left)


def wait_for(server: LiveServer, condition: Callable[[str, int], bool]) -> tuple[str, int]:
    deadline = time.monotonic() + 3 * PATIENCE_S
    while time.monotonic() < deadline:
        found = state_of(server)
        if condition(*found):
            return found
    pytest.fail(f"still {found}: {server.log.read_text()}")


class TestRetention:
    def test_is_stopped_by_sigterm_in_the_middle_and_goes_on_with_the_next_start(self, server):
        server.manage("shell", "-c", FILL.format(count=20_000))
        status, page = server.login().post("/site/retention/run/")
        assert (status, "begins within half a minute" in page) == (200, True)
        wait_for(server, lambda states, left: left < 20_000)
        since = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - since < 5  # the engine's end included
        states, left = state_of(server)
        assert (states, 0 < left < 20_000) == ("stopped", True)
        with serving(server):  # still due: the new process begins as soon as it is warm
            assert wait_for(server, lambda states, left: states.endswith("done")) == ("stopped+done", 0)

    def test_does_not_begin_on_the_first_day(self, server):
        server.manage("shell", "-c", FILL.format(count=1))
        browser = server.login()
        assert "The first run comes a day after" in browser.get("/")[1]
        assert state_of(server) == ("none", 1)
