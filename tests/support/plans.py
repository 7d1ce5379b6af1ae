"""How the database goes about a query: which indexes it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection


def plans_of(queries: Iterable[Mapping[str, str]]) -> list[str]:
    """The plan of each captured SELECT, as one text."""
    prefix = connection.ops.explain_query_prefix()
    found = []
    with connection.cursor() as cursor:
        for query in queries:
            if query["sql"].lstrip("(").startswith("SELECT"):
                cursor.execute(f"{prefix} {query['sql']}")
                found.append("\n".join(map(str, cursor.fetchall())))
    return found
