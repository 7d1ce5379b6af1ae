"""How long somebody must wait after wrong passwords. All processes count in the database.

From an address where the operator has signed in before, only failures of this operator at this address count. From
elsewhere those of the account (from all such addresses) and those of the address (for all such accounts) count. So a
stranger delays nobody who works from a known place, and nobody for longer than a few minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from security.addresses import client_group
from security.models import FailedSignIns, KnownAddress

FORGOTTEN_AFTER: Final = timedelta(hours=12)
"""Without another failure, all is well again."""
KNOWN_FOR: Final = timedelta(days=90)
"""An address is known so long after a sign-in."""
AUDIT_ROWS: Final = "audit rows"
"""What is counted beside failures: see failures.py."""
MOST_NAME_LETTERS: Final = 150
"""Longer names exist nowhere; what somebody types may be longer."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """After `free` failures the next try waits `first`, and twice as long after every further failure."""

    free: int
    first: timedelta
    longest: timedelta

    def wait_after(self, failures: int) -> timedelta:
        if failures < self.free:
            return timedelta()
        doublings = min(failures - self.free, 20)
        return min(self.first * int(2**doublings), self.longest)


AT_KNOWN_ADDRESS: Final = BackOff(5, timedelta(seconds=5), timedelta(minutes=1))
ACCOUNT: Final = BackOff(5, timedelta(seconds=30), timedelta(minutes=5))
"""Short, because strangers can keep it at its longest."""
ADDRESS: Final = BackOff(10, timedelta(seconds=30), timedelta(minutes=15))
"""Several people may share it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Somebody tries to sign in as somebody, from somewhere."""

    operator: User | None
    """Whose name it is, as stored before the password is looked at."""
    account: str
    """The operator's primary key, or a few digits of an HMAC of a name that nobody has."""
    address: str
    counts: tuple[tuple[str, BackOff], ...]
    """Keys of FailedSignIns that this trial adds to, with their rules."""


def trial_of(name: str, address: str) -> Trial:
    """address: as security.addresses.client_address gives it.

    The database says whose name it is: MySQL's does not tell capital letters and accents apart.
    """
    operator = get_user_model()._default_manager.filter(username=name[:MOST_NAME_LETTERS]).first()
    account = str(operator.pk) if operator else digest_of("name", name)[:12]
    place = client_group(address)
    if operator and _is_known(operator, place):
        return Trial(operator, account, address, ((digest_of("both", account, place), AT_KNOWN_ADDRESS),))
    counts = ((digest_of("account", account), ACCOUNT), (digest_of("address", place), ADDRESS))
    return Trial(operator, account, address, counts)


def trial_of_thing(what: str, whose: str, rule: BackOff) -> Trial:
    """Something other than a password is tried, without a name. what: a fixed word for it; whose: counted together."""
    return Trial(None, "", "", ((digest_of(what, whose), rule),))


def wait_for(trial: Trial, *, now: datetime | None = None) -> timedelta:
    """How long until this may be tried; zero: now. One query, no write."""
    now = now or timezone.now()
    rules = dict(trial.counts)
    rows = FailedSignIns.objects.filter(key__in=rules, last_at__gt=now - FORGOTTEN_AFTER)
    waits = [row.last_at + rules[row.key].wait_after(row.failures) - now for row in rows]
    return max([timedelta(), *waits])


def count_failure(trial: Trial) -> int:
    """Note one more failure. Returns the largest of the trial's counts."""
    now = timezone.now()
    for key, _ in trial.counts:
        _add_one(key, now)
    rows = FailedSignIns.objects.filter(key__in=dict(trial.counts))
    return max((row.failures for row in rows), default=1)


def forgive(operator: User, address: str) -> None:
    """The operator has signed in from there: the address is known from now on, and its failures are forgotten."""
    place, now = client_group(address), timezone.now()
    FailedSignIns.objects.filter(key=digest_of("both", str(operator.pk), place)).delete()
    KnownAddress.objects.update_or_create(
        operator=operator, address=digest_of("known", place), defaults={"last_at": now}
    )


def forgive_account(operator: User) -> None:
    """Somebody gave the operator a new password: strangers' failures do not delay its first use."""
    FailedSignIns.objects.filter(key=digest_of("account", str(operator.pk))).delete()


def forget_old() -> None:
    now = timezone.now()
    FailedSignIns.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).exclude(key=digest_of(AUDIT_ROWS)).delete()
    KnownAddress.objects.filter(last_at__lt=now - KNOWN_FOR).delete()


def digest_of(*parts: str) -> str:
    """So that the tables hold neither names (somebody may type a password there) nor addresses."""
    return salted_hmac("security.sign_in.limits", "\0".join(parts), algorithm="sha256").hexdigest()


def _is_known(operator: User, place: str) -> bool:
    since = timezone.now() - KNOWN_FOR
    return KnownAddress.objects.filter(operator=operator, address=digest_of("known", place), last_at__gt=since).exists()


def _add_one(key: str, now: datetime) -> None:
    """Each statement by itself: no lock is held from one to the next."""
    row = FailedSignIns.objects.filter(key=key)
    if row.filter(last_at__lt=now - FORGOTTEN_AFTER).update(failures=1, last_at=now):
        return
    if row.update(failures=F("failures") + 1, last_at=now):
        return
    try:
        with transaction.atomic():
            FailedSignIns.objects.create(key=key, failures=1, last_at=now)
    except IntegrityError:  # another process was faster
        row.update(failures=F("failures") + 1, last_at=now)
