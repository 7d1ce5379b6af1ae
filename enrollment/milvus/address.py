"""What GALLERY_URL says: where the Milvus server is, how to sign in, and what the collections are called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

FORM: Final = "milvus://host:19530/collection, with token@ before the host where the server asks for one"
SWITCHES: Final = {"on": True, "off": False}
PORT: Final = 19530


class AddressInvalid(ValueError):
    """str() goes on after the setting's name and never quotes the token."""


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    collection: str
    """What every collection's name begins with: each embedding space has a collection of its own."""
    token: str = ""
    """`user:password`, or the key of a hosted service."""
    tls: bool = False
    ssl_ca: str = ""
    """A file with the certificates that are trusted, in PEM; empty: those that the client brings along."""

    @property
    def place(self) -> str:
        """The address without the token, as logs, pages and the database's records may show it."""
        return f"{self.host}:{self.port}/{self.collection}"

    @property
    def uri(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def parse_address(url: str) -> Address:
    """Raises AddressInvalid."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
        parameters = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise AddressInvalid(f"must look like {FORM}.") from None
    if parts.scheme != "milvus" or not parts.hostname or parts.fragment:
        raise AddressInvalid(f"must look like {FORM}.")
    collection = parts.path.removeprefix("/")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", collection):
        raise AddressInvalid("must end with a collection's name of letters, digits and _, such as /faces.")
    tls, ssl_ca = _tls_of(parameters)
    token = unquote(parts.netloc.rpartition("@")[0])
    return Address(parts.hostname, port, collection, token, tls, ssl_ca)


def _tls_of(parameters: dict[str, str]) -> tuple[bool, str]:
    unknown = sorted(set(parameters) - {"tls", "ssl_ca"})
    if unknown:
        raise AddressInvalid(f"takes the parameters tls and ssl_ca only, not '{unknown[0]}'.")
    if parameters.get("tls", "on") not in SWITCHES:
        raise AddressInvalid("takes tls=on or tls=off.")
    ssl_ca = parameters.get("ssl_ca", "")
    tls = SWITCHES[parameters.get("tls", "on" if ssl_ca else "off")]
    if ssl_ca and not tls:
        raise AddressInvalid("names certificates with ssl_ca but says tls=off: keep one of them.")
    if ssl_ca and not Path(ssl_ca).is_file():
        raise AddressInvalid(f"names certificates with ssl_ca, but there is no file {ssl_ca}.")
    return tls, ssl_ca
