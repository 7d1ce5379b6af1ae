"""manage.py rebuild_templates [--pack NAME]: change the model pack without enrolling anybody again."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from enrollment.packs.rebuilding import Failure, Progress, rebuild_templates
from enrollment.packs.switching import SETTLE_SECONDS, PackMeasure, measure_pack, pack_in_use, switch_when_complete
from enrollment.runtime.engine import get_engine, start_engine
from enrollment.runtime.policy import current_policy
from recognizer.calibration import Rate
from recognizer.engine import FaceEngine
from recognizer.errors import PackError
from recognizer.packs.manifest import Pack
from recognizer.types import LivenessMode

BAR = 30
"""Length of the progress bar in characters."""
STOPPED = 130
"""Exit status after Ctrl-C: what shells expect, 128 + SIGINT."""


class Command(BaseCommand):
    help = (
        "Computes the missing templates of a model pack from the samples that were kept, beside those of other packs. "
        "With --pack it then compares that pack with the one in use on the site's own pictures and switches to it; "
        "running servers follow within seconds. It may be stopped and run again: it goes on where it was. "
        "To switch back, name the old pack: its templates are still there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--pack", help="a pack of the manifest; without it, the one in use, and nothing is switched"
        )
        parser.add_argument("--no-switch", action="store_true", help="with --pack: only rebuild and compare")

    def handle(self, *args: Any, pack: str | None, no_switch: bool, **options: Any) -> None:
        before = pack_in_use()
        try:
            with engine_for(pack) as engine:
                self._rebuild(engine)
                if pack is None or before is None or engine.contract_id == before.contract_id:
                    return
                self._compare(before, engine.pack)
                if not no_switch:
                    self._switch(engine)
        except PackError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            sentence = "Stopped. What was written is kept, and nothing was switched: run it again to go on."
            raise CommandError(sentence, returncode=STOPPED) from None

    def _rebuild(self, engine: FaceEngine) -> None:
        """Write the missing templates. Raises CommandError after listing the samples that could not be rebuilt."""
        written = 0
        failures: list[Failure] = []
        for progress in rebuild_templates(engine):
            written += progress.written
            failures.extend(progress.failures)
            if self.stderr.isatty():
                self.stderr.write(progress_line(progress), ending="\r" if progress.done < progress.total else "\n")
        self.stdout.write(f"{written} templates were written for the pack {engine.pack.name}.")
        for failure in failures:
            self.stdout.write(f"failed  sample {failure.sample} of person {failure.person}: {failure.message}")
        if failures:
            raise CommandError(
                f"{len(failures)} samples could not be rebuilt, as listed above. Remove them on the person's page, "
                "then take new pictures."
            )

    def _compare(self, before: Pack, after: Pack) -> None:
        self.stdout.write("On this site's own pictures, each searched among all the others:")
        for pack in (before, after):
            self.stdout.write(measure_line(measure_pack(pack)))

    def _switch(self, engine: FaceEngine) -> None:
        pinned = settings.FACESITE_MODEL_PACK
        if pinned and pinned != engine.pack.name:
            self.stdout.write(
                f"FACESITE_MODEL_PACK={pinned} decides which pack is used. To use {engine.pack.name}, "
                f"set FACESITE_MODEL_PACK={engine.pack.name} (or remove it) and restart."
            )
            return
        switch_when_complete(actor=None, pack=engine.pack, rebuild=lambda: self._rebuild(engine))
        self.stdout.write(f"Switched to the pack {engine.pack.name}. Running servers follow within seconds.")
        if not engine.pack.checks_liveness:
            self.stdout.write(liveness_note(engine.pack, current_policy(engine).liveness))
        time.sleep(SETTLE_SECONDS)
        self._rebuild(engine)


@contextmanager
def engine_for(pack: str | None) -> Iterator[FaceEngine]:
    """None: the process's engine. Else a second engine on that pack, closed at the end. Raises PackError."""
    if pack is None:
        yield get_engine()
        return
    engine = start_engine(pack)
    try:
        yield engine
    finally:
        engine.close()


def liveness_note(pack: Pack, liveness: LivenessMode) -> str:
    """What a pack that cannot check liveness means at this site.

    The default mode gives way to such a pack (runtime.policy.default_liveness), and must not do so in silence.
    """
    if liveness == LivenessMode.REQUIRED:
        return f"{pack.name} cannot check liveness, and it is required: answers are uncertain until a head movement."
    return (
        f"{pack.name} cannot check liveness: pictures of people are taken for them. "
        "To refuse that, save a policy that requires liveness on the calibration page."
    )


def measure_line(measure: PackMeasure) -> str:
    """One pack's threshold and error rates on the site's own pictures, for people to compare."""
    return (
        f"  {measure.pack} (threshold {measure.threshold:.3f}; {measure.people} people, {measure.samples} samples): "
        f"the right person missed {rate_words(measure.fnmr)}, a wrong person matched {rate_words(measure.fmr)}"
    )


def rate_words(rate: Rate) -> str:
    """The rate with its 95 % confidence interval: a handful of pictures proves little, and the interval shows it."""
    if not rate.trials:
        return "not known (nobody has two samples, or there is only one person)"
    return f"{rate.value:.2%} of {rate.trials:,} (95 %: {rate.low:.2%} to {rate.high:.2%})"


def progress_line(progress: Progress) -> str:
    """A bar of BAR characters, then how many samples of how many are done."""
    filled = BAR * progress.done // progress.total
    return f"[{'#' * filled}{'.' * (BAR - filled)}] {progress.done} of {progress.total} samples"
