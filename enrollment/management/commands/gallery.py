"""manage.py gallery status | sync [--json]: the engine beside the database that searches the gallery (GALLERY_URL)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrollment.milvus.delivering import level_everything
from enrollment.milvus.shared import is_in_use
from enrollment.milvus.status import EngineStatus, engine_status
from recognizer.errors import GalleryAway
from security.leases import LeaseLost, LeaseTaken


class Command(BaseCommand):
    help = "Shows what the gallery's engine lacks beside the database (status), or brings it level (sync)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="status | sync")
        for name, help_text in (
            ("status", "compare every row of the engine with the database, and change nothing"),
            ("sync", "compare every row and mend what differs; can be stopped and run again"),
        ):
            own = actions.add_parser(name, help=help_text)
            own.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if not is_in_use():
            raise CommandError("GALLERY_URL is not set: searches find the vectors in each process, always level.")
        try:
            done = level_everything() if action == "sync" else {}
            status = engine_status(thorough=True)
        except GalleryAway as error:
            raise CommandError(str(error)) from None
        except (LeaseTaken, LeaseLost):
            raise CommandError("Another process brings the engine level just now: wait until it has.") from None
        if options["json"]:
            self.stdout.write(json.dumps(done | asdict(status) | {"is_level": status.is_level}, indent=2))
        else:
            self.stdout.write("\n".join(sentences(status, done)))
        if done and not status.is_level:
            raise CommandError("Something changed meanwhile: run it again, or leave it to the server.")


def sentences(status: EngineStatus, done: dict[str, int]) -> Iterator[str]:
    yield f"Engine: {status.place}. The database is at revision {status.revision}."
    if done:
        yield f"{done['written']:,} rows written, {done['removed']:,} rows removed."
    for space in status.spaces:
        yield (
            f"{space.contract_id}: {space.templates:,} templates, {space.rows:,} rows in "
            f"{space.collection or 'no collection'}, {space.missing:,} missing, {space.extra:,} too many; "
            f"told up to revision {space.revision}."
        )
    if not status.spaces:
        yield "No embedding space was searched yet: run manage.py gallery sync, or start the server."
    if status.others:
        yield f"Collections of another database, or from before a restore: {', '.join(status.others)}."
    yield "The engine is level." if status.is_level else "The engine is not level: run manage.py gallery sync."
