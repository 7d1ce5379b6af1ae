"""A client for facesite's API. `Facesite` waits for answers, `AsyncFacesite` is awaited; both have the same calls."""

from facesite_client.asynchronous import AsyncFacesite
from facesite_client.errors import (
    ApiError,
    Busy,
    Conflict,
    FacesiteError,
    NotFound,
    Refused,
    Rejected,
    Unavailable,
)
from facesite_client.models import (
    Attempt,
    Comparison,
    Face,
    Liveness,
    Person,
    PersonRef,
    Punch,
    Sample,
    Status,
    Webhook,
)
from facesite_client.synchronous import Facesite
from facesite_client.webhooks import Message, SignatureInvalid, read_message

__all__ = [
    "ApiError",
    "AsyncFacesite",
    "Attempt",
    "Busy",
    "Comparison",
    "Conflict",
    "Face",
    "Facesite",
    "FacesiteError",
    "Liveness",
    "Message",
    "NotFound",
    "Person",
    "PersonRef",
    "Punch",
    "Refused",
    "Rejected",
    "Sample",
    "SignatureInvalid",
    "Status",
    "Unavailable",
    "Webhook",
    "read_message",
]
