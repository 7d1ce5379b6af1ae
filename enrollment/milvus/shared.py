"""This process's connection to the server that GALLERY_URL names, and the names of the collections there."""

from __future__ import annotations

import hashlib
import threading
from uuid import UUID

from django.conf import settings

from enrollment.milvus.address import parse_address
from enrollment.milvus.client import Client, Table

_lock = threading.Lock()
_clients: dict[str, Client] = {}


def is_in_use() -> bool:
    """Whether the site keeps its gallery in an engine beside the database."""
    return bool(settings.GALLERY_URL)


def shared_client() -> Client:
    with _lock:
        if settings.GALLERY_URL not in _clients:
            _clients[settings.GALLERY_URL] = Client(parse_address(settings.GALLERY_URL))
        return _clients[settings.GALLERY_URL]


def reset_clients() -> None:
    """Close all connections, as at the end of the process."""
    with _lock:
        closing = list(_clients.values())
        _clients.clear()
    for client in closing:
        client.close()


def table_of(client: Client, contract_id: str, epoch: UUID) -> Table:
    """Each embedding space of each database has a collection of its own.

    After a restore the ids of templates begin again, so the collection is another one; and two sites that name the same
    collection by mistake never write over each other's rows.
    """
    digest = hashlib.sha256(f"{contract_id} {epoch}".encode()).hexdigest()[:16]
    return Table(client, f"{client.address.collection}_{digest}")
