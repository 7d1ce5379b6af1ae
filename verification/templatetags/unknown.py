"""The number beside "Unknown" in the bar."""

from __future__ import annotations

from django import template

from verification.review import unknowns

register = template.Library()


@register.simple_tag
def unknown_count() -> int:
    """Faces in the inbox. One query; nothing is ever in there where the policy keeps nothing."""
    return unknowns.pending_faces().count()
