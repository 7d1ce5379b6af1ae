"""What a key may be made for. Each scope stands for the rights that its calls need, and for no other."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from security.rights import Right

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class Scope(StrEnum):
    IDENTIFY = "identify"
    VERIFY = "verify"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    ATTEMPTS_READ = "attempts:read"
    ATTENDANCE_READ = "attendance:read"
    WEBHOOKS = "webhooks"
    METRICS = "metrics"


RIGHTS_OF_SCOPE: dict[Scope, frozenset[Right]] = {
    Scope.IDENTIFY: frozenset({Right.VERIFY}),
    Scope.VERIFY: frozenset({Right.VERIFY}),
    Scope.PEOPLE_READ: frozenset({Right.SEE_PEOPLE}),
    Scope.PEOPLE_WRITE: frozenset({Right.SEE_PEOPLE, Right.ENROL, Right.CORRECT, Right.ERASE}),
    Scope.ATTEMPTS_READ: frozenset({Right.SEE_HISTORY}),
    Scope.ATTENDANCE_READ: frozenset({Right.SEE_ATTENDANCE}),
    Scope.WEBHOOKS: frozenset({Right.MANAGE_SITE}),
    Scope.METRICS: frozenset(),
}
"""A call works with the rights of the scope that it asks for, whatever other scopes its key has."""
EXPLAINED: dict[Scope, _StrOrPromise] = {
    Scope.IDENTIFY: _("Say who is on a picture."),
    Scope.VERIFY: _("Say whether a picture shows a given person, and compare two pictures."),
    Scope.PEOPLE_READ: _("List people and the measures of their samples. No pictures."),
    Scope.PEOPLE_WRITE: _("Enrol people, add and remove samples, correct records, erase people."),
    Scope.ATTEMPTS_READ: _("Read the history of decisions."),
    Scope.ATTENDANCE_READ: _("Read who checked in and out."),
    Scope.WEBHOOKS: _("Set up webhooks."),
    Scope.METRICS: _("Read /metrics."),
}
"""As the page of keys says it."""
