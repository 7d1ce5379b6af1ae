"""manage.py encryption status | seal | rotate [--json]: how the stored faces are encrypted, and with which keys."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from facesite.upkeep import COLUMNS
from security.encryption.older import count_in_plain, seal_older
from security.encryption.rotating import (
    begin_rotation,
    count_to_rotate,
    key_models,
    retire_old_keys,
    rotate,
    rotation_begun,
)
from security.encryption.site_keys import current_site_key, key_file
from security.sign_in.sealing import seal_older_secrets


class Command(BaseCommand):
    help = "Shows how stored faces are encrypted (status), encrypts older ones (seal), changes the site key (rotate)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="status | seal | rotate")
        for name, help_text in (
            ("status", "what is encrypted, with which keys"),
            ("seal", "encrypt what versions before encryption wrote; can be stopped and run again"),
            ("rotate", "wrap every key with a new site key; can be stopped and run again"),
        ):
            own = actions.add_parser(name, help=help_text)
            own.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        done = {}
        if action == "seal":
            faces = self.follow(seal_older(COLUMNS), "values encrypted", options["json"])
            done = {"sealed": faces + seal_older_secrets()}
        if action == "rotate":
            begin_rotation()
            done = {"rotated": self.follow(rotate(), "keys wrapped again", options["json"])}
        retire_old_keys()
        status = done | describe()
        if options["json"]:
            self.stdout.write(json.dumps(status, indent=2))
        else:
            self.stdout.write("\n".join(sentences(status)))

    def follow(self, batches: Iterator[int], what: str, silent: bool) -> int:
        total = 0
        for number in batches:
            total += number
            if not silent and (total // 10_000) > (total - number) // 10_000:
                self.stdout.write(f"{total:,} {what} so far")
                self.stdout.flush()
        return total


def describe() -> dict[str, Any]:
    """The state of encryption. Raises SiteKeyUnusable."""
    current, path = current_site_key(), key_file()
    keys = {model._meta.db_table: model._default_manager.count() for model in key_models()}
    plain = count_in_plain(COLUMNS)
    return {
        "algorithm": "AES-256-GCM",
        "site_key": current.fingerprint,
        "site_key_from": str(path) if path else "FACESITE_DATA_KEY",
        "keys": keys,
        "keys_to_rotate": count_to_rotate(),
        "rotating": rotation_begun(),
        "in_plain": plain,
        "encrypted": not any(plain.values()),
    }


def sentences(status: dict[str, Any]) -> Iterator[str]:
    if "sealed" in status:
        yield f"{status['sealed']:,} values were encrypted."
    if "rotated" in status:
        yield f"{status['rotated']:,} keys were wrapped again with the new site key."
    yield f"The site key is {status['site_key']}, from {status['site_key_from']}."
    yield f"{sum(status['keys'].values()):,} keys are wrapped with it or with the one before: one for each person, "
    yield "picture of an attempt, unknown face, recorded wrong match and authenticator app."
    if status["keys_to_rotate"]:
        yield f"{status['keys_to_rotate']:,} keys still have the site key before: run `manage.py encryption rotate`."
    if status["encrypted"]:
        yield "Every stored face is encrypted (AES-256-GCM)."
    else:
        left = ", ".join(f"{number:,} in {name}" for name, number in status["in_plain"].items() if number)
        yield f"Not encrypted yet: {left}. The running product encrypts them; `manage.py encryption seal` does at once."
