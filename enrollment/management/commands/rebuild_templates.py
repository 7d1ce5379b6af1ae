"""manage.py rebuild_templates [--pack NAME]: new templates from kept samples after a model change."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrollment.rebuilding import Failure, Progress, rebuild_templates
from enrollment.runtime import engine_config, get_engine
from recognizer.engine import FaceEngine
from recognizer.errors import PackError

BAR = 30
"""Characters."""


class Command(BaseCommand):
    help = (
        "Computes the missing templates of a model pack from the samples that were kept. Templates of other packs stay."
        " It may be stopped and run again: it goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pack", help="a pack of the manifest; without it, the one in use")

    def handle(self, *args: Any, pack: str | None, **options: Any) -> None:
        try:
            with engine_for(pack) as engine:
                name = engine.pack.name
                written, failures = self._rebuild(engine)
        except PackError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{written} templates were written for the pack {name}.")
        for failure in failures:
            self.stdout.write(f"failed  sample {failure.sample} of person {failure.person}: {failure.message}")
        if failures:
            raise CommandError(
                f"{len(failures)} samples could not be rebuilt, as listed above. Remove them on the person's page, "
                "then take new pictures."
            )

    def _rebuild(self, engine: FaceEngine) -> tuple[int, list[Failure]]:
        written = 0
        failures: list[Failure] = []
        for progress in rebuild_templates(engine):
            written += progress.written
            failures.extend(progress.failures)
            if self.stderr.isatty():
                self.stderr.write(progress_line(progress), ending="\r" if progress.done < progress.total else "\n")
        return written, failures


@contextmanager
def engine_for(pack: str | None) -> Iterator[FaceEngine]:
    """The process's engine, or one of another pack that is closed afterwards. Raises PackError."""
    if pack is None:
        yield get_engine()
        return
    engine = FaceEngine(replace(engine_config(), pack=pack))
    engine.startup()
    try:
        yield engine
    finally:
        engine.close()


def progress_line(progress: Progress) -> str:
    filled = BAR * progress.done // progress.total
    return f"[{'#' * filled}{'.' * (BAR - filled)}] {progress.done} of {progress.total} samples"
