"""A short live session on a page of the integrator's own: a token that opens the live page's socket, once."""

from __future__ import annotations

import secrets
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from channels.security.websocket import WebsocketDenier
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from api.authorising import Bearer, key_of
from api.describing import problems
from api.models import LiveTicket
from api.problems import ApiReason, Problem
from api.schemas import LiveSessionIn, LiveSessionOut
from enrollment.errors import PersonUnknown
from enrollment.runtime.database import run_in_database_thread
from security.keys.checking import CheckedKey, KeyRefused, ScopeMissing, checked_key
from security.keys.scopes import Scope
from security.keys.tokens import digest_of
from verification.live.session import Configure
from verification.models import VerificationAttempt
from verification.selectors import claimable_person_exists

router = Router(tags=["recognition"])
Mode = VerificationAttempt.Mode
TO_OPEN: Final = timedelta(minutes=2)
"""How long a token waits for its socket."""
LASTS: Final = timedelta(minutes=5)
"""How long that socket may stay open."""
SOCKET: Final = "/ws/verification/"
PARAMETER: Final = "session"


@router.post(
    "/liveness-sessions",
    auth=Bearer(Scope.IDENTIFY, Scope.VERIFY),
    response={201: LiveSessionOut},
    openapi_extra={"responses": problems(413, 415)},
)
async def open_live_session(request: HttpRequest, body: LiveSessionIn) -> Any:
    """A token that opens one socket of docs/protocol.md within two minutes, for five, and asks this one question."""
    key = key_of(request)
    scope = key.require_scope(Scope.VERIFY if body.person else Scope.IDENTIFY)
    origins = [_clean_origin(origin) for origin in body.origins]
    token = secrets.token_urlsafe(32)

    def work() -> LiveTicket:
        if body.person is not None and not claimable_person_exists(str(body.person)):
            raise PersonUnknown("There is no such person, or they are not active.")
        LiveTicket.objects.filter(ends_at__lt=timezone.now()).delete()
        return LiveTicket.objects.create(
            key_id=key.pk,
            digest=digest_of(token),
            scope=scope.value if scope else "",
            person_uuid=body.person,
            origins=origins,
            open_until=timezone.now() + TO_OPEN,
            ends_at=timezone.now() + TO_OPEN + LASTS,
        )

    ticket = await run_in_database_thread(work)
    return Status(
        201, LiveSessionOut(token=token, socket=f"{SOCKET}?{PARAMETER}={token}", open_until=ticket.open_until)
    )


class TicketOr:
    """ASGI middleware for sockets: one that comes with a token is the key's; every other one goes on to `otherwise`."""

    def __init__(self, application: Any, otherwise: Any) -> None:
        """application: the sockets' routing, without Django's sessions around it."""
        self.application, self.otherwise = application, otherwise
        self.deny = WebsocketDenier.as_asgi()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        token = parse_qs(scope.get("query_string", b"").decode("latin1")).get(PARAMETER, [""])[0]
        if not token:
            await self.otherwise(scope, receive, send)
            return
        opened = await run_in_database_thread(open_ticket, token, _origin_of(scope))
        if opened is None or not scope["path"].endswith(SOCKET):
            await self.deny(scope, receive, send)
            return
        await self.application({**scope, **opened}, receive, send)


def open_ticket(token: str, origin: str) -> dict[str, Any] | None:
    """What the consumer's scope holds for this token; None: there is no such token now, or not for that page.

    origin: of the page, as its browser says; empty: no browser asks. The token is used up. Blocking.
    """
    now = timezone.now()
    ticket = LiveTicket.objects.filter(digest=digest_of(token), opened_at=None, open_until__gte=now).first()
    key = _key_of(ticket) if ticket else None
    if ticket is None or key is None or (origin and origin.lower() not in ticket.origins):
        return None
    if not LiveTicket.objects.filter(pk=ticket.pk, opened_at=None).update(opened_at=now, ends_at=now + LASTS):
        return None  # somebody else was faster with the same token
    claimed = str(ticket.person_uuid) if ticket.person_uuid else None
    return {
        "user": key.actor(Scope(ticket.scope)),
        "session": SimpleNamespace(session_key=f"ticket:{ticket.pk}"),
        "is_welcome": lambda: is_welcome(ticket.pk),
        "only": Configure(Mode.VERIFY if claimed else Mode.IDENTIFY, claimed),
    }


def is_welcome(pk: int) -> bool:
    """Whether the socket of this token may stay. Call it in a database thread."""
    ticket = LiveTicket.objects.filter(pk=pk, ends_at__gt=timezone.now()).first()
    return ticket is not None and _key_of(ticket) is not None


def _key_of(ticket: LiveTicket) -> CheckedKey | None:
    """The key, where it may still do what the token is for. Its networks are for the program, not for browsers."""
    key = checked_key(ticket.key)
    try:
        key.require_current()
        key.require_scope(Scope(ticket.scope))
    except (KeyRefused, ScopeMissing):
        return None
    return key


def _clean_origin(text: str) -> str:
    """As browsers send it. Raises Problem (422)."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or text != f"{parts.scheme}://{parts.netloc}":
        raise Problem(422, ApiReason.REQUEST_INVALID, "An origin is written like https://door.example.org.")
    return text.lower()


def _origin_of(scope: dict[str, Any]) -> str:
    return next((value.decode("latin1") for name, value in scope["headers"] if name == b"origin"), "")
