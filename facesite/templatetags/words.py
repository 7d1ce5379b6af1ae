from __future__ import annotations

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from facesite.languages import words_of_scripts

register = template.Library()


@register.simple_tag
def words() -> SafeString:
    """What scripts say, in the page's language: static/js/core/words.js reads it. Nothing where it is English."""
    found = words_of_scripts(get_language() or "en")
    return json_script(found, "words") if found else SafeString()
