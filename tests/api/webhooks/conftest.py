from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.receiver import Received, Receiver, listening


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    """On this machine, which the site then has to allow."""
    settings.FACESITE_WEBHOOKS_PRIVATE = True
    with listening() as started:
        yield started


def verified(received: Received, secret: str) -> dict[str, Any]:
    """The message, if a receiver that goes by the specification believes it: written anew here, on purpose."""
    headers = received.headers
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), received.body])
    key = base64.b64decode(secret.split("_", 1)[1])
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert wanted in headers["webhook-signature"].split(" ")
    message: dict[str, Any] = json.loads(received.body)
    return message
