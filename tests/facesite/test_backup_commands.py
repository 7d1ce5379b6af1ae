"""manage.py backup and restore: an erased person's face comes back from no backup, however old."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from enrollment.runtime.gallery import reset_gallery

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture(autouse=True)
def _fresh_gallery():
    reset_gallery()
    yield
    reset_gallery()


@pytest.fixture
def faces(engine):
    """One real face each of two people."""
    return [draft_of(engine, clip) for clip in ("clip_a", "clip_b")]


def command(name: str, *arguments: Any) -> dict[str, Any]:
    out = StringIO()
    call_command(name, *map(str, arguments), "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer
