"""For whoever hears webhooks: is this message the site's own, and fresh?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from facesite_client.errors import FacesiteError

FRESH_S = 300.0


class SignatureInvalid(FacesiteError):
    """The message is forged, changed, or too old to believe: answer 400 and do nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    """The same in every try: remember it, and do nothing twice."""
    type: str
    """attempt.decided, attack.detected, person.enrolled, person.erased, webhook.test."""
    timestamp: datetime
    data: Mapping[str, Any]


def read_message(headers: Mapping[str, str], body: bytes, secret: str, *, now: float | None = None) -> Message:
    """A message that its signature proves. secret: whsec_...; now: seconds since the epoch. Raises SignatureInvalid."""
    by_name = {name.lower(): value for name, value in headers.items()}
    try:
        id_, timestamp = by_name["webhook-id"], int(by_name["webhook-timestamp"])
        given = by_name["webhook-signature"].split()
        key = base64.b64decode(secret.removeprefix("whsec_"))
    except (KeyError, ValueError):
        raise SignatureInvalid("The headers of a webhook are missing, or the secret is none.") from None
    if abs((time.time() if now is None else now) - timestamp) > FRESH_S:
        raise SignatureInvalid("The message is too old, or this machine's clock is wrong.")
    wanted = "v1," + base64.b64encode(hmac.digest(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256)).decode()
    if not any(hmac.compare_digest(wanted, each) for each in given):
        raise SignatureInvalid("The message is not signed with this secret.")
    told = json.loads(body)
    return Message(id_, told["type"], datetime.fromisoformat(told["timestamp"]), told["data"])
