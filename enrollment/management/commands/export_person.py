"""manage.py export_person UUID FILE: a copy of everything held about a person."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrollment.errors import PersonUnknown
from enrollment.rights.export import export_person
from enrollment.selectors import person_by_uuid


class Command(BaseCommand):
    help = "Writes everything that is held about a person into a ZIP: data.json, pictures, and a README for the person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="UUID", help="the person's uuid, as the address of their page has it")
        parser.add_argument("file", metavar="FILE", type=Path, help="must not exist yet")

    def handle(self, *args: Any, person: str, file: Path, **options: Any) -> None:
        try:
            subject = person_by_uuid(person)
            with file.open("xb") as stream:
                self._write(subject, file, stream)
        except PersonUnknown as error:
            raise CommandError(str(error)) from None
        except FileExistsError:
            raise CommandError(f"{file} exists already. Nothing was overwritten.") from None
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
        self.stdout.write(f"Everything held about this person is in {file}. It is not encrypted: keep it safe.")

    def _write(self, subject: Any, file: Path, stream: Any) -> None:
        try:
            export_person(actor=None, person=subject, file=stream)
        except BaseException:
            file.unlink()  # half a copy helps nobody
            raise
