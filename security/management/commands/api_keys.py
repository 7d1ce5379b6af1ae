"""manage.py api_keys create NAME --scope S... | list | revoke ID: how other programs get in."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from security.keys.services import REQUESTS_PER_MINUTE, create_key, list_keys, revoke_key
from security.models import ApiKey


class Command(BaseCommand):
    help = "Make, list and revoke the keys of the REST API. A key's secret is printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="do", required=True)
        create = commands.add_parser("create", help="make a key and print its secret")
        create.add_argument("name", help="what will use it, such as: front door")
        create.add_argument("--scope", dest="scopes", nargs="+", action="extend", required=True, metavar="SCOPE")
        create.add_argument("--address", dest="addresses", nargs="+", action="extend", default=[], metavar="NETWORK")
        create.add_argument("--expires", metavar="YYYY-MM-DD", help="the last day; default: it does not expire")
        create.add_argument("--requests-per-minute", type=int, default=REQUESTS_PER_MINUTE)
        create.add_argument("--json", action="store_true", help="print one JSON object")
        commands.add_parser("list").add_argument("--json", action="store_true", help="print one JSON object")
        commands.add_parser("revoke").add_argument("id", type=int, help="as the list has it")

    def handle(self, *, do: str, **options: Any) -> None:
        if do == "create":
            self._create(options)
        elif do == "list":
            self._list(as_json=options["json"])
        else:
            self._revoke(options["id"])

    def _create(self, options: dict[str, Any]) -> None:
        try:
            key, secret = create_key(
                actor=None,
                name=options["name"],
                scopes=options["scopes"],
                addresses=options["addresses"],
                expires_at=end_of(options["expires"]),
                requests_per_minute=options["requests_per_minute"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        if options["json"]:
            self.stdout.write(json.dumps({**facts_of(key), "secret": secret}, indent=2))
            return
        self.stdout.write(f"Key {key.pk} for {key.name}. The secret is shown only now:")
        self.stdout.write(secret)

    def _list(self, *, as_json: bool) -> None:
        keys = list(list_keys())
        if as_json:
            self.stdout.write(json.dumps({"keys": [facts_of(key) for key in keys]}, indent=2))
            return
        for key in keys:
            used = f"last used {key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never used"
            self.stdout.write(f"{key.pk}: {key.name} ({key.prefix}), {' '.join(key.scopes)}, {state_of(key)}, {used}")
        if not keys:
            self.stdout.write("There are no keys.")

    def _revoke(self, pk: int) -> None:
        key = ApiKey.objects.filter(pk=pk).first()
        if key is None:
            raise CommandError("There is no such key. Run: manage.py api_keys list")
        done = revoke_key(actor=None, key=key)
        self.stdout.write(f"{key} was revoked." if done else f"{key} had been revoked before.")


def end_of(day: str | None) -> datetime | None:
    """The end of that day, UTC. Raises CommandError."""
    if not day:
        return None
    try:
        return datetime.combine(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC), time.max, UTC)
    except ValueError:
        tomorrow = timezone.now() + timedelta(days=1)
        raise CommandError(f"--expires takes a day such as {tomorrow:%Y-%m-%d}, not '{day}'.") from None


def state_of(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    if key.expires_at is None:
        return "does not expire"
    return f"{'expired' if key.expires_at <= timezone.now() else 'expires'} {key.expires_at:%Y-%m-%d}"


def facts_of(key: ApiKey) -> dict[str, Any]:
    """JSON values; without the secret, which nobody has."""
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "last_used_at", "revoked_at")}
    return {
        "id": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "addresses": key.addresses,
        "requests_per_minute": key.requests_per_minute,
        **{name: at.isoformat(timespec="seconds") if at else None for name, at in times.items()},
    }
