"""A MySQL database in another character set than utf8mb4 stops the start in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings

from tests.support.sockets import PATIENCE_S

NAME = f"facesite_charset_{os.getpid()}"


@pytest.fixture
def order(mysql_url: str) -> Iterator[Callable[[str], None]]:
    """order(statement) runs SQL on a database of its own, which is dropped afterwards."""
    import MySQLdb

    parts = urlsplit(mysql_url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    with closing(MySQLdb.connect(host=parts.hostname, port=parts.port, user=user, password=password)) as connection:
        yield lambda statement: connection.cursor().execute(statement)
        connection.cursor().execute(f"DROP DATABASE IF EXISTS {NAME}")


@pytest.fixture
def manage(mysql_url: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "facesite.settings",
            "DATABASE_URL": urlsplit(mysql_url)._replace(path=f"/{NAME}").geturl(),
        }
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=2 * PATIENCE_S
        )

    return run


@pytest.mark.parametrize(
    ("charset", "command"),
    [
        ("latin1", ["migrate"]),
        ("utf8mb3", ["prepare"]),
        ("latin1", ["serve", "--port", "1"]),
        ("utf8mb3", ["runserver", "--noreload"]),
    ],
)
def test_a_database_in_another_character_set_is_refused(order, manage, charset, command):
    order(f"CREATE DATABASE {NAME} CHARACTER SET {charset}")
    done = manage(*command)
    assert done.returncode == 1
    assert done.stderr == (
        f"CommandError: The database {NAME} keeps text in {charset}, in which not every name can be written; make a "
        f"backup and run: ALTER DATABASE `{NAME}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci\n"
    )


def test_tables_in_another_one_are_refused_and_what_the_sentence_says_mends_them(order, manage):
    order(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    assert manage("migrate").returncode == 0
    order(f"ALTER TABLE {NAME}.enrollment_person MODIFY name varchar(200) CHARACTER SET latin1 NOT NULL")
    order(f"ALTER TABLE {NAME}.auth_group CONVERT TO CHARACTER SET utf8mb3")
    order(f"CREATE TABLE {NAME}.of_somebody_else (name varchar(20)) CHARACTER SET latin1")
    said = manage("migrate").stderr
    assert "The table auth_group keeps text in utf8mb3 (and 1 more" in said
    order(f"ALTER TABLE {NAME}.auth_group CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    done = manage("serve", "--port", "1")
    assert done.returncode == 1
    statement = done.stderr.strip().partition("run: ")[2].replace("TABLE `", f"TABLE `{NAME}`.`")
    assert "The table enrollment_person keeps text in latin1, in which" in done.stderr
    order(statement)
    assert manage("migrate").returncode == 0
