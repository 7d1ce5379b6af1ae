from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, ProgrammingError, connection

from enrollment.reasons import SENTENCES
from enrollment.runtime.outages import AWAY, FULL, outage_code


def raised_by_sqlite(cause: sqlite3.Error) -> OperationalError:
    """As Django raises it."""
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def error_of(database: sqlite3.Connection, statement: str) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as raised:
        database.execute(statement)
    return raised.value


class TestOutageCode:
    def test_a_full_disk_is_told_from_a_mistake_in_sqlite(self, tmp_path):
        with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
            database.execute("CREATE TABLE t (x)")
            database.execute("PRAGMA max_page_count = 3")
            full = error_of(database, "INSERT INTO t VALUES (randomblob(100000))")
            mistake = error_of(database, "SELECT * FROM no_such_table")
        assert outage_code(raised_by_sqlite(full)) == FULL
        assert outage_code(raised_by_sqlite(mistake)) is None

    def test_a_locked_or_missing_file_is_an_outage(self, tmp_path):
        path = tmp_path / "db.sqlite3"
        with closing(sqlite3.connect(path)) as owner, closing(sqlite3.connect(path, timeout=0)) as other:
            owner.execute("BEGIN EXCLUSIVE")
            assert outage_code(raised_by_sqlite(error_of(other, "BEGIN IMMEDIATE"))) == AWAY
        with pytest.raises(sqlite3.Error) as raised:
            sqlite3.connect(tmp_path / "nowhere" / "db.sqlite3")
        assert outage_code(raised_by_sqlite(raised.value)) == AWAY

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (OperationalError(2002, "Can't connect"), AWAY),
            (OperationalError(2013, "Lost connection"), AWAY),
            (OperationalError(1040, "Too many connections"), AWAY),
            (InterfaceError(0, ""), AWAY),
            (OperationalError(1114, "The table is full"), FULL),
            (OSError(28, "No space left on device"), FULL),
            (OperationalError(1054, "Unknown column"), None),
            (ProgrammingError(1146, "Table doesn't exist"), None),
            (IntegrityError(1062, "Duplicate entry"), None),
            (DatabaseError("did not affect any rows"), None),
            (FileNotFoundError(2, "No such file"), None),
            (ValueError(2002), None),
            (None, None),
        ],
    )
    def test_knows_the_servers_codes(self, error, code):
        assert outage_code(error) == code

    @pytest.mark.django_db
    def test_a_statement_that_is_wrong_is_no_outage(self):
        with pytest.raises(DatabaseError) as raised, connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM enrollment_person")
        assert outage_code(raised.value) is None

    def test_both_have_a_sentence(self):
        assert {AWAY, FULL} <= SENTENCES.keys()
