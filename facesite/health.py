"""/healthz: the process answers. /readyz: the engine is warm, the database answers, the gallery is loaded."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from enrollment.runtime.engine import engine_if_ready
from facesite.warmup import is_warm, warmup


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    warmup.start()
    checks = run_checks()
    ready = all(checks.values())
    body = {"ready": ready, "checks": checks, "message": "ready" if ready else explain(checks)}
    return JsonResponse(body, status=200 if ready else 503)


def run_checks() -> dict[str, bool]:
    """Whether engine, database and gallery can be used, by name. Costs one `SELECT 1`; no table is read."""
    return {"engine": engine_if_ready() is not None, "database": database_answers(), "gallery": is_warm()}


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except (DatabaseError, InterfaceError):
        return False


def explain(checks: dict[str, bool]) -> str:
    """Why the site is not ready, as a sentence. checks: what run_checks() gave, at least one of them False."""
    if not checks["database"]:
        return "The database does not answer."
    if not checks["engine"]:
        return warmup.problem or "The engine is starting."
    return warmup.problem or "The gallery is being loaded."
