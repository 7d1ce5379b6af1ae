"""Every call with a key of every scope, against the table of docs/security.md."""

from __future__ import annotations

import re

import pytest

from security.keys.scopes import Scope
from tests.support.api import BASE, Program
from tests.support.ids import NOBODY
from tests.support.role_table import rows


@pytest.mark.parametrize("scope", Scope)
def test_a_key_may_do_what_the_table_says_and_nothing_else(scope, transactional_db, engine):
    program = Program(scope)
    for row in rows("API"):
        path = re.sub(r"<\w+:\w+>", str(NOBODY), row.route).removeprefix(BASE)
        for method, scopes in row.cells.items():
            answer = program.send(method, path, b"", "image/jpeg", x_api_key=program.secret)
            refused = answer.status_code == 403
            assert refused == (scopes != "any" and scope.value not in scopes.split(", ")), (scope, method, row.route)
