"""MySQL and MariaDB must keep text as utf8mb4. In latin1 or utf8mb3 the first name in other letters is an error 500."""

from __future__ import annotations

from typing import Final

from django.core.management.base import CommandError
from django.db import connection

WANTED: Final = "utf8mb4"
_COLLATION: Final = "utf8mb4_unicode_ci"
_TABLES: Final = """
    SELECT table_name, SUBSTRING_INDEX(table_collation, '_', 1) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_collation IS NOT NULL
    UNION SELECT table_name, character_set_name FROM information_schema.columns
    WHERE table_schema = DATABASE() AND character_set_name IS NOT NULL
"""


def refuse_wrong_charset() -> None:
    """Raises CommandError with one sentence that says what to run. Asks nothing on SQLite, which always has UTF-8."""
    problem = wrong_charset() if connection.vendor == "mysql" else ""
    if problem:
        raise CommandError(problem)


def wrong_charset() -> str:
    """What is wrong with the character set of the database or of the site's tables; empty: nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@character_set_database")
        (found,) = cursor.fetchone()
        if found != WANTED:
            name = connection.settings_dict["NAME"]
            return (
                f"The database {name} keeps text in {found}, in which not every name can be written; make a backup and "
                f"run: ALTER DATABASE `{name}` CHARACTER SET {WANTED} COLLATE {_COLLATION}"
            )
        cursor.execute(_TABLES)
        ours = {*connection.introspection.django_table_names(), "django_migrations"}
        wrong = sorted((table, charset) for table, charset in cursor.fetchall() if table in ours and charset != WANTED)
    if not wrong:
        return ""
    table, charset = wrong[0]
    others = len({table for table, _ in wrong}) - 1
    more = f" (and {others} more, see docs/deployment.md)" if others else ""
    return (
        f"The table {table} keeps text in {charset}{more}, in which not every name can be written; make a backup and "
        f"run: ALTER TABLE `{table}` CONVERT TO CHARACTER SET {WANTED} COLLATE {_COLLATION}"
    )
