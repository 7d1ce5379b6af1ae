"""What `make run` does before it serves, in one process: model pack, tables, first operator, static files."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from enrollment.runtime.pack_choice import chosen_pack_name
from facesite.charset import refuse_wrong_charset
from facesite.commandline import OWNER_ONLY
from facesite.health import has_pending_migrations
from facesite.storage import collect_static_files
from recognizer.errors import PackError
from recognizer.packs.choosing import choose_pack
from recognizer.packs.manifest import Manifest
from security.encryption.site_keys import current_site_key, key_file

RETRY_S = 24 * 3600


class Command(BaseCommand):
    help = "Get ready to serve: install the model pack, migrate, create the first operator, collect static files."
    requires_migrations_checks = False

    def handle(self, **options: Any) -> None:
        refuse_wrong_charset()
        if has_pending_migrations():
            self.stdout.write("Preparing the database")
            call_command("migrate", interactive=False, verbosity=0)
        keep_database_private()
        self.make_site_key()
        self.install_pack()  # behind the tables, for the audit trail has a row about it
        collect_static_files()
        call_command("create_first_operator", stdout=self.stdout)

    def make_site_key(self) -> None:
        """The first start makes the key of the stored faces. Raises SiteKeyUnusable when another one is needed."""
        path = key_file()
        known = path is None or path.exists()
        current_site_key()
        if not known:
            self.stderr.write(
                f"A new key for the stored faces was written to {path}. Keep a copy of it, apart from backups: without "
                "it no stored face can be read."
            )

    def install_pack(self) -> None:
        """Install the pack that is missing, or one that comes from elsewhere. Failures are only noted on stderr.

        The server starts with the starter pack, or with none, as well. Its pages say which command installs a pack.
        """
        wanted = missing_packs()
        if not wanted:
            return
        problem = failure_of_today(wanted)
        if not problem:
            problem = self.install_first(wanted)
            if problem:
                remember_failure(wanted, problem)
        if problem:
            instead = what_is_used_instead()
            self.stderr.write(f"{problem}\nThe server starts {instead}. Later: manage.py packs install {wanted[0]}")

    def install_first(self, wanted: Sequence[str]) -> str:
        """Install the first of the packs that can be had. Returns why none could; empty when one was installed."""
        problems: list[str] = []
        for name in wanted:
            try:
                call_command("packs", "install", name)
                if problems:
                    self.stderr.write("\n".join([*problems, f"So {name} was installed instead."]))
                return ""
            except (CommandError, PackError, OSError) as error:
                problems.append(str(error))
        return "\n".join(dict.fromkeys(problems))  # the same sentence once


def missing_packs() -> Sequence[str]:
    """Names of the packs of which one should be installed, the best first.

    Empty when one is there already, or people are enrolled with the starter pack. Nothing replaces what the site chose.
    """
    manifest = Manifest.load(Path(settings.FACESITE_MODELS_DIR))
    by_default = (manifest.default, *manifest.instead)
    try:
        pack = choose_pack(manifest, settings.FACESITE_MODEL_PACK)
    except PackError:
        return (settings.FACESITE_MODEL_PACK,) if settings.FACESITE_MODEL_PACK else by_default
    # Another pack would not be used before rebuild_templates: the pages name both commands.
    return by_default if pack.starter and chosen_pack_name() is None else ()


def failure_of_today(wanted: Sequence[str]) -> str:
    """Why none of the packs could be installed less than RETRY_S ago. Without network each try may wait for a time-out.

    Empty when there was no such try, or when the try looked elsewhere (another mirror).
    """
    with suppress(OSError, ValueError):
        tried = json.loads(_note().read_text())
        if tried["packs"] == list(wanted) and tried["mirror"] == settings.FACESITE_MODELS_MIRROR:
            return str(tried["problem"]) if time.time() - _note().stat().st_mtime < RETRY_S else ""
    return ""


def remember_failure(wanted: Sequence[str], problem: str) -> None:
    with suppress(OSError):
        tried = {"packs": list(wanted), "mirror": settings.FACESITE_MODELS_MIRROR, "problem": problem}
        _note().write_text(json.dumps(tried))


def _note() -> Path:
    return Path(settings.FACESITE_MODELS_DIR) / ".install-failed.json"


def what_is_used_instead() -> str:
    """The end of a sentence: "with the pack starter", or "without a model pack"."""
    try:
        pack = choose_pack(Manifest.load(Path(settings.FACESITE_MODELS_DIR)), chosen_pack_name())
    except PackError:
        return "without a model pack"
    return f"with the pack {pack.name}"


def keep_database_private() -> None:
    """Close SQLite's files to other users of the machine: versions before this one left them readable."""
    if connection.vendor != "sqlite":
        return
    for suffix in ("", "-wal", "-shm"):
        path = Path(f"{connection.settings_dict['NAME']}{suffix}")
        with suppress(OSError):  # not there, or another user's: then its owner decides
            path.chmod(path.stat().st_mode & ~OWNER_ONLY)
