"""Which tests are quick, and how they are shared out to processes. Every marker is set here, by fixture or by place.

`make test-quick` leaves out what is marked browser, server or slow. In parallel, everything with a browser or a server
runs in one process, one test after the other, while the other process computes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.conf import settings

MARKERS_OF_FIXTURES = {
    "browser_opener": "browser",
    "live_server_process": "server",
    "mysql_url": "server",
    "redis_url": "server",
}
MARKERS_OF_PLACES = {
    "tests/benchmarks/test_fuzz.py": "slow",
    "tests/benchmarks/test_live.py::TestRun": "server",
    "tests/benchmarks/test_liveness.py": "slow",
    "tests/enrollment/capture/test_consumers.py": "slow",
    "tests/enrollment/capture/test_guided.py::TestRealClips": "slow",
    "tests/enrollment/hygiene/": "slow",
    "tests/enrollment/management/": "slow",
    "tests/enrollment/packs/test_switching.py": "slow",
    "tests/facesite/test_commandline.py": "slow",
    "tests/facesite/test_connections.py": "server",
    "tests/facesite/test_database_outage.py": "server",
    "tests/facesite/test_journey.py": "server",
    "tests/facesite/test_redis.py": "server",
    "tests/facesite/test_server.py": "server",
    "tests/facesite/test_storage.py": "slow",
    "tests/recognizer/packs/test_quantize.py": "slow",
    "tests/recognizer/tracking/test_challenge.py::TestReplayedClips": "slow",
    "tests/recognizer/tracking/test_fuser.py::TestRealClips": "slow",
    "tests/starter/": "slow",
    "tests/test_walls.py": "slow",
    "tests/training/": "slow",
    "tests/verification/live/": "slow",
    "tests/verification/management/": "slow",
    "tests/verification/review/": "slow",
}
"""Beginnings of test ids."""
GROUPS = {"browser": "site", "server": "site"}
"""Marker -> group of tests that one process runs: they keep time with a camera, and a server fills a core by itself."""


@pytest.hookimpl(tryfirst=True)  # before xdist writes the groups into the ids
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker in set(markers_of(item)):
            item.add_marker(marker)
            if marker in GROUPS:
                item.add_marker(pytest.mark.xdist_group(GROUPS[marker]))
        if item.nodeid.startswith("tests/training/"):  # PyTorch takes every core it finds
            item.add_marker(pytest.mark.xdist_group("training"))


def markers_of(item: pytest.Item) -> Iterator[str]:
    yield from (MARKERS_OF_FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in MARKERS_OF_FIXTURES)
    yield from (marker for place, marker in MARKERS_OF_PLACES.items() if item.nodeid.startswith(place))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses"):  # inherited by the workers: threads that wait by spinning starve each other
        os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for place in MARKERS_OF_PLACES:
        assert (settings.BASE_DIR / place.partition("::")[0]).exists(), f"{place} has moved: {__name__} names it"
