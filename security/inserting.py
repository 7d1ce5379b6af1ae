"""INSERT for rows that are written at every decision, without making the statement anew each time."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, models


def insert_row(row: models.Model) -> None:
    """As row.save(force_insert=True) of a model without signals, parents or a save() of its own. The row is checked.

    Django's own takes 1 ms of CPU per row, three quarters of it for a statement that is always the same.
    """
    statement, fields = _statement(type(row), connection.vendor)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection=connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if row.pk is None:
            row.pk = cursor.lastrowid
    row._state.adding, row._state.db = False, connection.alias


@cache
def _statement(model: type[models.Model], vendor: str) -> tuple[str, list[Any]]:
    """vendor: each has its own way to quote names."""
    fields: list[Any] = [
        field
        for field in model._meta.concrete_fields
        if not (isinstance(field, models.AutoField) or getattr(field, "generated", False))
    ]
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({places})", fields  # noqa: S608
