"""A real MySQL or MariaDB server for tests: the one that the suite runs on, one that is named, or a private one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.support import skips

SCRIPT = settings.BASE_DIR / "scripts" / "private-mariadb"


@pytest.fixture(scope="session")
def mysql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """mysql://user:password@host:port/name of a server on which databases may be created."""
    named = os.environ.get("FACESITE_TEST_MYSQL") or os.environ.get("DATABASE_URL", "")
    if named.startswith("mysql://"):
        yield named
        return
    pytest.importorskip("MySQLdb", reason="mysql: no driver")
    folder = tmp_path_factory.mktemp("mariadb")
    started = subprocess.run([SCRIPT, "start", folder], capture_output=True, text=True, timeout=300)
    if started.returncode == 3:
        skips.skip("mysql", "no MariaDB or MySQL server")
    assert started.returncode == 0, started.stderr
    yield started.stdout.strip()
    subprocess.run([SCRIPT, "stop", folder], check=True, timeout=60)
