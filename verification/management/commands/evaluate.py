"""manage.py evaluate PAIRS.csv: accuracy of the pack on labelled pairs, for facesite's and the seed's pipeline."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from enrollment.runtime.engine import get_engine
from enrollment.runtime.policy import DEFAULT_FMR
from recognizer.calibration import ScoreDistribution
from recognizer.engine import FaceEngine
from recognizer.errors import RecognizerError
from recognizer.packs.local_packs import write_thresholds
from recognizer.packs.manifest import LOCAL_NAME
from verification.accuracy.charts import det_chart
from verification.accuracy.evaluation import PIPELINES, PairsInvalid, PipelineResult, Progress, read_pairs, run_pipeline
from verification.accuracy.evaluation_report import report
from verification.accuracy.thresholds import derive_thresholds

Show = Callable[[Mapping[str, Any]], str]


class Command(BaseCommand):
    help = (
        "Measure accuracy, error rates and thresholds on labelled pairs of pictures, for facesite's pipeline and the "
        "seed project's on the same weights. Writes nothing into the gallery."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "pairs", type=Path, metavar="PAIRS.csv", help="columns a, b, same (1 or 0), optionally fold"
        )
        parser.add_argument(
            "--images", type=Path, required=True, metavar="DIR", help="what the paths in a and b start from"
        )
        parser.add_argument("--pipeline", choices=list(PIPELINES), help="only this one (default: both)")
        parser.add_argument("--fmr", type=float, default=DEFAULT_FMR, help="operating threshold (default: %(default)g)")
        parser.add_argument(
            "--every-pair", action="store_true", help="also compare all pictures with all; their folders say who is who"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--markdown", action="store_true", help="print only the table, for a document")
        parser.add_argument(
            "--write-thresholds",
            action="store_true",
            help="keep what was measured as this pack's thresholds, in local.toml of the models folder",
        )
        parser.add_argument("--plot", type=Path, metavar="DET.svg", help="draw the DET curves")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write_thresholds"] and options["pipeline"] == "seed":
            raise CommandError("Thresholds are those of facesite's pipeline: leave out --pipeline seed.")
        names = [options["pipeline"]] if options["pipeline"] else list(PIPELINES)
        try:
            pairs = read_pairs(options["pairs"], options["images"])
            engine = get_engine()
            check_fmr(engine, options["fmr"])
            check_plot(options["plot"])
            results = [
                run_pipeline(name, engine, pairs, options["images"], fmr=options["fmr"], progress=show_progress(name))
                for name in names
            ]
        except (PairsInvalid, RecognizerError) as error:
            raise CommandError(str(error)) from error
        reports = {result.name: report(result, every_pair=options["every_pair"]) for result in results}
        if options["plot"]:
            scores = {one.name: one.every_pair if options["every_pair"] else one.distribution for one in results}
            write_plot(options["plot"], engine.pack.name, scores)
        document = describe(engine, options) | {"pipelines": reports} | reports[names[0]]
        if options["write_thresholds"]:
            document["thresholds_written"] = write_measured(engine, results[0], options)
        if options["json"]:
            self.stdout.write(json.dumps(document, indent=2))
        else:
            self.stdout.write("\n".join(as_markdown(reports) if options["markdown"] else as_text(document)))


def check_fmr(engine: FaceEngine, fmr: float) -> None:
    """Raises CommandError for a rate that the pack has no threshold for."""
    known = engine.pack.thresholds
    if fmr not in known:
        raise CommandError(f"The pack {engine.pack.name} has no threshold for {fmr:g}; choose {_listed(known)}.")


def _listed(known: Mapping[float, Any]) -> str:
    return ", ".join(f"{rate:g}" for rate in known)


def check_plot(plot: Path | None) -> None:
    """Raises CommandError for a chart without a folder to lie in: before minutes of work, not after."""
    if plot and not plot.parent.is_dir():
        raise CommandError(f"The chart cannot be written: there is no folder {plot.parent}.")


def describe(engine: FaceEngine, options: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured and how: the beginning of the document that --json prints."""
    return {
        "pack": engine.pack.name,
        "contract_id": engine.contract_id,
        "pairs_file": str(options["pairs"]),
        "operating_fmr": options["fmr"],
        "face_choice": "of several faces the large and central one: side * (1 - distance from centre / half diagonal)",
    }


def show_progress(name: str) -> Progress | None:
    """A counter on standard error; None where that is no terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        sys.stderr.write(f"\r{name}: {done} of {total} pictures" + ("\n" if done == total else ""))
        sys.stderr.flush()

    return show


def write_plot(path: Path, pack: str, scores: Mapping[str, ScoreDistribution]) -> None:
    """Draw one curve per pipeline. The file is written whole or not at all. Raises CommandError."""
    chart = det_chart({name: one.det_curve() for name, one in scores.items()}, title=f"DET, pack {pack}")
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(chart)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise CommandError(f"The chart {path} could not be written: {error.strerror}.") from error


def write_measured(engine: FaceEngine, result: PipelineResult, options: Mapping[str, Any]) -> dict[str, Any]:
    """Write the measured thresholds into local.toml; they hold from the next start on. Returns what was written.

    Raises CommandError; the old thresholds then stay.
    """
    every = options["every_pair"]
    try:
        derived = derive_thresholds(result.every_pair if every else result.distribution)
        source = derived.source(f"{options['pairs'].name}{', every pair' if every else ''}", timezone.now().date())
        pack = write_thresholds(settings.FACESITE_MODELS_DIR, engine.pack.name, match=derived.match, source=source)
    except RecognizerError as error:
        raise CommandError(f"The thresholds were not written. {error}") from error
    except OSError as error:
        raise CommandError(f"The thresholds were not written: {error.strerror}.") from error
    return {
        "file": str(settings.FACESITE_MODELS_DIR / LOCAL_NAME),
        "source": pack.thresholds_source,
        "match": {f"{rate:g}": threshold for rate, threshold in derived.match.items()},
    }


def as_markdown(reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The table of ROWS as Markdown lines. reports: pipeline -> evaluation_report.report()."""
    lines = ["| | " + " | ".join(reports) + " |", "|---" * (len(reports) + 1) + "|"]
    return lines + [f"| {label} | " + " | ".join(show(one) for one in reports.values()) + " |" for label, show in ROWS]


def as_text(document: Mapping[str, Any]) -> list[str]:
    """The pipelines side by side, then the thresholds, failures and doubts behind the numbers."""
    reports: Mapping[str, Mapping[str, Any]] = document["pipelines"]
    rows = [("", list(reports))]
    for label, show in ROWS:
        rows.append((label, [show(one) for one in reports.values()]))
    lines = [f"Pack {document['pack']}, {document['pairs_file']}"]
    lines += ["Every rate is that of these pictures: other people, light and cameras have other rates.", ""]
    lines += [f"{label:26}" + "".join(f"{cell:>26}" for cell in cells) for label, cells in rows]
    for name, one in reports.items():
        lines += ["", f"{name}: accuracy {one['accuracy_method']}", *_threshold_lines(one)]
        lines += [
            f"  no face from {entry['file']} ({entry['reason']})" for entry in one["failure_to_acquire"]["pictures"]
        ]
    if written := document.get("thresholds_written"):
        values = ", ".join(f"{threshold:.3f} at {rate}" for rate, threshold in written["match"].items())
        lines += ["", f"Written to {written['file']}: {values}.", f"  {written['source']}"]
        lines.append("  Restart facesite to use them.")
    doubts = [one["doubt"] for one in document["tar_at_fmr"].values() if one["doubt"]]
    return [*lines, *([""] if doubts else []), *doubts]


def _threshold_lines(one: Mapping[str, Any]) -> list[str]:
    lines = []
    for source, rows in (("", one["thresholds"]), (", every pair", one.get("every_pair", {}).get("thresholds", []))):
        for row in rows:
            meant = f"meant for FMR {row['target_fmr']:g}" if row["target_fmr"] else "the seed's own"
            fmr, fnmr = _interval(row, "fmr"), _interval(row, "fnmr")
            lines.append(f"  threshold {row['match_threshold']:.3f} ({meant}{source}): FMR {fmr}, FNMR {fnmr}")
    return lines


def _interval(row: Mapping[str, Any], name: str) -> str:
    return f"{_percent(row[name])} [{_percent(row[f'{name}_low'])}, {_percent(row[f'{name}_high'])}]"


def _bounds(interval: Sequence[float]) -> str:
    return f"{_percent(interval[0])} to {_percent(interval[1])}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.3g} %"


def _tar(fmr: str) -> Show:
    def show(one: Mapping[str, Any]) -> str:
        found = one["tar_at_fmr"][fmr]
        return _percent(found["tar"]) + ("" if found["enough_pairs"] else " (?)")

    return show


ROWS: tuple[tuple[str, Show], ...] = (
    ("accuracy", lambda one: _percent(one["accuracy"])),
    ("accuracy at threshold", lambda one: _percent(one["accuracy_at_threshold"])),
    ("match threshold (cosine)", lambda one: f"{one['match_threshold']:.3f}"),
    ("FMR", lambda one: _percent(one["fmr"])),
    ("FMR, 95 % interval", lambda one: _bounds(one["fmr_interval"])),
    ("FNMR", lambda one: _percent(one["fnmr"])),
    ("FNMR, 95 % interval", lambda one: _bounds(one["fnmr_interval"])),
    ("TAR at FMR 0.1 %", _tar("0.001")),
    ("TAR at FMR 0.01 %", _tar("0.0001")),
    ("equal error rate", lambda one: _percent((one["equal_error_rate"] or {}).get("rate"))),
    (
        "failure to acquire",
        lambda one: f"{one['failure_to_acquire']['count']} ({_percent(one['failure_to_acquire']['rate'])})",
    ),
    ("pairs used", lambda one: f"{one['pairs']['used']} of {one['pairs']['listed']}"),
    ("seconds", lambda one: f"{one['seconds']:g}"),
)
