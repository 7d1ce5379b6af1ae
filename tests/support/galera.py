"""Two MariaDB nodes on loopback that copy every transaction to each other (Galera), for a test that kills one."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.site import free_port
from tests.support import skips
from tests.support.sockets import PATIENCE_S

PROVIDER: Final = Path("/usr/lib/galera/libgalera_smm.so")
SAME: Final = """#!/bin/sh
# How a node gets the data of another. Here the second one begins as a copy of the first, and only hears the position.
while [ $# -gt 0 ]; do case "$1" in --role) role=$2;; --gtid) gtid=$2;; esac; shift; done
if [ "$role" = joiner ]; then
    echo "ready 127.0.0.1/same"
    while [ ! -s "$SAME_POSITION" ]; do sleep 0.1; done
    cat "$SAME_POSITION"
else
    echo "$gtid" > "$SAME_POSITION.new" && mv "$SAME_POSITION.new" "$SAME_POSITION"
    echo "done $gtid"
fi
"""


class Cluster:
    def __init__(self, folder: Path) -> None:
        path = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
        self._program = shutil.which("mariadbd", path=path) or ""
        if not self._program or not shutil.which("mariadb-install-db", path=path):
            skips.skip("mysql", "no MariaDB or MySQL server")
        if not PROVIDER.exists():
            skips.skip("galera", "no galera-4")
        self.folder = folder
        self._ports = {name: free_port() for name in ("first", "second")}
        self._talk = {"first": 0, "second": 0}
        for name in self._talk:
            self._talk[name] = free_port()
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        script = folder / "wsrep_sst_same"
        script.write_text(SAME)
        script.chmod(0o755)
        self._environment = {"PATH": f"{folder}:{path}", "SAME_POSITION": str(folder / "position")}
        self._install()

    def _install(self) -> None:
        command = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={self.folder / 'first'}"]
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([*command, *options], env=self._environment, check=True, capture_output=True, timeout=PATIENCE_S)
        self.start("first", "--wsrep-new-cluster")
        self.stop("first")  # now it has a position, which its copy shares
        shutil.copytree(self.folder / "first", self.folder / "second")

    def start(self, name: str, *options: str) -> None:
        folder, talk = self.folder / name, self._talk[name]
        gcomm = ",".join(f"127.0.0.1:{port}" for port in self._talk.values())
        provider = {
            "base_port": talk,
            "gmcast.listen_addr": f"tcp://127.0.0.1:{talk}",
            "ist.recv_addr": f"127.0.0.1:{free_port()}",
            "pc.weight": 2 if name == "second" else 1,  # of two, one is no majority: the heavier goes on alone
            "gcache.size": "16M",
        }
        command = [
            *(self._program, "--no-defaults", "--user=root", f"--datadir={folder}", f"--socket={folder}.sock"),
            *(f"--port={self._ports[name]}", "--bind-address=127.0.0.1", "--character-set-server=utf8mb4"),
            *("--wsrep-on=ON", f"--wsrep-provider={PROVIDER}", "--wsrep-cluster-name=test", "--binlog-format=ROW"),
            *("--innodb-autoinc-lock-mode=2", "--wsrep-sst-method=same", f"--wsrep-node-name={name}"),
            *(f"--wsrep-node-address=127.0.0.1:{talk}", f"--wsrep-cluster-address=gcomm://{gcomm}"),
            "--wsrep-provider-options=" + ";".join(f"{key}={value}" for key, value in provider.items()),
            *options,
        ]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.nodes[name] = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        self._wait_until_synced(name)

    def _wait_until_synced(self, name: str) -> None:
        client = ["mariadb", "--no-defaults", f"--socket={self.folder / name}.sock", "--user=root", "-N"]
        state = "SHOW STATUS LIKE 'wsrep_local_state_comment'"
        deadline = time.monotonic() + PATIENCE_S
        while b"Synced" not in subprocess.run([*client, "-e", state], capture_output=True, timeout=PATIENCE_S).stdout:
            said = (self.folder / f"{name}.log").read_text()
            assert self.nodes[name].poll() is None and time.monotonic() < deadline, said[-4000:]
            time.sleep(0.1)

    def stop(self, name: str) -> None:
        self.nodes[name].terminate()
        self.nodes.pop(name).wait(PATIENCE_S)

    def kill(self, name: str) -> None:
        """As by a power cut."""
        self.nodes[name].kill()
        self.nodes.pop(name).wait(PATIENCE_S)

    def url(self, name: str) -> str:
        return f"mysql://root@127.0.0.1:{self._ports[name]}/facesite"


@contextmanager
def two_nodes(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder)
    try:
        cluster.start("first", "--wsrep-new-cluster")
        cluster.start("second")
        yield cluster
    finally:
        for name in list(cluster.nodes):
            cluster.kill(name)
