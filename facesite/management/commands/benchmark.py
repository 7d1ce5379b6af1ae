"""manage.py benchmark NAME [--json]: each lives in benchmarks/<name>.py."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recognizer.errors import RecognizerError

BENCHMARKS = {
    "pipeline": "what recognising one face costs beside the bare models",
    "gallery": "search latency, memory and recall beside numpy",
    "live": "many live streams against a real server",
    "api": "identify by the API against a real server",
    "fuzz": "damaged pictures: what decoding them takes at worst",
    "attacks": "what hostile clients can do to a real server",
    "records": "what retention and an export of a long history cost",
    "folder": "enroll_folder beside what the engine alone could do",
    "site": "every list of a large site, in a scratch database that it fills",
}
MODULES = {"site": "pages"}
"""Where a benchmark's module has another name: benchmarks/site.py is the site that others run on."""


class Command(BaseCommand):
    help = "Measures how fast facesite is on this machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = parser.add_subparsers(dest="benchmark", required=True, metavar=" | ".join(BENCHMARKS))
        for name, help_text in BENCHMARKS.items():
            own = names.add_parser(name, help=help_text)
            _module(name).add_arguments(own)
            own.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = _module(options["benchmark"]).run(**options)
        except BrokenPipeError:  # facesite/commandline.py ends quietly
            raise
        except (RecognizerError, ValueError, OSError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(result, indent=2))
        else:
            for line in table_lines(result):
                self.stdout.write(line)
        if result.get("failures"):
            raise CommandError(f"{len(result['failures'])} of {result['inputs']} inputs failed.")


def _module(name: str) -> ModuleType:
    return import_module(f"benchmarks.{MODULES.get(name, name)}")


def table_lines(result: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """One line per number; a mapping of mappings, or a list of mappings, becomes a table with a column per key."""
    width = max((len(str(key)) for key in result), default=0)
    for key, value in result.items():
        rows = _as_rows(value)
        if rows:
            yield f"{indent}{key}"
            yield from _columns(rows, f"{indent}  ")
        elif isinstance(value, Mapping):
            yield f"{indent}{key}"
            yield from table_lines(value, f"{indent}  ")
        else:
            yield f"{indent}{key!s:{width}}  {_show(value)}"


def _as_rows(value: Any) -> dict[str, Mapping[str, Any]]:
    """A table's rows by name; empty when the value is no table."""
    named = value if isinstance(value, Mapping) else {}
    if isinstance(value, list):
        named = {str(number): row for number, row in enumerate(value, start=1)}
    flat = all(
        isinstance(row, Mapping) and not any(isinstance(cell, (Mapping, list)) for cell in row.values())
        for row in named.values()
    )
    return dict(named) if named and flat else {}


def _columns(rows: Mapping[str, Mapping[str, Any]], indent: str) -> Iterator[str]:
    keys = list(dict.fromkeys(key for row in rows.values() for key in row))
    cells = [["", *keys], *([name, *(_show(row.get(key, "")) for key in keys)] for name, row in rows.items())]
    widths = [max(len(row[column]) for row in cells) for column in range(len(keys) + 1)]
    for name, *row in cells:
        numbers = (text.rjust(width) for text, width in zip(row, widths[1:], strict=True))
        yield (indent + "  ".join([name.ljust(widths[0]), *numbers])).rstrip()


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
