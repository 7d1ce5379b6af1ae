"""manage.py enroll_folder DIR [--json]: people from folders of pictures."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrollment.consent.policy import current_consent_policy, last_day
from enrollment.consent.records import NO_CONSENT, Consent, How
from enrollment.errors import PossibleDuplicate
from enrollment.management.progress import ProgressLine
from enrollment.models import LegalBasis
from enrollment.pictures.folder_import import (
    ALREADY,
    ENROLLED,
    REFUSED,
    SKIPPED,
    FileOutcome,
    PersonOutcome,
    find_folders,
    find_loose_files,
    import_folders,
)
from enrollment.pictures.resuming import DoneFolders
from enrollment.reasons import sentence_for
from enrollment.runtime.engine import get_engine
from recognizer.errors import PackError

TURN_S = 0.0005
"""How long storing may keep the engine's threads waiting for Python's lock. Python's own 5 ms are half a picture."""


class Command(BaseCommand):
    help = (
        "Enrols people from DIR/<person name>/*.jpg, *.png, *.webp, *.bmp. It records that no consent is known, unless "
        "--consent or --basis says otherwise. It may be run again: what is enrolled already stays as it is. "
        "Pictures from files cannot be checked for liveness. "
        "Do not enrol children under 13 for identification: these models take them for one another."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", metavar="DIR", type=Path)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        basis = parser.add_mutually_exclusive_group()
        basis.add_argument("--consent", choices=["paper"], help="everybody new has agreed on paper")
        basis.add_argument("--basis", choices=["contract", "other"], help="the legal basis, where it is not consent")
        parser.add_argument(
            "--resume",
            type=Path,
            metavar="FILE",
            help="note in FILE which folders are done (as hashes), and pass over those that it holds: a run that was "
            "stopped goes on",
        )
        parser.add_argument("--note", default="", help="kept with each record: which contract, where the papers are")

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        if not directory.is_dir():
            raise CommandError(f"There is no folder {directory}.")
        with _short_turns():
            people, passed = self._import(directory, consent_of(options), options["resume"], quiet=options["json"])
        loose = find_loose_files(directory)
        if not people and not passed and all(file.outcome == SKIPPED for file in loose):
            raise CommandError(f"{directory} has no folders in it. Make one per person, named like the person.")
        files = [*loose, *(file for person in people for file in person.files)]
        totals = count(people, files) | ({"folders_done_before": passed} if options["resume"] else {})
        if options["json"]:
            self.stdout.write(json.dumps(report(people, files, totals), indent=2))
        else:
            self._print_files(loose)
            self.stdout.write(summary(totals))
            if passed:
                self.stdout.write(f"{passed} folders were done in an earlier run, and not looked at again.")
            if totals["people_created"] and consent_of(options) == NO_CONSENT:
                self.stdout.write(
                    "No consent is recorded for who is new. If there is one, write it down on each person's page."
                )
        if totals["refused"] or totals["people_refused"]:
            raise CommandError(
                f"Not everything was enrolled: {totals['refused']} of {totals['files']} files and "
                f"{totals['people_refused']} of {len(people)} people were refused, for the reasons listed."
            )

    def _import(
        self, directory: Path, consent: Consent, resume: Path | None, *, quiet: bool
    ) -> tuple[list[PersonOutcome], int]:
        """What became of each folder, and how many were done before."""
        people = []
        line = ProgressLine()
        try:
            engine = get_engine()
            done = DoneFolders(resume, engine.contract_id) if resume else None
            found = find_folders(directory)
            folders = [folder for folder in found if done is None or folder not in done]
            total = sum(len(folder.pictures) for folder in folders)
            outcomes = import_folders(engine, folders, consent, tell=lambda seen: line.show(seen, total))
            for folder, person in zip(folders, outcomes, strict=True):
                people.append(person)
                if done is not None and person.person:
                    done.add(folder)
                if not quiet:
                    line.clear()
                    self._print(person)
        except BrokenPipeError:  # facesite/commandline.py ends quietly
            raise
        except (PackError, OSError) as error:
            raise CommandError(str(error)) from None
        finally:
            line.clear()
        return people, len(found) - len(folders)

    def _print_files(self, files: Sequence[FileOutcome]) -> None:
        for file in files:
            self.stdout.write(f"{file.outcome:8}  {file.person}/{file.path.name}  {file.message}".rstrip())

    def _print(self, person: PersonOutcome) -> None:
        self._print_files(person.files)
        if person.person is None and all(file.outcome == SKIPPED for file in person.files):
            self.stdout.write(f"{REFUSED:8}  {person.name}  {person.message}")
        for candidate in person.lookalikes:
            self.stdout.write(
                f"warning   {person.name} looks like {candidate.person.name} "
                f"(comparison score {candidate.comparison_score:.2f}). Check whether they are one person."
            )


@contextmanager
def _short_turns() -> Iterator[None]:
    """Threads hand on Python's lock after TURN_S."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def consent_of(options: Mapping[str, Any]) -> Consent:
    """What is recorded for everybody who is new. Raises CommandError for a note that has nothing to go with."""
    note = " ".join(options["note"].split())
    if options["consent"]:
        return Consent(How.PAPER, note=note, valid_until=last_day(current_consent_policy()))
    if options["basis"] == LegalBasis.OTHER and not note:
        raise CommandError("--basis other needs --note: say which legal basis it is.")
    if options["basis"]:
        return Consent(How.NOT_ASKED, legal_basis=options["basis"], note=note)
    if note:
        raise CommandError("--note belongs to --consent or --basis.")
    return NO_CONSENT


def count(people: Sequence[PersonOutcome], files: Sequence[FileOutcome]) -> dict[str, int]:
    """The totals of the run: people, files, and what became of them."""
    outcomes = Counter(file.outcome for file in files)
    return {
        "people": len(people),
        "people_created": sum(person.created for person in people),
        "people_refused": sum(person.person is None for person in people),
        "files": len(files),
        **{outcome: outcomes[outcome] for outcome in (ENROLLED, ALREADY, REFUSED, SKIPPED)},
        "possible_duplicates": sum(bool(person.lookalikes) for person in people),
    }


def summary(totals: dict[str, int]) -> str:
    """The last line of the text output. totals: from count()."""
    skipped = f" {totals[SKIPPED]} of them no pictures, passed over." if totals[SKIPPED] else ""
    return (
        f"{totals['people']} people, {totals['people_created']} of them new. {totals['files']} files: "
        f"{totals[ENROLLED]} enrolled, {totals[ALREADY]} already there, {totals[REFUSED]} refused.{skipped}"
    )


def report(people: Sequence[PersonOutcome], files: Sequence[FileOutcome], totals: dict[str, int]) -> dict[str, Any]:
    """The object that --json prints. totals: from count()."""
    return {
        "people": [
            {
                "id": str(person.person.uuid) if person.person else None,
                "name": person.person.name if person.person else person.name,
                "created": person.created,
                "samples": person.samples,
                "code": person.code,
                "message": person.message,
            }
            for person in people
        ],
        "files": [
            {
                "path": str(file.path),
                "person": file.person,
                "outcome": file.outcome,
                "code": file.code,
                "message": file.message,
            }
            for file in files
        ],
        "warnings": [
            {
                "code": PossibleDuplicate.code,
                "message": sentence_for(PossibleDuplicate.code),
                "person": person.name,
                "candidates": [
                    {
                        "id": str(candidate.person.uuid),
                        "name": candidate.person.name,
                        "comparison_score": round(candidate.comparison_score, 4),
                    }
                    for candidate in person.lookalikes
                ],
            }
            for person in people
            if person.lookalikes
        ],
        "totals": totals,
    }
