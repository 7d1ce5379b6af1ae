"""What a page calls the targets of audit rows, which hold ids only. The apps that know what these are register here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class TargetLink:
    """Something that still exists."""

    words: str
    url: str


Finder = Callable[[Collection[str]], Mapping[str, TargetLink]]
"""ids of one kind -> those that still exist. A few queries at most, however many ids."""


@dataclass(frozen=True, slots=True)
class TargetKind:
    gone: _StrOrPromise
    """What is said of a target that exists no longer: "a person who has been erased"."""
    find: Finder


class Targets:
    """The kinds of targets, by the word before the colon."""

    def __init__(self) -> None:
        self._kinds: dict[str, TargetKind] = {}

    def register(self, kind: str, *, gone: _StrOrPromise, find: Finder) -> None:
        """Called from an AppConfig.ready(), which may run twice."""
        self._kinds[kind] = TargetKind(gone, find)

    def find(self, wanted: Collection[str]) -> dict[str, TargetLink]:
        """Targets such as "person:<uuid>" -> what to call them, as far as somebody knows a word for them.

        One that is gone has an empty url.
        """
        found: dict[str, TargetLink] = {}
        for name, kind in self._kinds.items():
            ids = {target.partition(":")[2] for target in wanted if target.startswith(f"{name}:")}
            there = kind.find(ids) if ids else {}
            found |= {f"{name}:{each}": there.get(each) or TargetLink(str(kind.gone), "") for each in ids}
        return found


targets = Targets()


def valid_uuids(ids: Collection[str]) -> list[UUID]:
    """Those that are some: what stands in an audit row is not the database's to trust."""
    found = []
    for text in ids:
        with suppress(ValueError):
            found.append(UUID(text))
    return found
