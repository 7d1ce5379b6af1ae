"""manage.py backup FILE [--keys FILE]: the database without its keys, and the keys in a file of their own."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from facesite.upkeep import COLUMNS
from security.encryption.backups import BackupRefused, write_backup
from security.encryption.older import seal_older

KEYS_FILE = Path(settings.BASE_DIR) / ".backup-keys"
"""Where the keys go unless --keys says otherwise: always the same file, so that each backup overwrites it."""


class Command(BaseCommand):
    help = "Writes the database without its keys to FILE, while the site runs; the keys go to a file of their own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--keys",
            type=Path,
            default=KEYS_FILE,
            metavar="FILE",
            help="the file of keys, which every backup must overwrite (default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, file: Path, keys: Path, **options: Any) -> None:
        for _ in seal_older(COLUMNS):  # a backup never holds a face in plain
            pass
        try:
            written = write_backup(file, keys)
        except BackupRefused as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            answer = {"file": str(file), "keys_file": str(keys), "rows": written.rows, "keys": written.keys}
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(
            f"{written.rows:,} rows are in {file}, {written.keys:,} keys in {keys}.\n"
            "Keep the two apart, and keep one file of keys only: the newest. Then a face that is erased cannot be read "
            "in any older backup. The site key belongs to a third place."
        )
