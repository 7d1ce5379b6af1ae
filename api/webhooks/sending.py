"""One try to hand a message over."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import certifi
import urllib3
from urllib3.exceptions import HTTPError

from api.webhooks import problems
from api.webhooks.targets import Target, TargetForbidden, TargetUnknown, find_target

CONNECT_S: Final = 5.0
READ_S: Final = 10.0
USER_AGENT: Final = "facesite-webhooks/1"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it. status: HTTP's; None: no answer came, and `problem` says why."""

    status: int | None
    problem: str = ""
    retry_after_s: int | None = None
    """What the receiver asked for."""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The receiver wants nothing more."""
        return self.status == 410


def send(url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    """POST a JSON body. No redirect is followed, and nothing of the answer's body is read. Never raises."""
    try:
        return _post(find_target(url), body, headers)
    except (TargetForbidden, TargetUnknown) as error:
        return Reply(None, str(error))
    except HTTPError as error:
        return Reply(None, _PROBLEMS.get(type(error), problems.BROKE_OFF))
    except OSError:
        return Reply(None, problems.UNREACHABLE)


_PROBLEMS: Final = {
    urllib3.exceptions.ConnectTimeoutError: problems.NO_CALL,
    urllib3.exceptions.NewConnectionError: problems.NOBODY,
    urllib3.exceptions.ReadTimeoutError: problems.TOO_SLOW.format(seconds=round(READ_S)),
    urllib3.exceptions.SSLError: problems.UNTRUSTED,
}


def _post(target: Target, body: bytes, headers: Mapping[str, str]) -> Reply:
    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    if target.scheme == "https":
        pool: urllib3.HTTPConnectionPool = urllib3.HTTPSConnectionPool(
            target.address,
            target.port,
            timeout=timeout,
            ca_certs=os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where(),
            server_hostname=target.host,
            assert_hostname=target.host,
        )
    else:
        pool = urllib3.HTTPConnectionPool(target.address, target.port, timeout=timeout)
    said = {"Host": target.host_header, "Content-Type": "application/json", "User-Agent": USER_AGENT, **headers}
    with pool:
        answer = pool.urlopen(
            "POST", target.path, body=body, headers=said, redirect=False, retries=False, preload_content=False
        )
        try:
            return Reply(answer.status, retry_after_s=_seconds(answer.headers.get("Retry-After", "")))
        finally:
            answer.close()


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None
