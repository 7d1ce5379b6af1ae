"""manage.py import_compreface URL --api-key-file FILE: people and pictures of a CompreFace become people here."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api.moving import CompreFace, CompreFaceRefused, import_people
from enrollment.consent.policy import current_consent_policy, last_day
from enrollment.consent.records import NO_CONSENT, Consent, How
from enrollment.pictures.folder_import import ENROLLED, REFUSED, PersonOutcome
from enrollment.runtime.engine import get_engine
from recognizer.errors import PackError


class Command(BaseCommand):
    help = (
        "Takes people over from a CompreFace through its API: each subject becomes a person, its examples samples. "
        "It may be run again: who is here already gets only what is new. "
        "Pictures from files cannot be checked for liveness. "
        "Do not enrol children under 13 for identification: these models take them for one another."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", metavar="URL", help="of the CompreFace, such as http://compreface:8000")
        parser.add_argument(
            "--api-key-file", type=Path, required=True, metavar="FILE", help="holds the key of its recognition service"
        )
        parser.add_argument("--consent", choices=["paper"], help="everybody new has agreed on paper")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, url: str, api_key_file: Path, **options: Any) -> None:
        if not url.startswith(("http://", "https://")):
            raise CommandError("URL must begin with http:// or https://.")
        try:
            source = CompreFace(url, api_key_file.read_text().strip())
        except OSError as error:
            raise CommandError(f"{api_key_file} cannot be read: {error.strerror}.") from None
        consent = NO_CONSENT
        if options["consent"]:
            consent = Consent(How.PAPER, valid_until=last_day(current_consent_policy()))
        people = []
        try:
            for outcome in import_people(get_engine(), source, consent):
                people.append(report(outcome))
                if not options["json"]:
                    self.stdout.write(line(people[-1]))
        except (CompreFaceRefused, PackError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps({"people": people}, indent=2))
        refused = sum(person["id"] is None for person in people)
        if refused:
            raise CommandError(f"{refused} of {len(people)} subjects were not taken over, for the reasons listed.")


def report(outcome: PersonOutcome) -> dict[str, Any]:
    """What --json prints of one subject."""
    return {
        "subject": outcome.name,
        "id": str(outcome.person.uuid) if outcome.person else None,
        "created": outcome.created,
        "added": sum(file.outcome == ENROLLED for file in outcome.files),
        "refused": [
            {"image_id": file.path.name, "code": file.code, "message": file.message}
            for file in outcome.files
            if file.outcome == REFUSED
        ],
        "code": outcome.code,
        "message": outcome.message,
    }


def line(person: dict[str, Any]) -> str:
    if person["id"] is None:
        return f"refused  {person['subject']}: {person['message']}"
    lost = f", {len(person['refused'])} refused" if person["refused"] else ""
    return f"{'new' if person['created'] else 'known':7}  {person['subject']}: {person['added']} pictures{lost}"
