"""The path below which the site is served (FACESITE_BASE_PATH), whether a proxy passes it on or takes it off."""

from __future__ import annotations

from typing import Any

from django.conf import settings


class BasePath:
    """ASGI: every request and socket has the base path in front of its path, as pages and links expect it.

    A request's own idea of it (Daphne takes one from the header Daphne-Root-Path) is dropped.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] in {"http", "websocket"}:
            base = settings.FACESITE_BASE_PATH
            scope = {**scope, "path": base + path_inside(scope["path"]), "root_path": base}
        await self.application(scope, receive, send)


def path_inside(path: str) -> str:
    """The path as the site knows it, without the base path; unchanged where a proxy has taken that off already."""
    base = settings.FACESITE_BASE_PATH
    if not base or (path != base and not path.startswith(f"{base}/")):
        return path
    return path[len(base) :] or "/"
