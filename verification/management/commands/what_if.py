"""manage.py what_if: which attempts of the last days another threshold or model pack would have decided otherwise."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from enrollment.runtime.engine import get_engine, start_engine
from enrollment.runtime.gallery import current_gallery
from recognizer.engine import FaceEngine
from recognizer.errors import RecognizerError
from recognizer.packs.choosing import policy_for
from recognizer.types import DecisionPolicy
from verification.accuracy.history import PastDecision, read_history
from verification.accuracy.other_pack import other_side, replay_pack, side_in_use
from verification.accuracy.what_if import replay
from verification.models import VerificationAttempt
from verification.policy import current_policy, nearest_fmr

Attempts = tuple[PastDecision, ...]


class Command(BaseCommand):
    help = (
        "Decides the attempts of the last days again, under another threshold or with another model pack, and lists "
        "those that would have been decided otherwise. Changes and stores nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pack", metavar="NAME", help="another installed pack; it looks at the kept pictures")
        limit = parser.add_mutually_exclusive_group()
        limit.add_argument("--threshold", type=float, help="cosine that one comparison must reach")
        limit.add_argument("--fmr", type=float, help="false-match rate of the pack instead, for example 0.0001")
        parser.add_argument("--days", type=int, default=30, help="how far back (default: %(default)s)")
        parser.add_argument("--most", type=int, default=2_000, help="attempts, newest first (default: %(default)s)")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1 or options["most"] < 1:
            raise CommandError("--days and --most must be 1 or more.")
        if not (options["pack"] or options["threshold"] is not None or options["fmr"]):
            raise CommandError("Say what should be different: --threshold, --fmr or --pack.")
        if options["threshold"] is not None and not -1 <= options["threshold"] <= 1:
            raise CommandError("--threshold is a cosine, from -1 to 1.")
        try:
            engine = get_engine()
            history = read_history(PastDecision, engine.contract_id, options["days"])
            found = self._replayed(engine, history.attempts[: options["most"]], options)
        except RecognizerError as error:
            raise CommandError(str(error)) from None
        found["left_out"] = history.cut or len(history.attempts) > options["most"]
        self.stdout.write(json.dumps(found, indent=2) if options["json"] else "\n".join(as_text(found)))

    def _replayed(self, engine: FaceEngine, attempts: Attempts, options: dict[str, Any]) -> dict[str, Any]:
        if not options["pack"]:
            return under_threshold(engine, attempts, asked_policy(engine, engine, options))
        other = start_engine(options["pack"])
        try:
            return with_pack(engine, other, attempts, asked_policy(engine, other, options))
        finally:
            other.close()


def asked_policy(engine: FaceEngine, other: FaceEngine, options: dict[str, Any]) -> DecisionPolicy:
    """The policy in force, with what was asked for instead, for the other engine's pack. Raises PackUnknown."""
    now = current_policy(engine)
    fmr = nearest_fmr(other.pack, options["fmr"] or now.fmr)
    return policy_for(other.pack, fmr, now.liveness, match_threshold=options["threshold"])


def under_threshold(engine: FaceEngine, attempts: Attempts, policy: DecisionPolicy) -> dict[str, Any]:
    """What --json prints for another threshold."""
    found = replay(attempts, policy, current_gallery(engine).people)
    return {
        "pack": engine.pack.name,
        "match_threshold": policy.match_threshold,
        "replayed": found.replayed,
        "untouched": found.untouched,
        "changes": rows((one.attempt, one.attempt.verdict, one.verdict.value) for one in found.changes),
    }


def with_pack(engine: FaceEngine, other: FaceEngine, attempts: Attempts, policy: DecisionPolicy) -> dict[str, Any]:
    """What --json prints for another pack."""
    found = replay_pack(attempts, side_in_use(engine, current_policy(engine)), other_side(other, policy))
    return {
        "pack": other.pack.name,
        "match_threshold": policy.match_threshold,
        "replayed": found.replayed,
        "repeated_by_pack_in_use": found.repeated,
        "without_picture": found.without_picture,
        "untouched": found.untouched,
        "changes": rows((one.attempt, one.verdict.value, one.other_verdict.value) for one in found.changes),
    }


def rows(changes: Iterable[tuple[PastDecision, str, str]]) -> list[dict[str, Any]]:
    """The attempts that would have been decided otherwise, with both verdicts; without those erased meanwhile."""
    listed = list(changes)
    stored = VerificationAttempt.objects.only("uuid", "created_at").in_bulk([attempt.pk for attempt, _, _ in listed])
    return [
        row(stored[attempt.pk], attempt, before, after) for attempt, before, after in listed if attempt.pk in stored
    ]


def row(stored: VerificationAttempt, attempt: PastDecision, before: str, after: str) -> dict[str, Any]:
    """One of them; no names."""
    return {
        "attempt": str(stored.uuid),
        "page": reverse("verification:attempt", args=[stored.uuid]),
        "at": stored.created_at.isoformat(timespec="seconds"),
        "mode": attempt.mode,
        "comparison_score": attempt.comparison_score,
        "verdict": before,
        "other_verdict": after,
    }


def as_text(found: dict[str, Any]) -> list[str]:
    """The lines that are printed without --json."""
    lines = [
        f"Pack {found['pack']} at {found['match_threshold']:.3f} for one comparison: {len(found['changes'])} of "
        f"{found['replayed']} attempts would have been decided otherwise."
    ]
    if "without_picture" in found:
        lines.append(
            f"Both packs looked at one kept picture each. That way the pack in use repeats "
            f"{found['repeated_by_pack_in_use']} of its verdicts. Of {found['without_picture']} attempts none is left."
        )
    lines.append(f"{found['untouched']} attempts were decided by something else than a score.")
    if found["left_out"]:
        lines.append("Older attempts were left out: raise --most.")
    return lines + [
        f"  {one['at']}  {one['verdict']} -> {one['other_verdict']}  {one['page']}" for one in found["changes"]
    ]
