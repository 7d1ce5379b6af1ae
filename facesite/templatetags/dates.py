"""Built into every template (settings.TEMPLATES): Django's filter `date`, in the order of the page's language."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.defaultfilters import date as django_date

from security.written_days import WRITTEN

register = template.Library()


@register.filter(name="date", expects_localtime=True, is_safe=False)
def date(value: Any, form: str | None = None) -> Any:
    return django_date(value, str(WRITTEN.get(form, form)) if form else None)
