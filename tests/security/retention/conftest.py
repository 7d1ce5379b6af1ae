"""Runs that meet no rule but those of the test."""

from __future__ import annotations

import threading

import pytest

from security.daily import Shift
from security.leases import HeldLease
from security.retention.rules import retention_rules
from tests.security.retention.letters import Letters


@pytest.fixture
def rules(monkeypatch):
    """No rule but those of the test."""
    monkeypatch.setattr(retention_rules, "by_key", {})
    return retention_rules


@pytest.fixture
def letters(rules) -> Letters:
    """20 letters that are due by the default of 30 days, and 5 that are not."""
    found = Letters([31] * 20 + [30] * 5)
    rules.register(found.rule())
    return found


@pytest.fixture
def shift(db) -> Shift:
    held = HeldLease("daily:retention")
    held.take()
    return Shift(held, "product", threading.Event())
