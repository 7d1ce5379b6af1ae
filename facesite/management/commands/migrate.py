"""Django's migrate, after a look at the database's character set: tables are made in whatever it has."""

from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as MigrateCommand

from facesite.charset import refuse_wrong_charset


class Command(MigrateCommand):
    def handle(self, *args: Any, **options: Any) -> Any:
        refuse_wrong_charset()
        return super().handle(*args, **options)
