"""The daily signature: what is new is checked, then signed. It ties the rows to a key that is not in the database."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from security.audit.chain import Seal
from security.audit.signing import SigningKey, site_key
from security.audit.stored import check_since
from security.events import log_event
from security.models import AuditHead, AuditSeal

logger = logging.getLogger("facesite.audit")


def seal_now() -> AuditSeal | None:
    """Check the rows since the last seal and sign the chain's end; the last seal, if there is nothing new.

    None: there are no rows, or the new ones do not fit together. Then nothing is signed, the check is on record and
    the log says `audit_broken`. Raises AuditKeyUnusable.
    """
    last = last_seal()
    end = AuditHead.objects.filter(pk=AuditHead.SINGLETON_PK).first()
    if end is None or end.number == 0:
        return None
    if last and last.number == end.number:
        return last
    problem = check_since(last, end)
    if problem:
        log_event(logger, "audit_broken", level=logging.ERROR, row=problem.number, kind=problem.kind)
        return None
    key = site_key()
    with transaction.atomic():
        list(AuditHead.objects.select_for_update().filter(pk=AuditHead.SINGLETON_PK))
        newer = last_seal()  # another process may have been quicker
        if newer and newer.number >= end.number:
            return newer
        sealed = store_seal(key, Seal.DAY, end.number, end.hash)
    # The log is kept elsewhere than the database: there these two outlive a change of all of it.
    log_event(logger, "audit_sealed", row=sealed.number, hash=sealed.hash, key=sealed.key)
    return sealed


def store_seal(key: SigningKey, kind: str, number: int, row_hash: str) -> AuditSeal:
    signed = key.seal(kind, number, row_hash)
    return AuditSeal.objects.create(
        kind=signed.kind,
        number=signed.number,
        hash=signed.hash,
        at=datetime.fromisoformat(signed.at),
        key=signed.key,
        signature=signed.signature,
    )


def last_seal() -> AuditSeal | None:
    """The newest daily one."""
    return AuditSeal.objects.filter(kind=Seal.DAY).order_by("-number").first()
