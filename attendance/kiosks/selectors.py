"""What pages and checks read about kiosks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.models import Kiosk
from security.audit.targets import TargetLink, valid_uuids

MISSED_AFTER: Final = timedelta(minutes=5)
"""A kiosk says every half minute that it is there."""


def list_kiosks() -> QuerySet[Kiosk]:
    """All of them, those in use first, by name. One query."""
    return Kiosk.objects.select_related("created_by").order_by(F("revoked_at").asc(nulls_first=True), "name", "pk")


def paired_kiosks() -> QuerySet[Kiosk]:
    """Those that have a device. One query."""
    return Kiosk.objects.filter(revoked_at=None, token_digest__isnull=False)


def kiosks_not_seen(now: datetime | None = None) -> QuerySet[Kiosk]:
    """Paired kiosks that have not been heard of for MISSED_AFTER: switched off, or without a network. One query."""
    since = (now or timezone.now()) - MISSED_AFTER
    silent = Q(last_seen_at__lt=since) | Q(last_seen_at=None, paired_at__lt=since)
    return paired_kiosks().filter(silent)


def kiosks_with_other_camera() -> QuerySet[Kiosk]:
    """Those that decide nothing until somebody has looked at their camera. One query."""
    return Kiosk.objects.filter(revoked_at=None, camera_changed_at__isnull=False)


def audit_links(ids: Collection[str]) -> dict[str, TargetLink]:
    """What the audit trail calls a kiosk: uuid -> its name and page."""
    rows = Kiosk.objects.filter(uuid__in=valid_uuids(ids))
    return {
        str(row.uuid): TargetLink(_("kiosk {name}").format(name=row.name), reverse("kiosks:kiosk", args=[row.uuid]))
        for row in rows
    }
