"""manage.py doctor [--json]: what is wrong with this site, and what to do. Changes nothing."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from facesite.doctor import Asked, Finding, State, examine

MARKS = {State.OK: "ok      ", State.WARNING: "warning ", State.PROBLEM: "PROBLEM ", State.SKIPPED: "skipped "}


class Command(BaseCommand):
    help = "Looks at database, keys, Redis, names, https, proxy, packs and liveness; says what is wrong and what to do."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", type=read_url, help="the address that browsers open: tries the way in")
        parser.add_argument("--live", type=Path, metavar="IMAGE", help="a picture of somebody before your camera")
        parser.add_argument(
            "--attack", type=Path, metavar="IMAGE", help="a picture of a photograph or screen before it"
        )
        parser.add_argument("--all-pictures", action="store_true", help="read every stored picture, not only for 20 s")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, url: str | None, live: Path | None, attack: Path | None, **options: Any) -> None:
        findings = []
        for finding in examine(Asked(url or "", live, attack, options["all_pictures"])):
            findings.append(finding)
            if not options["json"]:
                self.tell(finding)
        problems = sum(finding.state is State.PROBLEM for finding in findings)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not problems, "checks": [asdict(one) for one in findings]}, indent=2))
        if problems:
            raise CommandError(f"{problems} {'thing is' if problems == 1 else 'things are'} wrong with this site.")

    def tell(self, finding: Finding) -> None:
        self.stdout.write(f"{MARKS[finding.state]} {finding.name}: {finding.message}")
        if finding.advice:
            self.stdout.write(f"         -> {finding.advice}")


def read_url(text: str) -> str:
    """An http(s) address. Raises ArgumentTypeError."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ArgumentTypeError(f"--url must be an address such as https://faces.example.org, not '{text}'.")
    return text
