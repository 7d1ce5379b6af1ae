"""Which tests are quick, and how they are shared out to processes. Every marker is set here, by place.

`make test-quick` leaves out what is marked browser, server or slow. In parallel, everything with a browser runs in one
process, one test after the other, everything with a server in another, while what is left computes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

MARKERS_OF_PLACES = {
    "tests/benchmarks/test_afar.py": "slow",
    "tests/api/": "slow",
    "tests/attendance/kiosks/test_consumers.py": "slow",
    "tests/attendance/punches/test_listening.py": "slow",
    "tests/api/test_docs.py": "server",
    "tests/benchmarks/test_api.py::TestRun": "server",
    "tests/benchmarks/test_at_rest.py": "slow",
    "tests/benchmarks/test_covers.py": "slow",
    "tests/benchmarks/test_attacks.py::TestAttackers": "server",
    "tests/benchmarks/test_attacks.py::TestRun": "server",
    "tests/benchmarks/test_fuzz.py": "slow",
    "tests/benchmarks/test_live.py::TestRun": "server",
    "tests/benchmarks/test_liveness.py": "slow",
    "tests/benchmarks/test_folder.py::TestRun": "slow",
    "tests/benchmarks/test_pages.py::TestRun": "slow",
    "tests/benchmarks/test_quarters.py": "slow",
    "tests/benchmarks/test_records.py::TestRun": "server",
    "tests/browser/": "browser",
    "tests/client/test_against_a_site.py": "server",
    "tests/client/test_walk.py": "server",
    "tests/deploy/test_containers.py::TestTheImage": "server",
    "tests/deploy/test_galera.py": "server",
    "tests/deploy/test_units.py::TestANightsBackup": "slow",
    "tests/enrollment/capture/test_consumers.py": "slow",
    "tests/enrollment/capture/test_guided.py::TestRealClips": "slow",
    "tests/enrollment/capture/test_liveness.py": "slow",
    "tests/enrollment/hygiene/": "slow",
    "tests/enrollment/importing/test_views.py": "slow",
    "tests/enrollment/management/": "slow",
    "tests/enrollment/milvus/": "server",
    "tests/enrollment/packs/test_fetching.py": "slow",
    "tests/enrollment/packs/test_switching.py": "slow",
    "tests/enrollment/rights/": "slow",
    "tests/enrollment/runtime/test_gallery.py": "slow",
    "tests/enrollment/test_consent_migrations.py": "slow",
    "tests/enrollment/test_views.py": "slow",
    "tests/facesite/test_backup_commands.py": "slow",
    "tests/facesite/test_base_path.py": "server",
    "tests/facesite/test_catalogues.py": "slow",
    "tests/facesite/test_charset.py": "server",
    "tests/facesite/test_commandline.py": "slow",
    "tests/facesite/test_connections.py": "server",
    "tests/facesite/test_context.py::TestWhatARoleIsShown": "slow",
    "tests/facesite/test_cookies.py::TestTwoSites": "server",
    "tests/facesite/test_daily_tasks.py": "server",
    "tests/facesite/test_database_outage.py": "server",
    "tests/facesite/test_doctor.py::TestTheWayIn": "server",
    "tests/facesite/test_downloads.py": "server",
    "tests/facesite/test_gallery_engine.py": "server",
    "tests/facesite/test_hosts.py::TestRealServer": "server",
    "tests/facesite/test_journey.py": "server",
    "tests/facesite/test_read_only.py": "slow",
    "tests/facesite/test_processes.py": "server",
    "tests/facesite/test_redis.py": "server",
    "tests/facesite/test_server.py": "server",
    "tests/facesite/test_start_with_keys.py": "slow",
    "tests/facesite/test_sign_in.py": "server",
    "tests/facesite/test_storage.py": "slow",
    "tests/facesite/test_tls.py::TestServing": "server",
    "tests/facesite/test_upgrade.py": "slow",
    "tests/recognizer/images/": "slow",
    "tests/recognizer/packs/test_quantize.py": "slow",
    "tests/recognizer/stages/test_checks.py": "slow",
    "tests/recognizer/stages/test_liveness.py": "slow",
    "tests/recognizer/stages/test_stills.py": "slow",
    "tests/recognizer/test_calibration.py::TestSureThresholdAt": "slow",
    "tests/recognizer/tracking/test_challenge.py::TestReplayedClips": "slow",
    "tests/recognizer/tracking/test_fuser.py::TestRealClips": "slow",
    "tests/scripts/test_audit.py::TestAgainstAService": "slow",
    "tests/security/sign_in/test_openid_views.py": "server",
    "tests/security/audit/test_concurrency.py": "slow",
    "tests/security/roles/test_every_address.py": "slow",
    "tests/security/test_sharing.py": "server",
    "tests/starter/": "slow",
    "tests/starter/test_browser.py": "browser",
    "tests/test_walls.py": "slow",
    "tests/training/": "slow",
    "tests/verification/accuracy/": "slow",
    "tests/verification/live/": "slow",
    "tests/verification/management/": "slow",
    "tests/verification/review/": "slow",
    "tests/verification/test_look_alikes.py": "slow",
}
"""Beginnings of test ids."""
MARKERS_OF_FIXTURES = {
    "browser_opener": "browser",
    "live_server_process": "server",
    "milvus_server": "server",
    "mysql_url": "server",
    "openid_provider": "server",
    "redis_url": "server",
}
"""What must not be missing above."""


BESIDE_OTHERS = (
    "tests/deploy/test_containers.py",
    "tests/facesite/test_charset.py",
    "tests/facesite/test_cookies.py",
    "tests/facesite/test_hosts.py",
    "tests/facesite/test_server.py",
    "tests/facesite/test_sign_in.py",
    "tests/facesite/test_tls.py",
    "tests/security/sign_in/test_openid_views.py",
)
"""Their servers hardly work and no time counts: they may run while another server does, which shortens the suite. Only
for tests that leave this process's own database alone: a file runs as one, before others that need its first rows."""


def markers_of(test_id: str) -> Iterator[str]:
    yield from (marker for place, marker in MARKERS_OF_PLACES.items() if test_id.startswith(place))


def group_of(test_id: str) -> str:
    """Tests of one group run in one process, in their order; a group of its own for every other test."""
    if test_id.startswith(BESIDE_OTHERS):
        return test_id.partition("::")[0]
    for lane in {"browser", "server"} & set(markers_of(test_id)):
        return lane  # the one keeps time with a camera; and a server fills a core by itself
    if test_id.startswith("tests/training/"):
        return "training"  # PyTorch takes every core it finds
    if test_id.startswith("tests/facesite/test_catalogues.py"):
        return "catalogues"  # the sentences of the sources are collected once
    return test_id


class GroupScheduling(LoadScopeScheduling):
    """As xdist's loadgroup, which silently groups nothing with pytest 9.2 (pytest-xdist issue 1386)."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.hookimpl(tryfirst=True)  # before -m chooses by them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        markers = set(markers_of(item.nodeid))
        for marker in markers:
            item.add_marker(marker)
        for name in MARKERS_OF_FIXTURES.keys() & set(getattr(item, "fixturenames", ())):
            if not markers & {MARKERS_OF_FIXTURES[name], "browser"}:
                raise pytest.UsageError(f"{item.nodeid} uses {name}: name its place in {__name__}")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses"):  # inherited by the workers: threads that wait by spinning starve each other
        os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for place in MARKERS_OF_PLACES:
        if not (settings.BASE_DIR / place.partition("::")[0]).exists():
            raise pytest.UsageError(f"{place} has moved: {__name__} names it")
