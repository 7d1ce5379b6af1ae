"""What manage.py runs: Django's command line. An error that an operator can mend is said in one sentence."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.utils import DatabaseError, InterfaceError

from facesite.env import ensure_secret_key
from security.source import COMMAND, PRODUCT, coming_from

_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
SERVERS = ("serve", "runserver")
OWNER_ONLY = 0o077
"""umask: what the product writes (database, .env, models, exports) is for its own user alone."""


def run(argv: list[str], *, env_file: Path) -> None:
    """Run one command. Exits with status 1 and a sentence on stderr when settings or database cannot be used.

    After Ctrl-C it exits with status 130 (128 + SIGINT), as shells expect, and without a traceback; the same holds for
    output that nobody reads any more.
    """
    os.umask(OWNER_ONLY)
    if isinstance(sys.stdout, TextIOWrapper):
        # A letter that the terminal's encoding lacks is shown as an escape, instead of ending in a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if ensure_secret_key(env_file):
            print(f"A new SECRET_KEY was written to {env_file}.", file=sys.stderr)  # noqa: T201
        with coming_from(source_of(argv)):
            execute_from_command_line(argv)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except BrokenPipeError:
        end_unheard()
    except OSError as error:
        if "--traceback" in argv or not error.filename or not error.strerror:
            raise
        sys.exit(describe_file_error(error))
    except (DatabaseError, InterfaceError) as error:
        if "--traceback" in argv:
            raise
        sys.exit(describe_database_error(error))


def end_unheard() -> NoReturn:
    """Whoever read the output has gone, as `head` does: end without a word, with 128 + SIGPIPE, as shells expect."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
    sys.exit(141)


def describe_file_error(error: OSError) -> str:
    """A sentence for the operator: which file or folder, what is wrong with it, and what helps."""
    what = f"{os.fsdecode(error.filename)} cannot be used: {error.strerror}"
    if error.errno not in _NOT_ALLOWED:
        return f"{what}."
    return f"{what}; run this as the user who owns the project's folder, or let this user write there."


def source_of(argv: list[str]) -> str:
    """What audit rows of this process say, where nobody's browser asked: the command's name, no arguments."""
    name = argv[1] if len(argv) > 1 else "help"
    return PRODUCT if name in SERVERS else f"{COMMAND} {name}"


def describe_database_error(error: Exception) -> str:
    """A sentence for the operator: what is wrong, and which command or setting mends it."""
    text = " ".join(str(part) for part in error.args) or type(error).__name__
    if "no such table" in text or "doesn't exist" in text:
        return "The database has no tables for this version yet. Run: manage.py migrate"
    if "readonly database" in text or "unable to open database file" in text:
        return (
            f"The database cannot be used: {text}; SQLite writes the file that DATABASE_URL names and others beside "
            "it, so run this as the user who owns them, or let this user write the file and its folder."
        )
    return f"The database cannot be used: {text}. Check DATABASE_URL."
