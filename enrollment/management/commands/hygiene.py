"""manage.py hygiene [--json]: likely duplicates, samples that do not fit, look-alikes. Writes nothing."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from enrollment.hygiene.report import HygieneReport, Misfit, SimilarPeople, build_report
from enrollment.hygiene.resuming import KeptSteps
from enrollment.models import Person
from enrollment.runtime.engine import get_engine
from recognizer.errors import RecognizerError

FACTS = ("contract_id", "people", "templates", "match_threshold", "uncertain_threshold", "fit_threshold", "fmr")
COUNTS = ("duplicate_count", "lookalike_count", "misfit_count")


class Command(BaseCommand):
    help = (
        "Looks through the whole gallery for people who are enrolled twice, samples that do not fit their person and "
        "people who look alike. Changes nothing; decide about each on the page 'Duplicates and look-alikes'."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
        parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows of each kind (default: 100)")

        parser.add_argument(
            "--resume",
            type=Path,
            metavar="FILE",
            help="keep there how far it is (no faces, no names): the same command goes on after it was stopped",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"] < 0:
            raise CommandError("--limit must be 0 or more.")
        try:
            report = build_report(
                get_engine(),
                shown=options["limit"],
                steps=lambda digest: KeptSteps(digest, options["resume"], self.stderr.write),
            )
        except RecognizerError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            where = options["resume"] or error.filename or "A file"
            raise CommandError(f"{where} cannot be used: {error.strerror}.") from None
        if options["json"]:
            self.stdout.write(json.dumps(as_json(report), indent=2))
        else:
            for line in as_text(report):
                self.stdout.write(line)


def as_json(report: HygieneReport) -> dict[str, Any]:
    """The object that --json prints: the report's numbers, then its rows."""
    facts = {name: getattr(report, name) for name in (*FACTS, *COUNTS)}
    return facts | {
        "seconds": round(report.seconds, 2),
        "duplicates": [_similar(row) for row in report.duplicates],
        "lookalikes": [_similar(row) for row in report.lookalikes],
        "misfits": [_misfit(row) for row in report.misfits],
        "noted_different": [
            {"people": [_person(pair.first), _person(pair.second)], "comparison_score": pair.comparison_score}
            for pair in report.noted
        ],
    }


def as_text(report: HygieneReport) -> list[str]:
    """The lines that are printed without --json."""
    return [
        f"{report.templates} templates of {report.people} people compared in {report.seconds:.1f} s",
        f"Likely duplicates: {report.duplicate_count} (comparison score {report.match_threshold:.3f} or more; "
        f"false-match rate {report.fmr:.0e} per comparison {report.population})",
        *(f"  {_line(row)}" for row in report.duplicates),
        f"Samples that do not fit their person: {report.misfit_count} "
        f"(every comparison with those that hang together below {report.fit_threshold:.3f})",
        *(f"  {_misfit_line(row)}" for row in report.misfits),
        f"Look-alikes: {report.lookalike_count} (from {report.uncertain_threshold:.3f} up to the match threshold)",
        *(f"  {_line(row)}" for row in report.lookalikes),
        f"Pairs noted as different people: {len(report.noted)}",
    ]


def _line(row: SimilarPeople) -> str:
    return (
        f"{row.comparison_score:.3f}  {row.first.name} ({row.first.uuid}) and {row.second.name} ({row.second.uuid}): "
        f"{row.matching} of {row.comparisons} comparisons match"
    )


def _misfit_line(row: Misfit) -> str:
    words = f"{row.best_score:.3f}  {row.person.name} ({row.person.uuid}), sample {row.sample.uuid}"
    if row.resembles:
        words += f"; it matches {row.resembles.name} ({row.resembles_score:.3f})"
    return words if row.settled else f"{words}; the samples disagree and none has the majority"


def _similar(row: SimilarPeople) -> dict[str, Any]:
    return {
        "people": [_person(row.first), _person(row.second)],
        "samples": [str(row.first_sample.uuid), str(row.second_sample.uuid)],
        "comparison_score": round(row.comparison_score, 4),
        "comparisons": row.comparisons,
        "matching": row.matching,
    }


def _misfit(row: Misfit) -> dict[str, Any]:
    return {
        "person": _person(row.person),
        "sample": str(row.sample.uuid),
        "best_score": round(row.best_score, 4),
        "settled": row.settled,
        "resembles": _person(row.resembles) if row.resembles else None,
        "resembles_score": None if row.resembles_score is None else round(row.resembles_score, 4),
    }


def _person(person: Person) -> dict[str, str]:
    return {"id": str(person.uuid), "name": person.name}
