"""Finding the reason codes of the product in its source."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from django.conf import settings

Error = TypeVar("Error", bound=Exception)
APPS = ("recognizer", "enrollment", "verification")


def sources() -> list[Path]:
    """Every module of the apps but those that list the codes."""
    found = (path for app in APPS for path in sorted((Path(settings.BASE_DIR) / app).rglob("*.py")))
    return [path for path in found if path.name != "reasons.py"]


def is_used(code: StrEnum) -> bool:
    """Whether the source names this member."""
    return re.search(rf"\b{type(code).__name__}\.{code.name}\b", _all_source()) is not None


@cache
def _all_source() -> str:
    return "\n".join(path.read_text() for path in sources())


def every_error(base: type[Error]) -> Iterator[type[Error]]:
    """The class and all below it, wherever in the apps they are defined."""
    for app in APPS:
        for module in pkgutil.walk_packages(importlib.import_module(app).__path__, f"{app}."):
            importlib.import_module(module.name)
    return _and_below(base)


def _and_below(error: type[Error]) -> Iterator[type[Error]]:
    yield error
    for child in error.__subclasses__():
        if child.__module__.startswith(APPS):  # other tests make errors of their own
            yield from _and_below(child)
