"""Rows that older versions wrote in plain: which they are, and how they are encrypted, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import BinaryField, F
from django.db.models.functions import Length, Mod, Substr
from django.utils import timezone

from security.audit.actions import Action
from security.audit.recording import record
from security.encryption.data_keys import DataKey
from security.encryption.sealing import FORMAT, SealedColumn
from security.encryption.site_keys import current_site_key
from security.models import EncryptionState
from security.traces import leave_no_traces

BATCH = 50
"""Rows per transaction: a live page waits for it some ten milliseconds at most."""


@dataclass(frozen=True, slots=True)
class OlderColumn:
    """An encrypted column that older versions wrote in plain."""

    column: SealedColumn
    model: type[models.Model]
    places_of: Callable[[Sequence[Any]], list[tuple[DataKey, object, str]]]
    """Rows -> the key, row and contract to seal each with. Called in the transaction that holds the rows."""

    @property
    def field(self) -> str:
        return self.column.name.partition(".")[2]

    def in_plain(self) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model._default_manager.exclude(**{self.field: b""})
        if self.column.vectors:
            rows = rows.annotate(rest=Mod(Length(self.field), 4)).filter(rest=0)
        else:
            first = Substr(F(self.field), 1, 1, output_field=BinaryField())
            rows = rows.annotate(first=first).exclude(first=bytes([FORMAT]))
        return rows

    def seal_batch(self, after: int) -> tuple[int, int]:
        """Encrypt the next rows behind this primary key. Returns how many, and the last one's primary key."""
        with transaction.atomic():
            rows = list(self.in_plain().filter(pk__gt=after).select_for_update().order_by("pk")[:BATCH])
            for row, (key, id_, contract) in zip(rows, self.places_of(rows) if rows else [], strict=True):
                sealed = self.column.seal(bytes(getattr(row, self.field)), key, row=id_, contract=contract)
                self.model._default_manager.filter(pk=row.pk).update(**{self.field: sealed})
        return len(rows), rows[-1].pk if rows else after


def count_in_plain(columns: Sequence[OlderColumn]) -> dict[str, int]:
    """Column -> values that are not encrypted yet."""
    return {each.column.name: each.in_plain().order_by().count() for each in columns}


def is_sealed() -> bool:
    """Whether it is known that nothing is left in plain. One row is read."""
    return EncryptionState.objects.filter(sealed_at__isnull=False).exists()


def seal_older(columns: Sequence[OlderColumn]) -> Iterator[int]:
    """Encrypt everything that is left in plain; how many after each batch. It can be stopped and begun again.

    At the end it is written down that nothing is left, so that no start looks again. Raises SiteKeyUnusable.
    """
    current_site_key()
    total = 0
    for column in columns:
        number, last = column.seal_batch(0)
        while number:
            total += number
            yield number
            number, last = column.seal_batch(last)
    with transaction.atomic():
        EncryptionState.objects.filter(sealed_at=None).update(sealed_at=timezone.now())
        if total:
            leave_no_traces()
            record(Action.FACES_ENCRYPTED, actor=None, values=total)
