"""The tables of docs/security.md, read: who may send which request, open which socket, do what in the admin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from security.roles.table import Role

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "security.md"
WHO = ("signed out", "no role", *(role.value for role in Role))
"""The columns behind the first one."""
GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")
"""In addresses that the admin writes as regular expressions."""
ROW = re.compile(r"^\| `(GET|POST|SOCKET|ADMIN) (/\S*)` \|(.*)\|$", re.MULTILINE)

API_ROW = re.compile(r"^\| `API ([A-Z]+) (/\S*)` \| `?([^|`]*)`? *\|", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    method: str
    """GET, POST, SOCKET, ADMIN for all addresses of one model in the admin, or API."""
    route: str
    """As in the urls.py, with the slash in front."""
    cells: dict[str, str]
    """Who -> "yes", "no"; in the admin what they may do: "see", "see, change", "no" ...

    API: method -> the scope that a key needs; "any": every key.
    """


def rows(*methods: str) -> list[Row]:
    found = []
    for method, route, text in ROW.findall(PAGE.read_text()):
        cells = [cell.strip() for cell in text.split("|")]
        found.append(Row(method, route, dict(zip(WHO, cells, strict=True))))
    found += [Row("API", route, {method: scope.strip()}) for method, route, scope in API_ROW.findall(PAGE.read_text())]
    return [row for row in found if row.method in methods]


def routes() -> Iterator[tuple[str, URLPattern]]:
    """Every address of the product with its pattern, as the resolver knows them."""
    yield from _walk("/", get_resolver())


def _walk(before: str, resolver: URLResolver) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        pattern = entry.pattern
        own = str(pattern) if isinstance(pattern, RoutePattern) else GROUP.sub(r"<\1>", str(pattern)).strip("^$")
        if isinstance(entry, URLResolver):
            yield from _walk(before + own, entry)
        else:
            yield before + own, entry
