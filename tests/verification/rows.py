"""Rows for tests that are not about recognition."""

from __future__ import annotations

from typing import Any

from enrollment.models import Person
from verification.models import VerificationAttempt

JPEG = b"\xff\xd8\xff\xe0 not really a picture"


def make_person(name: str = "Ada Lovelace", **values: Any) -> Person:
    return Person.objects.create(name=name, **values)


def make_attempt(**values: Any) -> VerificationAttempt:
    defaults: dict[str, Any] = {
        "mode": "identify",
        "verdict": "match",
        "comparison_score": 0.62,
        "match_threshold": 0.31,
        "fmr": 1e-4,
        "frames_agreed": 3,
        "frames_seen": 4,
        "thumbnail": JPEG,
        "contract_id": "test-contract",
    }
    return VerificationAttempt.objects.create(**(defaults | values))
