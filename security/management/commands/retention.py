"""manage.py retention [--dry-run] [--json]: erase what is due under the site's retention rules."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from security.daily import run_task
from security.leases import LeaseLost, LeaseTaken
from security.models import RetentionRun
from security.retention.rules import retention_rules
from security.retention.runner import TASK, Due, RetentionFailed, what_is_due


class Command(BaseCommand):
    help = (
        "Erases what is due under the rules of the page /site/retention/, in small steps, so that the site goes on. "
        "The site does it every night by itself. --dry-run says what would be erased, and changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what is due; change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        due = what_is_due()
        if options["dry_run"]:
            self.tell(due, None, as_json=options["json"])
            return
        try:
            problem = carry_out()
        except LeaseTaken:
            raise CommandError(
                "Another process of this site erases right now. Wait until it is done; if it was killed, try again "
                "in two minutes."
            ) from None
        except LeaseLost:
            raise CommandError("This machine stood still for too long, and another process took over.") from None
        self.tell(due, RetentionRun.objects.latest("pk"), as_json=options["json"])
        if problem:
            raise CommandError(problem)

    def tell(self, due: Sequence[Due], run: RetentionRun | None, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report(due, run), indent=2))
            return
        for rule in report(due, run)["rules"]:
            days = "kept" if rule["days"] is None else f"{rule['days']} day{'' if rule['days'] == 1 else 's'}"
            count = f"{rule['due']} due" if run is None else f"{rule['erased']} erased"
            self.stdout.write(f"{rule['label']} ({days}): {count}")


def carry_out() -> str:
    """Run it here and now. Returns what could not be done, as a sentence; empty: everything was."""
    try:
        run_task(TASK, asked_by="command")
    except RetentionFailed as error:
        labels = [str(retention_rules.by_key[key].label) for key in error.rules]
        return f"Not all that is due was erased: {', '.join(labels)}. The log says why; running it again goes on."
    return ""


def report(due: Sequence[Due], run: RetentionRun | None) -> dict[str, Any]:
    """The object that --json prints; docs/security.md describes it. run None: a dry run."""
    erased = run.erased if run else {}
    rules = [
        {
            "key": each.rule.key,
            "label": str(each.rule.label),
            "days": each.days,
            "due": each.count,
            "erased": erased.get(each.rule.key, 0),
        }
        for each in due
    ]
    return {
        "dry_run": run is None,
        "state": run.state if run else "dry_run",
        "due": sum(each.count for each in due),
        "erased": sum(erased.values()),
        "rules": rules,
    }
