"""Daphne's event loop is uvloop where there is one: a third less of the server's time beside the recognition."""

from __future__ import annotations

import sys

from twisted.internet import asyncioreactor


def install_uvloop() -> None:
    """Before daphne.apps is imported, which would install asyncio's own. On Windows there is no uvloop, and no need."""
    if "twisted.internet.reactor" in sys.modules:
        return
    try:
        import uvloop
    except ImportError:
        return
    asyncioreactor.install(uvloop.new_event_loop())  # type: ignore[no-untyped-call]
