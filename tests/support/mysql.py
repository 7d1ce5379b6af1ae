"""A real MySQL or MariaDB server for tests: the one that the suite runs on, one that is named, or a private one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


class MariaDb:
    """A private server for a test that takes it away: it can be frozen, killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        started = subprocess.run([SCRIPT, "start", folder], capture_output=True, text=True, timeout=300)
        if started.returncode == 3:
            skips.skip("mysql", "no MariaDB or MySQL server")
        assert started.returncode == 0, started.stderr
        self.url = started.stdout.strip()
        self._keep_what_is_committed()
        self._command = Path(f"/proc/{self._pid}/cmdline").read_text().rstrip("\0").split("\0")
        self._again: subprocess.Popen[bytes] | None = None

    def _keep_what_is_committed(self) -> None:
        """The script's server may lose the last second when it is killed, a login among it."""
        client = ["mariadb", "--no-defaults", f"--socket={self.folder}/s.sock", "--user=root"]
        statement = "SET GLOBAL innodb_flush_log_at_trx_commit = 1"
        subprocess.run([*client, "--execute", statement], check=True, timeout=60)

    @property
    def _pid(self) -> int:
        return int((self.folder / "pid").read_text())

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections are taken by the system, but nothing is answered."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)

    @contextmanager
    def killed(self) -> Iterator[None]:
        """As by a power cut; afterwards it is started again on what it left."""
        os.kill(self._pid, signal.SIGKILL)
        yield
        (self.folder / "pid").unlink()
        with (self.folder / "again.log").open("wb") as log:
            self._again = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)

    def stop(self) -> None:
        subprocess.run([SCRIPT, "stop", self.folder], check=True, timeout=60)
        if self._again:
            self._again.wait(timeout=60)


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[MariaDb]:
    pytest.importorskip("MySQLdb", reason="mysql: no driver")
    server = MariaDb(tmp_path)
    yield server
    server.stop()
