"""The history of decisions, and what the site is doing now."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from ninja.params.functions import Query

from api.authorising import Bearer, key_of
from api.cursors import comparable, read_page
from api.describing import problems
from api.recognition import read_bench
from api.schemas import (
    AttemptOut,
    AttemptsOut,
    GalleryOut,
    KeyOut,
    LivenessOut,
    LivenessVerdict,
    Mode,
    PersonRef,
    StatusOut,
    Verdict,
)
from enrollment.models import Person
from enrollment.runtime.database import run_in_database_thread
from recognizer.decisions import policy_for_gallery
from security.keys.checking import CheckedKey
from security.keys.scopes import Scope
from verification.models import VerificationAttempt
from verification.policy import population_of
from verification.selectors import AttemptFilters, find_attempts

router = Router(tags=["history"])
MOST_ATTEMPTS = 200


@router.get(
    "/attempts",
    auth=Bearer(Scope.ATTEMPTS_READ),
    response=AttemptsOut,
    openapi_extra={"responses": problems()},
)
async def list_attempts(
    request: HttpRequest,
    since: datetime | None = Query(None, description="With a time zone: decisions from then on."),
    verdict: Verdict | None = None,
    person: UUID | None = Query(None, description="Matched or claimed."),
    cursor: str | None = Query(None, max_length=200),
    limit: int = Query(50, ge=1, le=MOST_ATTEMPTS),
) -> AttemptsOut:
    """Decisions, the newest first."""
    since = comparable(since, "since")

    def read() -> AttemptsOut:
        found = find_attempts(AttemptFilters(verdict=verdict or "", person=person))
        if since is not None:
            found = found.filter(created_at__gte=since)
        rows, more = read_page(found.select_related("policy"), name="attempts", cursor=cursor, limit=limit)
        # Of each policy and pack once: those of a pack that is gone are read from a file.
        measured = {(row.policy_id, row.contract_id): row for row in rows}
        populations = {rule: population_of(row) for rule, row in measured.items()}
        decisions = [attempt_out(row, populations[row.policy_id, row.contract_id]) for row in rows]
        return AttemptsOut(attempts=decisions, next_cursor=more)

    return await run_in_database_thread(read)


@router.get("/status", auth=Bearer(), response=StatusOut, openapi_extra={"responses": problems()}, tags=["status"])
async def status(request: HttpRequest) -> StatusOut:
    """Whether pictures are decided now, by which threshold, and what the key may do."""
    return await run_in_database_thread(_status, key_of(request))


def attempt_out(attempt: VerificationAttempt, population: str) -> AttemptOut:
    return AttemptOut(
        id=attempt.uuid,
        at=attempt.created_at,
        mode=cast(Mode, attempt.mode),
        source=attempt.source,
        verdict=cast(Verdict, attempt.verdict),
        person=_ref(attempt.matched_person),
        claimed=_ref(attempt.claimed_person),
        comparison_score=attempt.comparison_score,
        runner_up=attempt.runner_up,
        match_threshold=attempt.match_threshold,
        fmr=attempt.fmr,
        population=population,
        liveness=LivenessOut(verdict=cast(LivenessVerdict, attempt.liveness_verdict), score=attempt.liveness_score),
        quality_score=attempt.quality_score,
        reasons=attempt.reasons,
        by=attempt.operator.get_username() if attempt.operator else None,
    )


def _status(key: CheckedKey) -> StatusOut:
    bench = read_bench()
    policy = policy_for_gallery(bench.in_force.policy, bench.gallery.people)
    return StatusOut(
        status="ready",
        pack=bench.engine.pack.name,
        liveness=policy.liveness.value,
        match_threshold=policy.match_threshold,
        fmr=policy.fmr,
        population=policy.population,
        gallery=GalleryOut(people=bench.gallery.people, templates=bench.gallery.templates),
        key=KeyOut(
            name=key.label,
            scopes=sorted(key.scopes),
            expires_at=key.expires_at,
            requests_per_minute=key.requests_per_minute,
        ),
    )


def _ref(person: Person | None) -> PersonRef | None:
    return PersonRef(id=person.uuid, name=person.name) if person else None
