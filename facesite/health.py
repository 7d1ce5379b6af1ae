"""/healthz: the process answers. /readyz: the engine is warm, the database can be used, the gallery is loaded.

Redis and the MQTT broker are only hints: without them /readyz stays 200 and says in its body that the site is degraded.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis, RedisError

from api.mqtt.publishing import publisher
from enrollment.milvus.shared import shared_client
from enrollment.reasons import EnrollmentReason, sentence_for
from enrollment.runtime.engine import engine_if_ready
from enrollment.runtime.gallery import shared
from enrollment.runtime.notices import listener
from enrollment.runtime.outages import FULL
from facesite.warmup import is_warm, warmup
from security.encryption.site_keys import site_key_problem

LEAST_FREE_BYTES = 16 * 1024 * 1024
"""SQLite's log alone takes 4 MB before it is written back, a guided enrolment some 0.2 MB."""
REDIS_PATIENCE_S = 2.0
OPTIONAL = {"redis", "mqtt"}
"""The site serves without them."""


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    warmup.start()
    checks = run_checks()
    ready = all(passed for name, passed in checks.items() if name not in optional_parts())
    body = {"ready": ready, "checks": checks, "message": explain(checks) or "ready"}
    return JsonResponse(body, status=200 if ready else 503)


def optional_parts() -> set[str]:
    """The checks that may fail while the site serves."""
    return OPTIONAL | ({"gallery_engine"} if settings.GALLERY_FALLBACK else set())


def run_checks() -> dict[str, bool]:
    """Whether engine, database, gallery and, where they are set, Redis and the MQTT broker can be used, by name.

    Costs one `SELECT 1` and one row, and with GALLERY_URL a question to the engine.
    """
    database = database_answers() and not disk_is_full()
    checks = {
        "engine": engine_if_ready() is not None,
        "database": database,
        "site_key": not (database and site_key_problem()),
        "gallery": is_warm(),
    }
    if settings.GALLERY_URL:
        checks["gallery_engine"] = shared_client().answers()
    if settings.REDIS_URL:
        checks["redis"] = listener.connected is True
    if settings.FACESITE_MQTT_URL:
        checks["mqtt"] = publisher.connected
    return checks


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except (DatabaseError, InterfaceError):
        return False


def has_pending_migrations() -> bool:
    """Whether the tables are those of another version."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def redis_answers(url: str) -> bool:
    """Whether a Redis answers within REDIS_PATIENCE_S."""
    try:
        with Redis.from_url(url, socket_connect_timeout=REDIS_PATIENCE_S, socket_timeout=REDIS_PATIENCE_S) as redis:
            return bool(redis.ping())
    except (RedisError, ValueError):
        return False


def disk_is_full() -> bool:
    """Whether SQLite's folder has too little room. What a database server's disk holds, only that server knows."""
    if connection.vendor != "sqlite":
        return False
    try:
        return shutil.disk_usage(Path(connection.settings_dict["NAME"]).parent).free < LEAST_FREE_BYTES
    except OSError:
        return True


def explain(checks: dict[str, bool]) -> str:
    """What is wrong, as a sentence; empty when nothing is. checks: what run_checks() gave."""
    if not checks["database"]:
        return sentence_for(FULL) if disk_is_full() else _("The database does not answer.")
    if not checks["site_key"]:
        return site_key_problem()
    if not checks["engine"]:
        return str(warmup.problem or _("The engine is starting."))
    if not checks.get("gallery_engine", True) and not settings.GALLERY_FALLBACK:
        return sentence_for(EnrollmentReason.GALLERY_AWAY)
    if not checks["gallery"]:
        return str(warmup.problem or shared.loading)
    if not checks.get("gallery_engine", True):
        return _("Degraded: the engine that holds the gallery does not answer, so this process searches by itself.")
    if not checks.get("redis", True):
        return _("Degraded: Redis does not answer, so other processes notice a change half a second later.")
    if not checks.get("mqtt", True):
        return _("Degraded: the MQTT broker does not answer, so what listens there hears nothing.")
    engine = engine_if_ready()
    return _("Degraded: {problem}").format(problem=engine.device_problem) if engine and engine.device_problem else ""
