"""What stands on /site/: each app adds its pages from AppConfig.ready(), and an operator sees those of their rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from security.actors import Actor
from security.allowing import is_allowed
from security.rights import Right

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class Section:
    """One link of /site/."""

    title: _StrOrPromise
    text: _StrOrPromise
    """One sentence: what can be done there."""
    url_name: str
    """As reverse() takes it."""
    rights: tuple[Right, ...]
    """Each of them is enough to see it."""
    icon: str = "sliders"
    """In static/icons/sprite.svg."""


_sections: dict[str, Section] = {}


def add_section(section: Section) -> None:
    """Add a link, once: AppConfig.ready() may run twice."""
    _sections[section.url_name] = section


def sections_for(actor: Actor) -> list[Section]:
    """The links that this operator may follow, by title."""
    allowed = (section for section in _sections.values() if is_allowed(actor, *section.rights))
    return sorted(allowed, key=lambda section: section.title)
