"""What the page reads of the audit trail: newest first, page after page by number, never counting all rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from security.audit.actions import Action
from security.audit.problems import problem_in_words
from security.audit.sealing import last_seal
from security.days import in_days
from security.models import ApiKey, AuditCheck, AuditEvent, AuditHead, AuditSeal

PAGE = 50


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What the trail is narrowed down to; an empty field narrows nothing. Days by the site's clocks, both included."""

    action: str = ""
    """One of Action, or the word before the dot with it: "person."."""
    who: str = ""
    """As in AuditEvent.actor."""
    target: str = ""
    """A whole target ("person:<uuid>"), or an id alone."""
    since: date | None = None
    until: date | None = None
    number: int | None = None

    def as_facts(self) -> dict[str, Any]:
        """Those that are set, for the row about an export."""
        return {name: str(value) for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class AuditPage:
    events: list[AuditEvent]
    older: int | None
    """Number to continue before; None: this is the end."""


@dataclass(frozen=True, slots=True)
class AuditState:
    """What is known of the chain without looking at all of it."""

    rows: int
    """So many were ever written: the number of the newest one."""
    check: AuditCheck | None
    """The last verification of all rows."""
    problem: str
    """What the newest verification found; empty: nothing."""
    seal: AuditSeal | None


def find_events(filters: AuditFilters) -> QuerySet[AuditEvent]:
    """Newest first. Lazy."""
    return AuditEvent.objects.filter(_condition(filters)).order_by("-number")


def audit_page(filters: AuditFilters, *, before: int | None = None) -> AuditPage:
    """Up to PAGE rows, those before a number. One query, as quick for the last page as for the first."""
    events = find_events(filters)
    found = list(events.filter(number__lt=before)[: PAGE + 1] if before is not None else events[: PAGE + 1])
    return AuditPage(found[:PAGE], found[PAGE - 1].number if len(found) > PAGE else None)


def audit_state() -> AuditState:
    """Four small queries."""
    rows = AuditHead.objects.filter(pk=AuditHead.SINGLETON_PK).values_list("number", flat=True).first() or 0
    newest = AuditCheck.objects.order_by("-pk").first()
    whole = AuditCheck.objects.filter(whole=True).order_by("-pk").first()
    return AuditState(rows, whole, problem_in_words(newest.problem) if newest else "", last_seal())


def operator_names(actors: Iterable[str]) -> dict[str, str]:
    """ "operator:<id>" -> login name, of those who still have one; "api_key:<id>" -> its name. At most two queries."""
    actors = list(actors)
    names: dict[str, str] = {}
    if keys := _ids("api_key", actors):
        names |= {f"api_key:{key.pk}": str(key) for key in ApiKey.objects.filter(pk__in=keys)}
    model = get_user_model()
    rows = model._default_manager.filter(pk__in=_ids("operator", actors))
    return names | {f"operator:{pk}": name for pk, name in rows.values_list("pk", model.USERNAME_FIELD)}


def _ids(kind: str, names: Iterable[str]) -> list[str]:
    ids = {name.removeprefix(f"{kind}:") for name in names if name.startswith(f"{kind}:")}
    return [each for each in ids if each.isdecimal() and len(each) < 19]


def _condition(filters: AuditFilters) -> Q:
    condition = in_days("at", filters.since, filters.until)
    if filters.action:
        condition &= Q(action__startswith=filters.action) if filters.action.endswith(".") else Q(action=filters.action)
    if filters.who:
        condition &= Q(actor=filters.who)
    if filters.target:
        condition &= _of_target(filters.target)
    if filters.number is not None:
        condition &= Q(number=filters.number)
    return condition


def _of_target(text: str) -> Q:
    """An id alone is looked up under every kind, which the index on targets answers; it is not searched for inside."""
    if ":" in text:
        return Q(target=text)
    kinds = {action.value.partition(".")[0] for action in Action}
    return Q(target__in=[f"{kind}:{text}" for kind in sorted(kinds)])
