"""Every answer that is not what was asked for: application/problem+json (RFC 9457) with a stable code.

Codes of enrolment, engine and decisions keep their names and sentences; those that only a program meets stand here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse

from enrollment.errors import EnrollmentError, PossibleDuplicate
from enrollment.runtime.outages import outage_code
from recognizer.errors import ContractMismatch, EngineNotReady, GalleryAway, ImageError, PackError
from security.allowing import NotAllowed
from security.keys.checking import AddressNotAllowed, KeyRefused, ScopeMissing
from security.request_ids import current_ids
from security.roles.second_person import SecondPersonNeeded
from verification.reasons import sentence_for

MEDIA_TYPE: Final = "application/problem+json"
RETRY_S: Final = 5
"""After what passes by itself: a database that is away, an engine that is loading."""


class ApiReason(StrEnum):
    REQUEST_INVALID = "request_invalid"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported"
    CURSOR_INVALID = "cursor_invalid"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    SUBJECT_AMBIGUOUS = "subject_ambiguous"


SENTENCES: Final[dict[str, str]] = {
    ApiReason.REQUEST_INVALID: "This request could not be understood.",
    ApiReason.NOT_FOUND: "There is nothing at this address.",
    ApiReason.METHOD_NOT_ALLOWED: "This address does not take requests of this method.",
    ApiReason.MEDIA_TYPE_UNSUPPORTED: "This kind of body is not taken here.",
    ApiReason.CURSOR_INVALID: "This cursor is not one that this address gave. Begin without a cursor.",
    ApiReason.IDEMPOTENCY_KEY_REUSED: "This Idempotency-Key belongs to another request. Use a new one.",
    ApiReason.RATE_LIMITED: "This key has sent as many requests as it may in a minute.",
    ApiReason.BUSY: "The server works on as many pictures as it can. Send this one again in a moment.",
    ApiReason.SUBJECT_AMBIGUOUS: "Several people have this name. Rename all but one, or use the API of this product.",
}
STATUSES: Final[dict[str, int]] = {
    "person_unknown": 404,
    "sample_unknown": 404,
    "possible_duplicate": 409,
    "external_id_taken": 409,
    "pack_changed": 409,
    "frame_too_large": 413,
    "database_away": 503,
    "disk_full": 503,
    "gallery_away": 503,
    "engine_not_ready": 503,
}
"""Codes of errors of the apps below whose status is not 422."""


class Problem(Exception):
    """An answer with this status and code. detail: the code's sentence unless another one is given."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(code)
        self.status, self.code = status, str(code)
        self.detail = detail or SENTENCES.get(code) or sentence_for(code)
        self.headers = dict(headers or {})
        self.extra = extra
        """Further members, JSON values."""


def problem_of(error: BaseException) -> Problem | None:
    """What a program is told of this error; None: it is a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, (AddressNotAllowed, ScopeMissing)):
        return Problem(403, error.code, str(error))
    if isinstance(error, KeyRefused):
        return Problem(401, error.code, str(error), headers={"WWW-Authenticate": "Bearer"})
    if isinstance(error, (NotAllowed, SecondPersonNeeded)):
        return Problem(403, error.code, str(error))
    if isinstance(error, PossibleDuplicate):
        return Problem(409, error.code, str(error), candidates=[_candidate(each) for each in error.candidates])
    if isinstance(error, (PackError, EngineNotReady, ContractMismatch, GalleryAway)):
        return Problem(503, error.code, str(error), headers={"Retry-After": str(RETRY_S)})
    if isinstance(error, (EnrollmentError, ImageError)):
        return Problem(STATUSES.get(error.code, 422), error.code, str(error))
    if outage := outage_code(error):
        return Problem(503, outage, headers={"Retry-After": str(RETRY_S)})
    return None


def document_of(problem: Problem) -> dict[str, Any]:
    """With the id of the request, where one is being handled."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        **problem.extra,
    }
    request_id = current_ids().request
    return document | ({"request_id": request_id} if request_id else {})


def response_of(problem: Problem) -> HttpResponse:
    body = json.dumps(document_of(problem))
    return HttpResponse(body, status=problem.status, content_type=MEDIA_TYPE, headers=problem.headers)


def code_of_status(status: int) -> str:
    """For what Django answers by itself: an unknown address, a wrong method, a body that is no form."""
    known = {404: ApiReason.NOT_FOUND, 405: ApiReason.METHOD_NOT_ALLOWED, 413: "frame_too_large"}
    known |= {403: "not_allowed", 503: "database_away"}
    return known.get(status, "internal_error" if status >= 500 else ApiReason.REQUEST_INVALID)


def _candidate(candidate: Any) -> dict[str, Any]:
    person = {"id": str(candidate.person.uuid), "name": candidate.person.name}
    return {"person": person, "comparison_score": round(candidate.comparison_score, 4)}
