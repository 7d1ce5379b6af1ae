"""The number beside "Unknown" in the navigation."""

from __future__ import annotations

from django import template

from verification.review.waiting import people_waiting

register = template.Library()


@register.simple_tag
def unknown_count() -> int:
    """Number of people in the inbox. It is 0 while the policy keeps nothing."""
    return people_waiting()
