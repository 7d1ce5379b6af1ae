"""What every template may ask: what this operator may do, so that nobody is shown what would be refused."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from security.actors import Actor
from security.allowing import is_allowed
from security.rights import Right
from security.sections import sections_for


class May:
    """`{% if may.erase %}`: a right's name in small letters. A name that is no right raises KeyError here."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def __getitem__(self, name: str) -> bool:
        return is_allowed(self._actor, Right[name.upper()])


def rights(request: HttpRequest) -> dict[str, Any]:
    """`may` and `site_sections`. Nothing is read before a template asks; Django keeps the answer for the request."""
    actor = getattr(request, "user", None)
    if actor is None or not actor.is_authenticated:
        return {}
    return {"may": May(actor), "site_sections": SimpleLazyObject(lambda: sections_for(actor))}
