"""What each operation adds to the OpenAPI document: the problems that it may answer, and bodies that are pictures."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from api.bodies import IMAGE_TYPES
from api.problems import MEDIA_TYPE

PROBLEM: Final[dict[str, Any]] = {"$ref": "#/components/schemas/ProblemOut"}
EVERYWHERE: Final = (400, 401, 403, 404, 422, 429, 500, 503)
"""400: a Host that is not the site's. 500: a fault of ours, with the request id to report."""
HEADERS: Final[dict[str, Any]] = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "The log has it too."},
}
RETRY_AFTER: Final[dict[str, Any]] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}


def problems(*more: int) -> dict[Any, Any]:
    """For openapi_extra's `responses`: what every call may answer, and these statuses."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": PROBLEM}},
            "headers": HEADERS | (RETRY_AFTER if status in (429, 503) else {}),
        }
        for status in sorted({*EVERYWHERE, *more})
    }


def pictures(*names: str) -> dict[str, Any]:
    """For openapi_extra's `requestBody`: one picture, or a form with a file of each of these names."""
    binary = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": dict.fromkeys(names, binary), "required": list(names)}
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    if len(names) == 1:
        content = {kind: {"schema": binary} for kind in sorted(IMAGE_TYPES)} | content
    return {"required": True, "content": content}
