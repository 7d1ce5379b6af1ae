"""A real Milvus server (the standalone one of the wheel `milvus`) on loopback, for tests and measurements.

The wheel weighs 80 MB and unpacks 250 MB, and the product does not need it: it has an environment of its own in .cache.
`python3 -m benchmarks.milvus_server` makes that.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import Environment, run
from benchmarks.site import free_port

ENVIRONMENT = Environment("milvus", Path(__file__).with_name("milvus-server.txt"))
UNPACKED = ENVIRONMENT.home / "server"
PROGRAM = """
import json, os, sys, time, urllib.request
from pathlib import Path
import milvus

folder, unpacked = Path(sys.argv[1]), Path(sys.argv[2])
port, etcd, peers = map(int, sys.argv[3:])
(folder / "bin").symlink_to(unpacked)
# The etcd inside listens for its peers on a fixed port, unless a file says otherwise: another Milvus may run here.
listen, peer = f"http://localhost:{etcd}", f"http://localhost:{peers}"
(folder / "etcd.json").write_text(json.dumps({
    "listen-client-urls": listen, "advertise-client-urls": listen, "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer, "initial-cluster": f"default={peer}",
}))
os.environ["ETCD_CONFIG_PATH"] = str(folder / "etcd.json")
server = milvus.MilvusServer(proxy_port=port, etcd_port=etcd, wait_for_started=False)
server.wait_for_started = False
server.set_base_dir(str(folder))
server.start()
health = f"http://127.0.0.1:{server.webservice_port}/healthz"
while server.server_proc.poll() is None:
    try:
        if urllib.request.urlopen(health, timeout=5).status == 200:
            break
    except OSError:
        time.sleep(0.1)
else:
    sys.exit(1)
print(json.dumps({"pid": server.server_proc.pid}), flush=True)
sys.stdin.read()  # ends with the tests
server.stop()
"""


class MilvusServer:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        ports = [str(port) for port in (self.port, free_port(), free_port())]
        command = [str(ENVIRONMENT.python), "-c", PROGRAM, str(folder), str(UNPACKED / "bin"), *ports]
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None  # noqa: S101
        told = self._process.stdout.readline()
        if not told:
            self.stop()
            raise OSError(f"Milvus did not start: see {folder}/logs")
        self._pid = json.loads(told)["pid"]

    def url(self, collection: str = "faces") -> str:
        return f"milvus://127.0.0.1:{self.port}/{collection}"

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections stay, but nothing is answered."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)

    @property
    def memory_mb(self) -> float:
        """Resident now."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def cpu_s(self) -> float:
        """Processor time so far, of all its threads."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self._process.communicate(timeout=60)


def is_there() -> bool:
    return ENVIRONMENT.is_complete


def make_environment() -> None:
    """.cache/milvus-* with the server; nothing to do where it is complete."""
    unpack = f"import milvus; milvus._initialize_data_files({str(UNPACKED)!r})"
    ENVIRONMENT.make(lambda: run(str(ENVIRONMENT.python), "-c", unpack))


if __name__ == "__main__":
    make_environment()
