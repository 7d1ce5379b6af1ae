"""manage.py purge_unknowns: erase unknown faces whose time is over. For a timer; the pages of the inbox do it too."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from verification.review.unknowns import purge_unknowns


class Command(BaseCommand):
    help = "Erases the unknown faces that are older than the policy allows, or all of them where none may be kept."

    def handle(self, *args: Any, **options: Any) -> None:
        number = purge_unknowns()
        self.stdout.write(f"{number} unknown face{'' if number == 1 else 's'} erased.")
