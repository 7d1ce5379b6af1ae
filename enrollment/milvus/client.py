"""One collection of a Milvus server: rows in, rows out. Knows no people and no database.

A row is a template: its id, whose it is, the contract of its embedding space, and the vector. The index is FLAT, which
is exact; the metric is the inner product, which is the cosine of vectors of length 1.

pymilvus is imported when it is first needed: only sites with a GALLERY_URL have it, and it takes a second or two.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from enrollment.milvus.address import Address
from enrollment.reasons import EnrollmentReason, sentence_for
from recognizer.errors import GalleryAway
from recognizer.search.distant import MOST_PROPOSALS, Proposal
from recognizer.types import Vector
from security.tables import in_chunks

T = TypeVar("T")
SEARCH_S = 3.0
"""A search takes milliseconds; whoever waits longer is told that the engine is away."""
WRITE_S: Final = 60.0
RETRY_S: Final = 1.0
"""After a failure the next try comes so much later; until then everybody hears at once that it is away."""
AT_ONCE: Final = 2_000
"""Rows sent in one message: 4 MB of 512-d vectors, far below the server's 64 MB."""
STRONG, BOUNDED = "Strong", "Bounded"
"""Strong: everything written before, which waits for the server's time tick, about 200 ms. Bounded: what was written
five seconds ago (the server's graceful time) or longer, at once."""
AWAY: Final = sentence_for(EnrollmentReason.GALLERY_AWAY)


class Client:
    """A connection to the server, shared by all threads of the process; made when it is first used."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._milvus: Any = None
        self._next_try = 0.0
        self.is_away = False
        """Whether the last contact failed."""

    def ask(self, work: Callable[[Any], T], *, now: bool = False) -> T:
        """What `work` gives for the connection. Raises GalleryAway; now: also right after a failure."""
        if self.is_away and not now and time.monotonic() < self._next_try:
            raise GalleryAway(AWAY)
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            result = work(self._connection())
        except (MilvusException, RpcError, OSError) as error:
            self.is_away, self._next_try = True, time.monotonic() + RETRY_S
            raise GalleryAway(AWAY) from error
        self.is_away = False
        return result

    def answers(self) -> bool:
        """Whether the server can be reached and takes this site's token."""
        try:
            self.ask(lambda milvus: milvus.list_collections(timeout=SEARCH_S), now=True)
        except GalleryAway:
            return False
        return True

    def collections(self) -> list[str]:
        """The names of this site's prefix, whoever made them. Raises GalleryAway."""
        names = self.ask(lambda milvus: milvus.list_collections(timeout=SEARCH_S))
        return sorted(name for name in names if name.startswith(f"{self.address.collection}_"))

    def close(self) -> None:
        with self._lock:
            milvus, self._milvus = self._milvus, None
        if milvus is not None:
            milvus.close()

    def _connection(self) -> Any:
        with self._lock:
            if self._milvus is None:
                from pymilvus import MilvusClient

                # It writes every failure with its traceback; who asked says what is wrong, once.
                logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
                address = self.address
                tls: dict[str, Any] = {"secure": True} if address.tls else {}
                tls |= {"server_pem_path": address.ssl_ca} if address.ssl_ca else {}
                self._milvus = MilvusClient(uri=address.uri, token=address.token, timeout=SEARCH_S, **tls)
            return self._milvus


class Table:
    """One collection. Every method raises GalleryAway."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self.name = client, name

    def exists(self) -> bool:
        return bool(self._client.ask(lambda milvus: milvus.has_collection(self.name, timeout=SEARCH_S)))

    def create(self, dimension: int) -> None:
        """Made, indexed and loaded, unless it is there."""
        if not self.exists():
            self._client.ask(lambda milvus: _create(milvus, self.name, dimension))

    def drop(self) -> None:
        if self.exists():
            self._client.ask(lambda milvus: milvus.drop_collection(self.name, timeout=WRITE_S))

    def propose(self, probe: Vector, count: int) -> Sequence[Proposal]:
        [hits] = self._client.ask(
            lambda milvus: milvus.search(
                self.name,
                data=[probe],
                anns_field="embedding",
                limit=count,
                output_fields=["person"],
                search_params={"metric_type": "IP"},
                consistency_level=BOUNDED,
                timeout=SEARCH_S,
            )
        )
        return [Proposal(hit["entity"]["person"], hit["distance"]) for hit in hits]

    def write(self, ids: Sequence[int], people: Sequence[str], contract_id: str, matrix: NDArray[np.float32]) -> None:
        """Put these rows in, or in the place of those with their ids. matrix: (n, d), L2-normalised."""
        for start in range(0, len(ids), AT_ONCE):
            rows = [
                {"template": ids[row], "person": people[row], "contract": contract_id, "embedding": matrix[row]}
                for row in range(start, min(start + AT_ONCE, len(ids)))
            ]
            self._client.ask(partial(_upsert, self.name, rows))

    def remove(self, ids: Collection[int]) -> None:
        for some in in_chunks(list(ids), AT_ONCE):
            self._client.ask(partial(_delete, self.name, some))

    def rows_of(self, people: Collection[str]) -> dict[int, str]:
        """Template id -> person, of everything that was written before for these people."""
        quoted = ", ".join(f'"{person}"' for person in people)
        return dict(self._query(f"person in [{quoted}]"))

    def rows_between(self, after: int, until: int | None) -> dict[int, str]:
        """Template id -> person, of the rows with `after` < id <= `until`; None: without an end."""
        return dict(self._query(f"template > {after}" + ("" if until is None else f" and template <= {until}")))

    def count(self) -> int:
        """Rows, with everything that was written before."""
        options = {"filter": "template >= 0", "output_fields": ["count(*)"], "consistency_level": STRONG}
        [row] = self._client.ask(lambda milvus: milvus.query(self.name, timeout=WRITE_S, **options))
        return int(row["count(*)"])

    def _query(self, condition: str) -> Iterator[tuple[int, str]]:
        """(template id, person) of all rows of this condition, by id: the server gives so many at a time."""
        last = -1
        while True:
            rows = self._client.ask(partial(_select, self.name, f"({condition}) and template > {last}"))
            found = sorted((int(row["template"]), str(row["person"])) for row in rows)
            yield from found
            if len(found) < MOST_PROPOSALS:
                return
            last = found[-1][0]


def _upsert(name: str, rows: list[dict[str, Any]], milvus: Any) -> None:
    milvus.upsert(name, rows, timeout=WRITE_S)


def _delete(name: str, ids: Sequence[int], milvus: Any) -> None:
    milvus.delete(name, ids=ids, timeout=WRITE_S)


def _select(name: str, condition: str, milvus: Any) -> list[dict[str, Any]]:
    fields = ["template", "person"]
    found: list[dict[str, Any]] = milvus.query(
        name,
        filter=condition,
        output_fields=fields,
        limit=MOST_PROPOSALS,
        consistency_level=STRONG,
        timeout=WRITE_S,
    )
    return found


def _create(milvus: Any, name: str, dimension: int) -> None:
    from pymilvus import DataType

    schema = milvus.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("template", DataType.INT64, is_primary=True)
    schema.add_field("person", DataType.VARCHAR, max_length=36)
    schema.add_field("contract", DataType.VARCHAR, max_length=80)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=dimension)
    index = milvus.prepare_index_params()
    index.add_index("embedding", index_type="FLAT", metric_type="IP")
    milvus.create_collection(name, schema=schema, index_params=index, consistency_level=BOUNDED, timeout=WRITE_S)
