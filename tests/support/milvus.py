"""The real Milvus of benchmarks/milvus_server.py, for as long as the tests run. Only CI makes its environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.milvus_server import MilvusServer, is_there, make_environment
from tests.support import skips


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """One for all tests, each with a collection's name of its own; a test that freezes it thaws it again."""
    if skips.in_ci():
        make_environment()
    if not is_there():
        skips.skip("milvus", "no Milvus server: python3 -m benchmarks.milvus_server")
    server = MilvusServer(tmp_path_factory.mktemp("milvus"))
    yield server
    server.stop()
