"""The site's policy on consent: what enrolment asks for, how long it lasts, and what follows its end."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from django.utils import timezone

from enrollment.models import ConsentPolicy


def current_consent_policy() -> ConsentPolicy:
    """The policy saved last; without one the defaults, which are not saved."""
    return ConsentPolicy.objects.select_related("saved_by").order_by("-pk").first() or ConsentPolicy()


def consent_policy_history(limit: int = 10) -> list[ConsentPolicy]:
    """Newest first: the first one is in force."""
    return list(ConsentPolicy.objects.select_related("saved_by").order_by("-pk")[:limit])


def last_day(policy: ConsentPolicy, given: date | None = None) -> date | None:
    """The last day of a consent that is given on `given` (default: today). None: it lasts until it is withdrawn."""
    return add_months(given or timezone.localdate(), policy.months) if policy.months else None


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it is shorter."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
