"""Limits that hold over all processes of a site: how often per minute, and how many at once.

They are kept in Redis where REDIS_URL names one, else in the database; also while Redis is away. A process that serves
alone counts by itself (is_alone()). Blocking: call it off the event loop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any, Final, TypeVar
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from redis import Redis, RedisError

from security.events import log_event
from security.models import SharedBucket, SharedPlace

T = TypeVar("T")
logger = logging.getLogger("facesite.sharing")

PLACE_S: Final = 60.0
"""A place is free again so long after it was taken or kept: its process may have died."""
AWAY_S: Final = 5.0
"""After a failure Redis is not asked for so long."""
PATIENCE_S: Final = 0.5
_TAKE: Final = """
local time = redis.call('TIME')
local now, rate, most = time[1] + time[2] / 1e6, tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = math.min(most, (tonumber(kept[1]) or most) + rate * (now - (tonumber(kept[2]) or now)))
if left < 1 then return tostring((1 - left) / rate) end
redis.call('HSET', KEYS[1], 'left', tostring(left - 1), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], math.ceil(most / rate) + 1)
return '0'
"""
_ENTER: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


def is_alone() -> bool:
    """Whether this process need not ask others. Several that were started apart must have a Redis."""
    return not settings.REDIS_URL and settings.FACESITE_PROCESSES == 1


def take_one(name: str, *, rate: float, most: float) -> float:
    """Take one out of a bucket that holds `most` and gets `rate` a second. Returns the seconds to wait; 0: taken."""
    return _ask(
        lambda redis: float(redis.register_script(_TAKE)(keys=[_key("rate", name)], args=[rate, most])),
        lambda: _take_from_row(name, rate, most),
    )


def enter(name: str, *, most: int, token: str = "") -> str:
    """Take or, with its token, keep a place for PLACE_S. Returns the token; empty: all places are taken."""
    token = token or uuid4().hex
    args = [token, most, int(PLACE_S)]
    entered = _ask(
        lambda redis: bool(redis.register_script(_ENTER)(keys=[_key("place", name)], args=args)),
        lambda: _enter_rows(name, most, token),
    )
    return token if entered else ""


def leave(name: str, token: str) -> None:
    """The place is free again. It may have been taken in the one and kept in the other."""
    _ask(lambda redis: redis.zrem(_key("place", name), token), lambda: None)
    SharedPlace.objects.filter(token=token).delete()


def _key(kind: str, name: str) -> str:
    return f"facesite:{settings.SITE_MARK}:{kind}:{name}"


# Redis, or the database

_next_try = 0.0


def _ask(in_redis: Callable[[Any], T], in_database: Callable[[], T]) -> T:
    global _next_try
    if settings.REDIS_URL and time.monotonic() >= _next_try:
        try:
            return in_redis(_redis(settings.REDIS_URL))
        except RedisError as error:
            _next_try = time.monotonic() + AWAY_S
            log_event(logger, "limits_in_database", level=logging.WARNING, error=type(error).__name__)
    return in_database()


@cache
def _redis(url: str) -> Any:
    return Redis.from_url(url, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S)


def _lock(name: str, most: float) -> SharedBucket:
    """The row of that name, for this transaction alone."""
    SharedBucket.objects.get_or_create(name=name, defaults={"left": most, "at": timezone.now()})
    return SharedBucket.objects.select_for_update().get(name=name)


def _take_from_row(name: str, rate: float, most: float) -> float:
    with transaction.atomic():
        row, now = _lock(f"rate:{name}", most), timezone.now()
        left = min(most, row.left + rate * max(0.0, (now - row.at).total_seconds()))
        if left < 1:
            return (1 - left) / rate
        row.left, row.at = left - 1, now
        row.save(update_fields=["left", "at"])
        return 0.0


def _enter_rows(name: str, most: int, token: str) -> bool:
    with transaction.atomic():
        _lock(f"place:{name}", 0.0)
        now = timezone.now()
        SharedPlace.objects.filter(name=name, expires_at__lte=now).delete()
        places = SharedPlace.objects.filter(name=name)
        expires_at = now + timedelta(seconds=PLACE_S)
        if places.filter(token=token).update(expires_at=expires_at):
            return True
        if places.count() >= most:
            return False
        SharedPlace.objects.create(name=name, token=token, expires_at=expires_at)
        return True
