"""How retention takes the oldest rows away, so that what stays is still a whole chain."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.chain import Seal
from security.audit.recording import record
from security.audit.sealing import store_seal
from security.audit.signing import site_key
from security.models import AuditEvent
from security.rights import Right

BATCH = 5_000
"""Rows per transaction: writers wait for one batch at most."""


def count_prunable(before: datetime) -> int:
    """How many rows prune_audit() would take away."""
    return AuditEvent.objects.filter(number__lt=_first_to_stay(before)).count()


def prune_audit(*, actor: Actor | None, before: datetime) -> int:
    """Take away the oldest rows, up to the first that is not older than `before`. Returns how many.

    The hash of the last one that goes is signed first, so that `audit verify` still succeeds, and says from which row
    on the chain is whole. The newest row always stays. Raises NotAllowed, AuditKeyUnusable.
    """
    require(actor, Right.SET_RETENTION)
    stay, gone = _first_to_stay(before), 0  # asked once: each batch leaves a row, which is not for this call
    while some := _prune(actor, before, stay, BATCH):
        gone += some
    return gone


def prune_batch(*, actor: Actor | None, before: datetime, limit: int) -> int:
    """As prune_audit(), but at most `limit` rows; 0: none is left that is old enough."""
    require(actor, Right.SET_RETENTION)
    return _prune(actor, before, _first_to_stay(before), limit)


def _prune(actor: Actor | None, before: datetime, stay: int, limit: int) -> int:
    key = site_key()
    with transaction.atomic():
        oldest = AuditEvent.objects.filter(number__lt=stay).order_by("number")[:limit]
        ends = list(oldest.values_list("number", "hash"))
        if not ends:  # another process was quicker
            return 0
        number, row_hash = ends[-1]
        gone = AuditEvent.objects.filter(number__lte=number).delete()[0]
        if gone:
            store_seal(key, Seal.ANCHOR, number, row_hash)
            record(Action.AUDIT_PRUNED, actor=actor, rows=gone, through=number, before=before.isoformat())
    return gone


def _first_to_stay(before: datetime) -> int:
    """Number of the oldest row that stays. (Rows are in the order of their numbers, clocks may go back.)"""
    young = AuditEvent.objects.filter(at__gte=before).order_by("number").values_list("number", flat=True).first()
    if young is not None:
        return young
    return AuditEvent.objects.order_by("-number").values_list("number", flat=True).first() or 0
