"""manage.py audit verify | export FILE | key: the chain of audit rows, checked, taken elsewhere, and its public key."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from security.audit.chain import Report
from security.audit.exporting import verify_lines, write_export
from security.audit.sealing import seal_now
from security.audit.signing import AuditKeyUnusable, VerifyingKey, site_key
from security.audit.stored import verify_stored


class Command(BaseCommand):
    requires_system_checks = []  # a file is verified where there is no site
    help = "Verifies the audit trail, exports it, seals it, and shows the public key that its seals are checked with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser("verify", help="check every row and seal; exit 1 and the first wrong row")
        verify.add_argument("--file", type=Path, help="an export, checked without the database")
        verify.add_argument(
            "--public-key", action="append", default=[], metavar="KEY", help="a key to trust: base64, or a file of it"
        )
        verify.add_argument("--json", action="store_true", help="print one JSON object")
        export = actions.add_parser("export", help="write the whole trail as JSON lines")
        export.add_argument("file", type=Path, metavar="FILE")
        actions.add_parser("seal", help="sign the chain now instead of once a day")
        actions.add_parser("key", help="print the public key")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"handle_{options['action']}")(**options)
        except AuditKeyUnusable as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or options.get('file')}: {error.strerror}.") from None

    def handle_verify(self, *, file: Path | None, public_key: list[str], json: bool, **options: Any) -> None:
        keys = [_read_key(text) for text in public_key]
        if file:
            with file.open("rb") as lines:
                report = verify_lines(lines, keys)
        else:
            report = verify_stored(keys)
        if json:
            self.stdout.write(to_json(report.as_json()))
        elif report.problem is None:
            self.stdout.write(describe(report))
        if report.problem:
            raise CommandError(report.problem.sentence)

    def handle_export(self, *, file: Path, **options: Any) -> None:
        lines = write_export(file, actor=None)
        self.stdout.write(f"{lines:,} lines were written to {file}.")

    def handle_seal(self, **options: Any) -> None:
        sealed = seal_now()
        if sealed is None:
            raise CommandError("Nothing was sealed: there are no rows, or they do not fit. See: manage.py audit verify")
        self.stdout.write(f"The chain is sealed through row {sealed.number}.")

    def handle_key(self, **options: Any) -> None:
        self.stdout.write(site_key().public.public_text)


def describe(report: Report) -> str:
    """One line for people."""
    if not report.rows:
        return "The audit trail has no rows yet."
    begin = (
        "" if report.first == 1 else f" Rows before {report.first} were taken away by retention, which signed for it."
    )
    sealed = (
        f" Sealed through row {report.sealed_through} on {report.sealed_at[:10]}."
        if report.seals
        else " Nothing is sealed yet."
    )
    return f"All {report.rows:,} rows are whole, from {report.first} to {report.through}.{begin}{sealed}"


def to_json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2)


def _read_key(text: str) -> VerifyingKey:
    path = Path(text)
    try:
        is_file = path.is_file()
    except OSError:
        is_file = False
    return VerifyingKey.from_text(path.read_text(errors="replace") if is_file else text)
