"""Django's runserver on Daphne, as everybody knows it, with our server: sockets end in order, the engine warms up."""

from __future__ import annotations

from typing import Any

from daphne.management.commands.runserver import Command as DaphneRunserver

from facesite.server import Server


class Command(DaphneRunserver):  # type: ignore[misc]  # Daphne has no annotations
    server_cls = Server

    def inner_run(self, *args: Any, **options: Any) -> None:
        from facesite import warmup

        warmup.start()
        super().inner_run(*args, **options)
