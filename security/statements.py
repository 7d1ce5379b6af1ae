"""Statements of every decision, always the same: Django would make each anew, which takes most of its time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.expressions import Col
from django.db.transaction import TransactionManagementError

AS_THEY_ARE: Final = frozenset(
    {
        models.CharField,
        models.FloatField,
        models.ForeignKey,
        models.PositiveIntegerField,
        models.PositiveBigIntegerField,
    }
)
"""Of a right row every database takes their values as they are. Asking Django takes a few microseconds for each."""
MOST_VALUES = 900
"""Of one statement: older versions of SQLite take no more than 999."""
Row = TypeVar("Row", bound=models.Model)


def insert_row(row: models.Model) -> None:
    """As row.save(force_insert=True) of a model without signals, parents or a save() of its own. The row is right.

    Django's own takes 1 ms of CPU per row, three quarters of it for the statement.
    """
    connection = connections[DEFAULT_DB_ALIAS]  # asked a hundred times: not through django.db.connection
    statement, fields = _insertion(type(row), connection.vendor)
    values = _values(row, fields, connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if row.pk is None:
            row.pk = cursor.lastrowid
    row._state.adding, row._state.db = False, connection.alias


def insert_rows(rows: Sequence[models.Model]) -> None:
    """insert_row() for many rows of one model, in as few statements as may be; each is a turn at Python's lock less."""
    connection = connections[DEFAULT_DB_ALIAS]
    needs_keys = bool(rows) and rows[0].pk is None
    if len(rows) < 2 or (needs_keys and not connection.features.can_return_rows_from_bulk_insert):
        for row in rows:
            insert_row(row)
        return
    model = type(rows[0])
    statement, fields = _insertion(model, connection.vendor)
    head, _, places = statement.rpartition(" VALUES ")
    column: Any = model._meta.pk
    key = f" RETURNING {connection.ops.quote_name(column.column)}" if needs_keys else ""
    most = max(1, MOST_VALUES // len(fields))
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        values = [value for row in some for value in _values(row, fields, connection)]
        with connection.cursor() as cursor:
            cursor.execute(f"{head} VALUES {', '.join([places] * len(some))}{key}", values)
            keys = [number for (number,) in cursor.fetchall()] if needs_keys else [row.pk for row in some]
        for row, number in zip(some, keys, strict=True):
            row.pk = number
            row._state.adding, row._state.db = False, connection.alias


def write_field(row: models.Model, name: str) -> None:
    """As row.save(update_fields=[name]) of a model without signals, whatever its save() does. The value is checked."""
    connection = connections[DEFAULT_DB_ALIAS]
    quote = connection.ops.quote_name
    field: Any = row._meta.get_field(name)
    key: Any = row._meta.pk
    statement = f"UPDATE {quote(row._meta.db_table)} SET {quote(field.column)} = %s WHERE {quote(key.column)} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [field.get_db_prep_save(getattr(row, field.attname), connection), row.pk])


def locked_rows(model: type[Row], field: str, values: Collection[Any]) -> list[Row]:
    """As list(model.objects.select_for_update().filter(field__in=values).order_by("pk")) of a model without parents.

    values: at least one, none twice. Raises TransactionManagementError outside of a transaction.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if not connection.in_atomic_block:
        raise TransactionManagementError("Rows can only be locked in a transaction.")
    statement, columns = _selection(model, field, len(values), connection.vendor)
    wanted: Any = model._meta.get_field(field)
    with connection.cursor() as cursor:
        cursor.execute(statement, [wanted.get_db_prep_value(value, connection) for value in values])
        rows = [list(row) for row in cursor.fetchall()]
    for place, column in enumerate(columns):
        for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection)):
            for row in rows:
                row[place] = convert(row[place], column, connection)
    names = [column.target.attname for column in columns]
    return [model.from_db(connection.alias, names, row) for row in rows]


def _values(row: models.Model, fields: Sequence[tuple[str, Any]], connection: Any) -> list[Any]:
    return [
        getattr(row, name)
        if field is None
        else field.get_db_prep_save(field.pre_save(row, add=True), connection=connection)
        for name, field in fields
    ]


@cache
def _insertion(model: type[models.Model], vendor: str) -> tuple[str, list[tuple[str, Any]]]:
    """The statement, and where its values come from: an attribute, and the field that prepares it (None: nobody does).

    vendor: each has its own way to quote names.
    """
    fields: list[Any] = [
        field
        for field in model._meta.concrete_fields
        if not (isinstance(field, models.AutoField) or getattr(field, "generated", False))
    ]
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({places})", [  # noqa: S608
        (field.attname, None if type(field) in AS_THEY_ARE else field) for field in fields
    ]


@cache
def _selection(model: type[models.Model], field: str, count: int, vendor: str) -> tuple[str, list[Col]]:
    connection = connections[DEFAULT_DB_ALIAS]
    quote = connection.ops.quote_name
    fields: list[Any] = list(model._meta.concrete_fields)
    names = ", ".join(quote(each.column) for each in fields)
    places = ", ".join(["%s"] * count)
    wanted: Any = model._meta.get_field(field)
    key: Any = model._meta.pk
    where = f"{quote(wanted.column)} IN ({places}) ORDER BY {quote(key.column)}"
    lock = f" {connection.ops.for_update_sql()}" if connection.features.has_select_for_update else ""
    return f"SELECT {names} FROM {quote(model._meta.db_table)} WHERE {where}{lock}", [  # noqa: S608
        each.get_col(model._meta.db_table) for each in fields
    ]
