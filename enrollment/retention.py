"""How long enrolled people are kept who are no longer active. security/retention/ runs these rules."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from enrollment.consent.records import people_to_erase
from enrollment.models import HygieneAction, Person
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import outlive_old_copies
from enrollment.services import erase_people
from recognizer.errors import RecognizerError
from security.retention.rules import RetentionRule

PEOPLE_AT_ONCE = 10


def _inactive(now: datetime, days: int) -> QuerySet[Person]:
    """Records that were merged into another are no people of their own: they go with the person who got their samples.

    Erasing one would take its pictures from that person. Somebody whose consent has ended was told the day of the
    erasure, and can take a withdrawal back until then: enrollment/rights/due.py erases them, on that day.
    """
    merges = HygieneAction.objects.filter(kind=HygieneAction.Kind.MERGE, undone_at=None, other=OuterRef("pk"))
    people = Person.objects.filter(~Exists(merges), is_active=False).exclude(pk__in=people_to_erase())
    since = people.annotate(inactive_since=Coalesce("deactivated_at", "updated_at"))
    return since.filter(inactive_since__lt=now - timedelta(days=days)).order_by("pk")


def count_inactive(now: datetime, days: int) -> int:
    return _inactive(now, days).count()


def erase_inactive(now: datetime, days: int, limit: int) -> int:
    return erase_where(_inactive(now, days), limit)


def erase_where(due: QuerySet[Person], limit: int) -> int:
    """Erase up to `limit` of these people, who are due; somebody activated in between stays. Returns how many.

    Records merged into theirs go too and are not counted. The answer comes when no process names them any more.
    """
    keys = list(due.values_list("pk", flat=True)[:limit])
    if not keys:
        return 0
    with suppress(RecognizerError):  # erasing compares unknown faces with theirs, for which the engine must run
        get_engine()
    with transaction.atomic():
        people = list(due.filter(pk__in=keys).select_for_update())
        erase_people(actor=None, people=people)
    outlive_old_copies()
    return len(people)


RULES = (
    RetentionRule(
        key="inactive_people",
        label=_("Inactive people"),
        explanation=_(
            "People who were deactivated so many days ago, erased for good with their pictures and vectors, as if you "
            "had erased them by hand. Kept unless you choose otherwise. Activating somebody starts the days anew. "
            "Somebody whose consent has ended is erased on the day that their page names, not by this rule."
        ),
        count_due=count_inactive,
        erase_batch=erase_inactive,
        default_days=None,
        most_at_once=PEOPLE_AT_ONCE,
    ),
)
