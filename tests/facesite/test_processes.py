"""`serve --processes`: one socket, several servers, one parent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import RemoteDisconnected
from pathlib import Path

import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from facesite.processes import open_sockets
from tests.support.server import Browser, LiveServer, own_database, receive
from tests.support.sockets import PATIENCE_S


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children_of(parent: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def parent_of(server: LiveServer) -> int:
    assert server.process
    return server.process.pid


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def said(server: LiveServer, event: str) -> int:
    return server.log.read_text().count(f'"{event}"')


@pytest.fixture(scope="module")
def server(models_dir: Path) -> Iterator[LiveServer]:
    """Two processes, ready both."""
    with (
        tempfile.TemporaryDirectory(prefix="facesite-live-") as name,
        own_database(Path(name), os.environ.get("DATABASE_URL", "")) as database_url,
    ):
        environment = {"DATABASE_URL": database_url, "FACESITE_MODELS_DIR": str(models_dir), "FACESITE_METRICS": "on"}
        environment["FACESITE_THREADS"] = "2"
        server = LiveServer(Path(name), environment | {"FACESITE_MODEL_PACK": settings.FACESITE_MODEL_PACK or ""})
        server.prepare()
        server.start("--processes", "2")
        server.wait_until_ready()
        server.choose_password()
        wait_until(lambda: said(server, "warm") == 2)
        yield server
        server.stop()


class TestServing:
    def test_sockets_are_shared_out_evenly_and_counted_together(self, server: LiveServer):
        browser = server.login()
        with ExitStack() as opened:
            for _ in range(8):
                receive(opened.enter_context(browser.socket("/ws/verification/")), "hello")
            assert 'facesite_sockets{kind="verification"} 8.0' in browser.get("/metrics")[1]
            with browser.socket("/ws/verification/") as too_many, pytest.raises(ConnectionClosed) as closed:
                too_many.recv(timeout=PATIENCE_S)
            held = sorted(sockets_of(pid, server.port) for pid in children_of(parent_of(server)))
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4429  # the limit of eight holds over both processes
        assert sum(held) >= 8
        assert held[-1] - held[0] <= 2, held

    def test_metrics_are_those_of_both(self, server: LiveServer):
        wait_until(lambda: "facesite_processes 2.0" in Browser(server).get("/metrics")[1])
        told = Browser(server).get("/metrics")[1]
        assert "facesite_inference_threads 2.0" in told
        assert 'facesite_check{part="engine"} 1.0' in told
        lines = [line for line in told.splitlines() if line[0] != "#"]
        assert len(lines) == len({line.rpartition(" ")[0] for line in lines})  # nothing is said twice

    def test_one_that_is_killed_is_replaced_while_the_other_serves(self, server: LiveServer):
        victim, survivor = children_of(parent_of(server))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(children_of(parent_of(server))) == 2 and victim not in children_of(parent_of(server)))
        assert survivor in children_of(parent_of(server))
        assert all(Browser(server).get("/healthz")[0] == 200 for _ in range(10))
        assert said(server, "process_died") == 1
        wait_until(lambda: said(server, "warm") == 3)

    def test_a_rolling_restart_replaces_each_and_refuses_nobody(self, server: LiveServer):
        before = set(children_of(parent_of(server)))
        answers: list[int] = []
        over = threading.Event()

        def ask() -> None:
            while not over.wait(0.02):
                with suppress(RemoteDisconnected):  # it came too late for the old process; a browser asks again
                    answers.append(Browser(server).get("/healthz")[0])

        asking = threading.Thread(target=ask)
        asking.start()
        browser = server.login()
        with browser.socket("/ws/verification/") as live:
            receive(live, "hello")
            server.send_signal(signal.SIGHUP)
            with pytest.raises(ConnectionClosed) as closed:
                live.recv(timeout=PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        with browser.socket("/ws/verification/") as again:
            receive(again, "hello")
        wait_until(lambda: said(server, "process_replaced") == 2 and not before & set(children_of(parent_of(server))))
        over.set()
        asking.join()
        assert len(children_of(parent_of(server))) == 2
        assert set(answers) == {200}


class TestEnding:
    """Last: nobody serves afterwards."""

    def test_all_end_when_the_parent_is_asked_to(self, server: LiveServer):
        children = children_of(parent_of(server))
        assert server.stop() == 0
        assert not any(map(is_alive, children))
        assert "Traceback" not in server.log.read_text()


def sockets_of(pid: int, port: int) -> int:
    """Connections to `port` that this process holds."""
    ours = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            ours.update(re.findall(r"socket:\[(\d+)\]", str(entry.readlink())))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[9] in ours and row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


PARENT = """
import sys
from facesite.processes import Parent, open_sockets
command = [sys.executable, "-c", sys.argv[1]]
parent = Parent(2, open_sockets("127.0.0.1", 0), command, {}, when_listening=lambda: print("up", flush=True))
sys.exit(0 if parent.run() else 7)
"""


class TestParent:
    """With children that are no servers, which is quicker."""

    @contextmanager
    def run(self, child: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-c", PARENT, child]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=pipe, stderr=pipe, text=True) as parent:
            try:
                yield parent
            finally:
                parent.kill()

    def test_it_gives_up_where_no_child_ever_listens(self):
        with self.run("raise SystemExit(3)") as parent:
            assert parent.wait(PATIENCE_S) == 7

    def test_a_restart_is_given_up_where_the_new_process_fails_and_the_old_ones_stay(self, tmp_path: Path):
        broken = tmp_path / "broken"
        child = (
            "import json, os, pathlib, sys\n"
            f"if pathlib.Path({str(broken)!r}).exists(): sys.exit(1)\n"
            "place = json.loads(os.environ['FACESITE_CHILD'])\n"
            "os.write(place['status'], b'lw')\n"
            f"pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()\n"
            "os.read(place['lifeline'], 1)\n"
        )
        with self.run(child) as parent:
            assert parent.stdout
            assert parent.stdout.readline() == "up\n"
            wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
            before = children_of(parent.pid)
            broken.touch()
            parent.send_signal(signal.SIGHUP)
            assert parent.stderr
            while "rolling_restart_given_up" not in (line := parent.stderr.readline()):
                assert line, "the parent ended"
            assert children_of(parent.pid) == before
            parent.terminate()
            assert parent.wait(PATIENCE_S) == 0

    def test_all_end_when_it_is_killed(self):
        child = (
            "import signal\n"
            "from facesite.child import LISTENING, end_with_parent, my_place, tell_parent\n"
            "end_with_parent(my_place())\n"
            "tell_parent(my_place(), LISTENING)\n"
            "signal.pause()\n"
        )
        with self.run(child) as parent:
            assert parent.stdout
            assert parent.stdout.readline() == "up\n"
            children = children_of(parent.pid)
            parent.kill()
            wait_until(lambda: not any(map(is_alive, children)))


class TestOpenSockets:
    def test_a_port_in_use_is_an_error(self):
        (first,) = open_sockets("127.0.0.1", 0)
        with first, pytest.raises(OSError, match="in use"):
            open_sockets("127.0.0.1", first.getsockname()[1])
