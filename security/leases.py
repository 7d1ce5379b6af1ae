"""A lock in the database for work that only one process of the site may do at a time.

It is a lease: it ends by itself unless its holder renews it, so that a process that died frees it. The machines' clocks
must agree to within the lease, as those of one site do.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils import timezone

from security.models import Lease

LEASE = timedelta(minutes=2)
"""How long the work of a process that died stays locked."""
RENEWAL_S = 20.0


class LeaseTaken(Exception):
    """Another process does this work now."""


class LeaseLost(Exception):
    """The lease ended, as this process stood still for too long, and another one has it: stop."""


@dataclass(slots=True)
class HeldLease:
    """What the holder keeps in its hand. One thread uses it."""

    name: str
    holder: str = field(default_factory=lambda: f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid4().hex}")
    renewed: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """Call it at least once a minute; it writes only every RENEWAL_S. Raises LeaseLost."""
        if time.monotonic() - self.renewed >= RENEWAL_S:
            self.renew()

    def renew(self) -> None:
        """Raises LeaseLost."""
        mine = Lease.objects.filter(name=self.name, holder=self.holder)
        if not mine.update(expires_at=timezone.now() + LEASE):
            raise LeaseLost
        self.renewed = time.monotonic()

    def take(self) -> None:
        """Raises LeaseTaken."""
        Lease.objects.get_or_create(name=self.name)
        now = timezone.now()
        free = Q(holder="") | Q(expires_at=None) | Q(expires_at__lte=now)
        # One statement: of two processes, the database lets one find the row free.
        if not Lease.objects.filter(free, name=self.name).update(holder=self.holder, expires_at=now + LEASE):
            raise LeaseTaken
        self.renewed = time.monotonic()

    def give_back(self) -> None:
        """Never raises: a database that is away frees it in time."""
        try:
            Lease.objects.filter(name=self.name, holder=self.holder).update(holder="", expires_at=None)
        except (DatabaseError, InterfaceError):
            return


@contextmanager
def lease(name: str) -> Iterator[HeldLease]:
    """Hold the lease `name` inside. Raises LeaseTaken. Call it outside of a transaction, so that others see it."""
    held = HeldLease(name)
    held.take()
    try:
        yield held
    finally:
        held.give_back()


def is_held(name: str) -> bool:
    """Whether some process holds it now."""
    return Lease.objects.filter(name=name, expires_at__gt=timezone.now()).exclude(holder="").exists()
