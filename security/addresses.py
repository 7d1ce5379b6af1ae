"""From which address a request comes, and which addresses count as one client."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings


def client_address(meta: Mapping[str, Any]) -> str:
    """The client's address by a request's META; empty for a Unix socket.

    Only behind a proxy (FACESITE_HTTPS=proxy) the last entry of X-Forwarded-For counts, which is the proxy's own: what
    stands before it came from the client. Without a valid entry it is the proxy's address.
    """
    address = _valid(str(meta.get("REMOTE_ADDR") or ""))
    if settings.FACESITE_HTTPS == "proxy":
        return _valid(str(meta.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2]) or address
    return address


def client_group(host: str) -> str:
    """Who counts as one client: an IPv4 address, the /64 of an IPv6 one; empty for a Unix socket."""
    if not host:
        return host
    address = ip_address(host.partition("%")[0])
    if address.version == 4:
        return host
    return address.ipv4_mapped.compressed if address.ipv4_mapped else address.exploded[:19]


@lru_cache(maxsize=1024)  # asked twice by every call of the API
def _valid(host: str) -> str:
    try:
        return ip_address(host.strip().partition("%")[0]).compressed
    except ValueError:
        return ""
