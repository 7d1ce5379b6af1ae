from __future__ import annotations

import time

from security.remembering import Remembered, forget_everything


def test_a_value_is_known_until_its_seconds_are_over(monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    remembered = Remembered[str](2.0)
    assert remembered.value is None
    assert remembered.keep("policy 3") == "policy 3"
    now += 1.9
    assert remembered.value == "policy 3"
    now += 0.2
    assert remembered.value is None


def test_what_is_forgotten_is_read_again_at_once():
    one, other = Remembered[int](60.0), Remembered[int](60.0)
    one.keep(1)
    other.keep(2)
    one.forget()
    assert (one.value, other.value) == (None, 2)
    forget_everything()
    assert other.value is None
