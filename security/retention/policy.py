"""Which days the site chose, and how it chooses others."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.models import RetentionPolicy
from security.retention.rules import RetentionRule, retention_rules
from security.rights import Right

logger = logging.getLogger("facesite.retention")


def current_days() -> dict[str, int | None]:
    """Rule's key -> the days in force; None: kept."""
    policy = RetentionPolicy.objects.order_by("-pk").first()
    saved = policy.days if policy else {}
    return {rule.key: _days_of(rule, saved) for rule in retention_rules}


def save_days(*, actor: Actor | None, days: Mapping[str, int | None]) -> RetentionPolicy:
    """Save the site's rules as a new row; rules that are not named stay as they are. Nothing is erased yet.

    days: rule's key -> days, or None: keep. Raises NotAllowed, and ValidationError with a sentence for each key that
    cannot be so.
    """
    require(actor, Right.SET_RETENTION)
    refusals = {key: sentence for key, wanted in days.items() if (sentence := _refusal(key, wanted))}
    if refusals:
        raise ValidationError(refusals)
    with transaction.atomic():
        before = current_days()
        after = before | dict(days)
        changed = sorted(key for key in after if after[key] != before[key])
        policy = RetentionPolicy(days=_without_own(after), saved_by=actor)  # type: ignore[misc]  # as in AuditEvent
        policy.save(force_insert=True)
        for rule in retention_rules:
            if rule.own_days and rule.key in changed and (wanted := after[rule.key]) is not None:
                rule.own_days.save(actor, wanted)
        record(
            Action.RETENTION_SAVED,
            actor=actor,
            target=policy.pk,
            before={key: before[key] for key in changed},
            after={key: after[key] for key in changed},
        )
    log_event(logger, "retention_saved", changed=changed, actor=actor_id(actor))
    return policy


def _refusal(key: str, days: int | None) -> str:
    rule = retention_rules.by_key.get(key)
    return rule.refusal(days) if rule else _("There is no such rule.")


def _days_of(rule: RetentionRule, saved: Mapping[str, int | None]) -> int | None:
    days = rule.own_days.read() if rule.own_days else saved.get(rule.key, rule.default_days)
    return days if days is None else max(days, rule.least_days)  # a floor that rose since holds too


def _without_own(days: Mapping[str, int | None]) -> dict[str, int | None]:
    return {key: value for key, value in days.items() if key in retention_rules.by_key and not _has_own(key)}


def _has_own(key: str) -> bool:
    return retention_rules.by_key[key].own_days is not None
