"""Whose socket it is: the kiosk's whose token the device's cookie holds. No session of an operator counts here."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from types import SimpleNamespace
from typing import Any

from attendance.kiosks.checking import KioskState, find_kiosk, roster
from attendance.kiosks.cookies import cookie_name
from enrollment.runtime.database import run_in_database_thread


class ByKioskCookie:
    """ASGI middleware for a kiosk's socket: its scope has the kiosk, or nobody."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        token = token_in(scope)
        kiosk = await run_in_database_thread(find_kiosk, token) if token else None
        await self.application({**scope, **scope_of(kiosk)}, receive, send)


def token_in(scope: dict[str, Any]) -> str:
    """The device's token; empty: it has none."""
    text = "; ".join(value.decode("latin1") for name, value in scope["headers"] if name == b"cookie")
    try:
        morsel = SimpleCookie(text).get(cookie_name())
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def scope_of(kiosk: KioskState | None) -> dict[str, Any]:
    """What the consumer finds in its scope."""
    if kiosk is None:
        return {"user": None, "session": None, "kiosk": None}
    return {
        "user": kiosk.actor(),
        "session": SimpleNamespace(session_key=f"kiosk:{kiosk.pk}"),
        "is_welcome": lambda: roster.state_of(kiosk) is not None,
        "kiosk": kiosk,
    }
