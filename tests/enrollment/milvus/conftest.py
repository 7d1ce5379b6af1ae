"""A gallery whose vectors lie in the real server, in the embedding space of tests/enrollment/conftest.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from benchmarks.milvus_server import MilvusServer
from enrollment.milvus import client, delivering, keeping, levels, loading, shared, status
from enrollment.milvus.client import Client, Table
from enrollment.runtime import gallery
from enrollment.runtime.gallery import gallery_for
from recognizer.search.distant import DistantGallery
from tests.enrollment.conftest import CONTRACT, DIMENSION


@pytest.fixture(scope="module")
def table_name() -> str:
    return f"tests_{uuid4().hex[:8]}"


@pytest.fixture
def engine_beside(milvus_server: MilvusServer, table_name: str, settings, monkeypatch) -> Iterator[MilvusServer]:
    """GALLERY_URL is set. One collection serves a whole module, as making one takes seconds; it is compared anew.

    What was written is there for the next search, which costs the server's time tick; nobody waits for it to settle.
    """
    settings.GALLERY_URL, settings.GALLERY_FALLBACK = milvus_server.url("tests"), False

    def one_table(client: Client, contract_id: str, epoch: UUID) -> Table:
        return Table(client, table_name if contract_id == CONTRACT else f"{table_name}_other")

    for module in (delivering, loading, status):
        monkeypatch.setattr(module, "table_of", one_table)
    monkeypatch.setattr(client, "BOUNDED", client.STRONG)
    monkeypatch.setattr(levels, "SETTLE_S", 0.0)
    monkeypatch.setattr(gallery, "REVISION_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(keeping.keeper, "after_commit", lambda: None)
    gallery.reset_gallery()
    yield milvus_server
    shared.reset_clients()


@pytest.fixture
def delivered(engine_beside: MilvusServer) -> Callable[..., DistantGallery]:
    """delivered(): the gallery now, after the engine was told everything: it is asked about everybody."""

    def deliver_and_load(contract_id: str = CONTRACT, dimension: int = DIMENSION) -> DistantGallery:
        delivering.copy_for(contract_id, dimension)
        if delivering.work_is_due():
            delivering.deliver()
        found = gallery_for(contract_id, dimension)
        assert isinstance(found, DistantGallery)
        assert not found.changed
        return found

    return deliver_and_load
