"""manage.py verify_receipt FILE: whether an erasure receipt is this site's, and unchanged."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrollment.receipts import problem_with
from security.signing import site_public_key

LARGEST = 100_000
"""Bytes of a receipt that are read."""


class Command(BaseCommand):
    help = "Checks the signature of an erasure receipt (the JSON file). Needs neither network nor database."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--key", default="", help="the site's public key in base64; default: this site's")

    def handle(self, *args: Any, file: Path, key: str, **options: Any) -> None:
        try:
            with file.open("rb") as stream:
                document = json.loads(stream.read(LARGEST))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise CommandError(f"{file} is not JSON, so it is no erasure receipt.") from None
        if problem := problem_with(document, key or site_public_key()):
            raise CommandError(problem)
        statement = document["statement"]
        about = (
            f"{document['name']} (person {statement['person']})"
            if "name" in document
            else f"Person {statement['person']}"
        )
        self.stdout.write(f"Genuine. {about} was erased on {statement['erased_at']} by {statement['erased_by']}.")
