"""Django's runserver on Daphne, with facesite's server: sockets end in order, and the engine warms up."""

from __future__ import annotations

from typing import Any

from daphne.management.commands.runserver import Command as DaphneRunserver
from django.conf import settings

from facesite import logs
from facesite.base_path import BasePath
from facesite.charset import refuse_wrong_charset
from facesite.server import Server
from facesite.storage import collect_static_files


class Command(DaphneRunserver):  # type: ignore[misc]  # Daphne has no annotations
    server_cls = Server

    def inner_run(self, *args: Any, **options: Any) -> None:
        from facesite.management.commands.serve import check_site_key, start_background

        refuse_wrong_charset()
        check_site_key()
        if not settings.DEBUG:  # with DEBUG on, static files are served from their sources
            collect_static_files()
        start_background()
        super().inner_run(*args, **options)

    def get_application(self, options: dict[str, Any]) -> BasePath:
        return BasePath(super().get_application(options))  # around Django's handler of static files, too

    def log_action(self, protocol: str, action: str, details: dict[str, Any]) -> None:
        """With DEBUG on Daphne's coloured lines, with addresses and queries; else lines without anything personal."""
        if settings.DEBUG:
            super().log_action(protocol, action, details)
        else:
            logs.log_action(protocol, action, details)
