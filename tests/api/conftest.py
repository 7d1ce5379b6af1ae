"""Real people, enrolled through the API itself. Requests work in threads, so every test commits."""

from __future__ import annotations

import pytest

from api.limits import key_limits
from enrollment.runtime.gallery import reset_gallery
from security.keys.checking import forget_checked
from security.keys.scopes import Scope
from tests.support.api import Program
from tests.verification.conftest import ADA, picture

__all__ = ["picture"]


@pytest.fixture(autouse=True)
def _fresh_process():
    for forget in (reset_gallery, key_limits.reset, forget_checked):
        forget()
    yield
    reset_gallery()


@pytest.fixture
def program(transactional_db, engine) -> Program:
    """With a key of every scope."""
    return Program(*Scope)


@pytest.fixture
def ada(program, picture) -> str:
    """uuid of somebody with three samples."""
    return program.enrol("Ada", *(picture(ADA, number) for number in (1, 2, 3)))
