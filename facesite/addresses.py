"""Under which names and path the site is reached: read strictly, as facesite.env reads the rest. And what marks it."""

from __future__ import annotations

import hashlib
import hmac
import re
from ipaddress import IPv6Address
from typing import Final

from facesite.env import SettingsError, read_list, read_text

OWN_ADDRESSES: Final = frozenset(
    {
        "account",
        "accounts",
        "admin",
        "api",
        "attendance",
        "audit",
        "enrollment",
        "privacy",
        "healthz",
        "kiosk",
        "metrics",
        "readyz",
        "site",
        "static",
        "today",
        "verification",
        "ws",
    }
)
"""What the site's addresses begin with: a base path that begins so could not be told from them."""


def read_hosts(name: str, default: str) -> list[str]:
    """Host names without scheme, port or path, as Django's ALLOWED_HOSTS takes them.

    A name that no request can have (django.http.request.host_validation_re) would only look as if it were allowed.
    """
    hosts = read_list(name, default)
    for host in hosts:
        reason = _why_not(host)
        if reason is not None:
            raise SettingsError(
                f"{name} must list host names without scheme, port or path (faces.example.org), not '{host}'{reason}."
            )
    return hosts


def _why_not(host: str) -> str | None:
    """What is wrong with it and what to write instead. None: browsers and Django take this name."""
    if host == "*" or re.fullmatch(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", host):
        return None
    if host.startswith("[") and host.endswith("]"):
        return _why_not_ipv6(host[1:-1])
    if re.fullmatch(r"[\w.-]+", host, re.ASCII) and "_" in host:
        return f": no host name has an underscore, so take a name such as {host.replace('_', '-')}"
    if host.startswith("*."):
        return f": for every name below a domain write {host[1:]}"
    if host.count(":") > 1 and "/" not in host:
        return f": an IPv6 address stands in brackets, [{host}]"
    if not host.isascii():
        return ": a name with other letters than a to z is written as browsers send it, beginning with xn--"
    return ""


def _why_not_ipv6(text: str) -> str | None:
    try:
        written = IPv6Address(text).compressed
    except ValueError:
        return ": in the brackets there is no IPv6 address"
    return None if written == text.lower() else f": browsers write it [{written}]"


def read_base_path(name: str) -> str:
    """The path below which the site is served, "/faces" or "/tools/faces"; empty for the root of the host."""
    raw = read_text(name)
    path = raw.rstrip("/")
    if not path:
        return ""
    if not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", path):
        raise SettingsError(f"{name} must be a path such as /faces, not '{raw}'.")
    first = path.split("/")[1]
    if first in OWN_ADDRESSES:
        raise SettingsError(
            f"{name} must not begin with /{first}, an address of the site itself: take one such as /faces."
        )
    return path


def site_mark(secret_key: str, database: str, base_path: str) -> str:
    """Eight hex digits: the same in all processes of a site, others in the site beside it. They give nothing away."""
    facts = "\0".join(("facesite.cookies", database, base_path))
    return hmac.new(secret_key.encode(), facts.encode(), hashlib.sha256).hexdigest()[:8]
