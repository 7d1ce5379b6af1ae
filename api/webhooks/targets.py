"""Where a message may go. Whoever sets up a webhook must not reach what only this server reaches (SSRF).

The name is looked up once, every address of it must be a public one, and the connection goes to that very address: a
name that changes between the look and the call leads nowhere else.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext

from api.webhooks import problems

MOST_CHARACTERS = 500


class TargetForbidden(Exception):
    """str() is a sentence for whoever sets up the webhook."""

    code: ClassVar[str] = "target_forbidden"


class TargetUnknown(Exception):
    """The name leads nowhere now. It may later."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address to connect to, and what to say there."""

    scheme: str
    host: str
    port: int
    address: str
    """An IP address of the host."""
    path: str
    """With the query."""

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == {"https": 443, "http": 80}[self.scheme] else f"{name}:{self.port}"


def clean_url(url: str) -> str:
    """A URL that may be kept; the name is not looked up. Raises TargetForbidden."""
    url = url.strip()
    if len(url) > MOST_CHARACTERS or not url.isprintable() or " " in url:
        raise TargetForbidden(gettext(problems.TOO_LONG).format(most=MOST_CHARACTERS))
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise TargetForbidden(gettext(problems.NO_ADDRESS)) from None
    if parts.username or parts.password:
        raise TargetForbidden(gettext(problems.HAS_PASSWORD))
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise TargetForbidden(gettext(problems.NO_ADDRESS))
    if parts.scheme == "http" and not settings.FACESITE_WEBHOOKS_PRIVATE:
        raise TargetForbidden(gettext(problems.NOT_HTTPS))
    with suppress(ValueError):  # a name, which is looked up when a message is sent
        _require_public(parts.hostname)
    return parts._replace(fragment="").geturl()


def find_target(url: str) -> Target:
    """Look the name up. Raises TargetForbidden, TargetUnknown."""
    parts = urlsplit(clean_url(url))
    host = parts.hostname or ""
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise TargetUnknown(gettext(problems.NAME_UNKNOWN).format(host=host)) from None
    for address in found:
        _require_public(address)
    path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    return Target(parts.scheme, host, port, found[0], path)


def _require_public(address: str) -> None:
    """Raises TargetForbidden; ValueError for what is no address."""
    ip = ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if settings.FACESITE_WEBHOOKS_PRIVATE:
        return
    if not ip.is_global or ip.is_multicast:
        raise TargetForbidden(gettext(problems.PRIVATE))
