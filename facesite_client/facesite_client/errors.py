"""What can go wrong, at a glance.

FacesiteError
    Unavailable      nobody answers, or not in time
    ApiError         the site answers with a problem (RFC 9457): status, code, detail
        Refused      401, 403: the key, its scope, its address
        NotFound     404
        Conflict     409: possible_duplicate (see `candidates`), external_id_taken
        Rejected     413, 415, 422: the picture or the text cannot be used
        Busy         429, 503: later; `retry_after` seconds
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FacesiteError(Exception):
    """Whatever this package raises."""


class Unavailable(FacesiteError):
    """Nobody answers at the site's address, or not within the time-out."""


class ApiError(FacesiteError):
    """str() is the site's sentence for people; `code` stays the same in later versions."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail", ""))
        self.request_id = str(problem.get("request_id", ""))
        """The site's log has it too."""
        self.problem = problem
        self.retry_after = retry_after
        super().__init__(self.detail or f"The site answered {status}.")


class Refused(ApiError): ...


class NotFound(ApiError): ...


class Conflict(ApiError):
    @property
    def candidates(self) -> list[dict[str, Any]]:
        """possible_duplicate: whom the face resembles, each with `person` and `comparison_score`."""
        return list(self.problem.get("candidates", []))


class Rejected(ApiError): ...


class Busy(ApiError): ...


_CLASSES: dict[int, type[ApiError]] = {
    401: Refused,
    403: Refused,
    404: NotFound,
    409: Conflict,
    413: Rejected,
    415: Rejected,
    422: Rejected,
    429: Busy,
    503: Busy,
}


def error_for(status: int, problem: Mapping[str, Any], retry_after: float | None) -> ApiError:
    return _CLASSES.get(status, ApiError)(status, problem, retry_after)
