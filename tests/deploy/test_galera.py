"""Two nodes of MariaDB with Galera: what one has committed, the other has."""

from __future__ import annotations

import itertools
import threading
from contextlib import closing
from pathlib import Path

import pytest

from facesite.env import read_database
from tests.support.galera import two_nodes

MySQLdb = pytest.importorskip("MySQLdb", reason="mysql: no driver")


def connect(monkeypatch: pytest.MonkeyPatch, url: str):
    """With what DATABASE_URL would say."""
    monkeypatch.setenv("DATABASE_URL", url)
    said = read_database("DATABASE_URL", default="", base=Path())
    return MySQLdb.connect(host=said["HOST"], port=int(said["PORT"]), user=said["USER"], autocommit=True)


def write(cursor, kept: list[int]) -> None:
    """Row after row; `kept` are those whose commit was confirmed."""
    for number in itertools.count():
        cursor.execute("INSERT INTO facesite.row VALUES (%s)", [number])
        kept.append(number)


class TestANodeThatDies:
    def test_loses_nothing_that_was_committed(self, tmp_path: Path, monkeypatch):
        with two_nodes(tmp_path) as cluster:
            kept: list[int] = []
            with closing(connect(monkeypatch, cluster.url("first"))) as first:
                writing = first.cursor()
                writing.execute("CREATE DATABASE facesite")
                writing.execute("CREATE TABLE facesite.row (number INT PRIMARY KEY) ENGINE=InnoDB")
                killer = threading.Timer(1.0, cluster.kill, ["first"])
                killer.start()
                with pytest.raises(MySQLdb.OperationalError):
                    write(writing, kept)
                killer.join()
            assert len(kept) > 10
            with closing(connect(monkeypatch, cluster.url("second"))) as second:
                reading = second.cursor()
                reading.execute("SELECT number FROM facesite.row ORDER BY number")
                found = [number for (number,) in reading.fetchall()]
                assert found[: len(kept)] == kept
                assert len(found) <= len(kept) + 1  # that was on its way
                reading.execute("INSERT INTO facesite.row VALUES (%s)", [-1])  # and it goes on
