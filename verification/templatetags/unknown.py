"""The number beside "Unknown" in the navigation."""

from __future__ import annotations

from django import template

from verification.review import unknowns

register = template.Library()


@register.simple_tag
def unknown_count() -> int:
    """Number of faces in the inbox. One query. It is 0 while the policy keeps nothing."""
    return unknowns.pending_faces().count()
