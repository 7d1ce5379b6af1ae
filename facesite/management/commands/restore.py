"""manage.py restore FILE [--keys FILE] [--replace]: what `backup` wrote, without those who were erased since."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from enrollment.runtime.epoch import begin_new_epoch
from enrollment.sealed import unreadable_people
from enrollment.services import erase_people
from facesite.management.commands.backup import KEYS_FILE
from security.encryption.backups import BackupRefused
from security.encryption.restoring import restore_backup

HOW_TO_ERASE = "Erase their records too, on the page of each, or run this again with --replace --erase-unreadable."


class Command(BaseCommand):
    help = "Puts a backup in the place of this database. Faces that were erased since the backup stay unreadable."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--keys", type=Path, default=KEYS_FILE, metavar="FILE", help="the newest file of keys")
        parser.add_argument("--replace", action="store_true", help="replace a database that holds faces already")
        parser.add_argument(
            "--erase-unreadable", action="store_true", help="erase people at once whose faces were erased since"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, file: Path, keys: Path, replace: bool, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        try:
            restored = restore_backup(file, keys, replace=replace, then=begin_new_epoch)
        except BackupRefused as error:
            raise CommandError(str(error)) from error
        gone = unreadable_people()
        number = len(gone)
        if options["erase_unreadable"]:
            erase_people(actor=None, people=gone)
        answer = {"rows": restored.rows, "keys": restored.keys, "made_at": restored.made_at, "erased_since": number}
        if options["json"]:
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(
            f"The backup of {restored.made_at[:16]} is back: {restored.rows:,} rows. Everybody signs in again."
        )
        if number:
            self.stdout.write(
                f"{number:,} people in it were erased since: their faces cannot be read and are not searched. "
                + ("They were erased again." if options["erase_unreadable"] else HOW_TO_ERASE)
            )
