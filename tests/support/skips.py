"""Skipping by name: `skip("browser", "no Chromium")` is counted under its kind at the end of the run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

import pytest


def skip(kind: str, reason: str) -> NoReturn:
    """Skip a test for a missing part of the machine. `kind`: browser, weights, faces, mysql, node, permissions, ..."""
    pytest.skip(f"{kind}: {reason}")


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes", "on"}


def summary_line(reasons: Iterable[str]) -> str:
    """`SKIPPED: 3 browser (no Chromium), 2 weights (no network)` from pytest's skip reasons; empty without any."""
    counted = Counter(reason.removeprefix("Skipped: ") for reason in reasons)
    parts = []
    for reason, count in counted.most_common():
        kind, colon, why = reason.partition(": ")
        parts.append(f"{count} {kind} ({why})" if colon else f"{count} ({reason})")
    return f"SKIPPED: {', '.join(parts)}" if parts else ""
