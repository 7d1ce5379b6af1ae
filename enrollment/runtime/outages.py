"""Whether an error means that the database is away or full for a while, rather than that our code is wrong."""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

from django.db import InterfaceError, OperationalError

from enrollment.reasons import EnrollmentReason
from recognizer.errors import GalleryAway

AWAY: Final = EnrollmentReason.DATABASE_AWAY
FULL: Final = EnrollmentReason.DISK_FULL

_SQLITE = {
    sqlite3.SQLITE_BUSY: AWAY,
    sqlite3.SQLITE_LOCKED: AWAY,
    sqlite3.SQLITE_READONLY: AWAY,
    sqlite3.SQLITE_IOERR: AWAY,
    sqlite3.SQLITE_CANTOPEN: AWAY,
    sqlite3.SQLITE_PROTOCOL: AWAY,
    sqlite3.SQLITE_FULL: FULL,
}
# Too many connections, no access, shutdown, broken packets, lock waits, deadlocks, killed, read-only; then full disks.
# https://mariadb.com/kb/en/mariadb-error-codes/ (MySQLdb calls every code that it does not know an OperationalError).
_MYSQL = dict.fromkeys(
    (0, 1037, 1040, 1041, 1043, 1044, 1045, 1053, 1129, 1203, 1205, 1213, 1290, 1317, 1836, 1927), AWAY
)
_MYSQL |= dict.fromkeys(range(1152, 1162), AWAY)
_MYSQL |= dict.fromkeys(range(2000, 3000), AWAY)  # the client library's own: no connection, or lost
_MYSQL |= dict.fromkeys((3, 1021, 1114), FULL)


def outage_code(error: BaseException | None) -> EnrollmentReason | None:
    """database_away, disk_full or gallery_away; None when waiting would not help."""
    if isinstance(error, GalleryAway):
        return EnrollmentReason.GALLERY_AWAY
    if isinstance(error, OSError):
        return FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    if not isinstance(error, (OperationalError, InterfaceError)):
        return None
    sqlite_code = getattr(error.__cause__, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return _SQLITE.get(sqlite_code & 0xFF)  # the rest of an extended code tells which kind of it
    number = error.args[0] if error.args else 0
    return _MYSQL.get(number) if isinstance(number, int) else AWAY
