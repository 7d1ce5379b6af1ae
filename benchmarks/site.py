"""A site made for a benchmark: a temporary SQLite database, a gallery, operators, and Daphne in its own process.

`python -m benchmarks.site` fills the database that DATABASE_URL names and prints the operators' cookies as JSON.
"""

from __future__ import annotations

import base64
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
START_SECONDS = 180
"""Long, because a busy machine is no failure. A process that ends early is noticed at once."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, with its processes where it has several. Costs are read from /proc, so this is for Linux."""

    pid: int
    port: int

    @property
    def pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def cpu_seconds(self) -> float:
        """User and system time so far; proc(5), fields 14 and 15 of stat."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS_PER_SECOND

    def memory_mb(self, kind: str = "VmRSS") -> float:
        """Resident memory. VmRSS: now; VmHWM: the most it ever was. Raises ValueError for an unknown kind."""
        return sum(_memory_mb(pid, kind) for pid in self.pids)

    def forget_peak(self) -> None:
        """VmHWM is counted from now on; proc(5), clear_refs."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


def _memory_mb(pid: int, kind: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(kind + ":"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/{pid}/status has no {kind}")


def site_environment(work: Path, *, models_dir: Path, pack: str | None) -> dict[str, str]:
    """The environment of the site's processes, so that they touch no file of this machine's real site."""
    return os.environ | {
        "DATABASE_URL": f"sqlite:///{work / 'benchmark.sqlite3'}",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FACESITE_DATA_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "DEBUG": "off",
        "ALLOWED_HOSTS": "127.0.0.1",
        "REDIS_URL": "",
        "FACESITE_HTTPS": "",
        "FACESITE_LOG_FORMAT": "json",
        "FACESITE_MODELS_DIR": str(models_dir.resolve()),
        "FACESITE_MODEL_PACK": pack or "",
    }


def prepare_site(environment: dict[str, str], *, operators: int, people: int, pictures: list[Path]) -> list[str]:
    """Migrate, enrol, log in. Returns one cookie per operator. Raises ChildProcessError with what went wrong."""
    arguments = [str(operators), str(people), *map(str, pictures)]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.site", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise ChildProcessError(f"The benchmark's site could not be prepared: {done.stderr.strip().splitlines()[-1]}")
    cookies: list[str] = json.loads(done.stdout.splitlines()[-1])
    return cookies


@contextmanager
def running_server(environment: dict[str, str], *, log: Path | None = None, processes: int = 1) -> Iterator[Server]:
    """`manage.py serve` on a free loopback port, warm. Raises ChildProcessError when it does not come up.

    log: where its log lines go; None: nowhere. Several processes need one, which says when each is warm.
    """
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--processes", str(processes)]
    with (log or Path(os.devnull)).open("wb") as lines:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=lines, stderr=lines)  # noqa: S603
    try:
        _wait_until_ready(process, port)
        if log and processes > 1:
            _wait_until_all_are_warm(log, processes)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on, below those that Linux gives to outgoing connections (32768 and up).

    Those come and go by the hundred in the seconds until a server listens, and would take its port away.
    """
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise ChildProcessError("The benchmark's server did not get ready; start it by hand to see why: manage.py serve")


def _wait_until_all_are_warm(log: Path, processes: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while log.read_text().count('"warm"') < processes:
        if time.monotonic() > deadline:
            raise ChildProcessError("Not all processes of the benchmark's server got ready.")
        time.sleep(0.1)


def fill_site(operators: int, people: int, pictures: list[Path]) -> list[str]:
    """Enrol `people` made-up people with five templates each and the largest face of each picture; create operators.

    Returns the session cookie of each operator. Needs Django, set up for the database to fill.
    """
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from security.roles.groups import give_roles
    from security.roles.table import Role

    call_command("migrate", interactive=False, verbosity=0)
    _enrol(people, pictures)
    cookies = []
    for number in range(operators):
        client = Client()
        operator = User.objects.create_user(f"operator-{number}")
        give_roles(operator, [Role.RECEPTIONIST])
        client.force_login(operator)
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
    return cookies


def _enrol(people: int, pictures: list[Path]) -> None:
    import numpy as np

    from benchmarks.sample import random_templates
    from enrollment.consent.records import NO_CONSENT
    from enrollment.runtime.engine import get_engine, reset_engine
    from enrollment.samples.drafts import SampleDraft, draft_from_face
    from enrollment.services import enroll_person
    from recognizer.types import Pose, Quality

    engine = get_engine()
    noise = np.random.default_rng(1)
    quality = Quality(1.0, (), Pose(0, 0, 0), 200.0, 80.0, 120.0, 50.0, 100.0)
    groups = [
        [
            SampleDraft(
                noise.integers(0, 255, (112, 112, 3), np.uint8), vector, engine.contract_id, quality, "folder", "front"
            )
            for vector in vectors
        ]
        for vectors in random_templates(5 * people, engine.dimension).reshape(people, 5, -1)
    ]
    for picture in pictures:
        faces = engine.analyze(engine.decode(picture.read_bytes())).faces
        groups.append([draft_from_face(face, contract_id=engine.contract_id, source="folder") for face in faces[:1]])
    for number, group in enumerate(group for group in groups if group):
        enroll_person(actor=None, name=f"Person {number}", consent=NO_CONSENT, samples=group, despite_duplicate=True)
    reset_engine()


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
    import django

    django.setup()
    operators, people, *pictures = arguments
    print(json.dumps(fill_site(int(operators), int(people), [Path(picture) for picture in pictures])))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
