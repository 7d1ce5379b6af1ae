"""What the report says of each person, file and row, and the report as a file.

Lines are written in English, with codes; pages say them in the language of whoever reads them, the file does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.translation import gettext, gettext_lazy, gettext_noop, pgettext_lazy

from enrollment.errors import PossibleDuplicate
from enrollment.importing.archive import Member
from enrollment.importing.matching import Entry, Plan
from enrollment.importing.reasons import SENTENCES, ImportReason
from enrollment.models import ImportLine, ImportRun
from enrollment.pictures.folder_import import ALREADY, ENROLLED, REFUSED, SKIPPED, PersonOutcome
from enrollment.pictures.photos import TOO_LARGE, too_large
from enrollment.reasons import ENGINE_ERRORS, EnrollmentReason, sentence_for, sentence_for_photo
from recognizer.errors import FrameTooLarge
from security.kept import kept_in_words
from security.languages import in_english
from security.tables import csv_lines

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

NEW, KNOWN, WARNING, NOTE = "new", "known", "warning", "note"
COLUMNS = ("place", "person", "outcome", "code", "message", "other_person", "comparison_score")
ROW = gettext_noop("Row {number}: {name}")
LOOKS_LIKE = gettext_noop("These pictures look like somebody who is enrolled. Check whether they are one person.")
HARMLESS = frozenset({"", EnrollmentReason.ALREADY_ENROLLED, EnrollmentReason.NOT_A_PICTURE})


LABELS = {
    NEW: gettext_lazy("New person"),
    KNOWN: gettext_lazy("Known person"),
    ENROLLED: gettext_lazy("Enrolled"),
    ALREADY: gettext_lazy("Already there"),
    REFUSED: gettext_lazy("Refused"),
    SKIPPED: gettext_lazy("Passed over"),
    WARNING: gettext_lazy("Looks like somebody"),
    NOTE: pgettext_lazy("a line of a report", "Note"),
}
TONES = {REFUSED: "non_match", WARNING: "uncertain", NOTE: "uncertain", NEW: "match", ENROLLED: "match"}
"""Badges; any other is neutral."""
TOTALS = {
    "people_new": gettext_lazy("New people"),
    "people_known": gettext_lazy("Known people"),
    "people_refused": gettext_lazy("People refused"),
    ENROLLED: gettext_lazy("Pictures enrolled"),
    ALREADY: gettext_lazy("Pictures already there"),
    REFUSED: gettext_lazy("Files refused"),
    SKIPPED: gettext_lazy("Files passed over"),
    "possible_duplicates": gettext_lazy("People who look like others"),
}
COUNTS = tuple(TOTALS)


def sentence_of(code: str, message: str = "") -> str:
    """The sentence of a code, whichever table it stands in."""
    if code in SENTENCES:
        return str(SENTENCES[ImportReason(code)])
    return str(message or sentence_for_photo(code)) if code else ""


def lines_of_plan(run: ImportRun, plan: Plan) -> list[ImportLine]:
    """What can be said before anybody is enrolled: files that belong to nobody, columns that are not known."""
    lines = [_line_of_member(run, member) for member in plan.loose]
    if plan.ignored:
        lines.append(_line(run, ", ".join(plan.ignored), NOTE, ImportReason.COLUMNS_IGNORED))
    return lines


def lines_of_outcome(run: ImportRun, entry: Entry, outcome: PersonOutcome, notes: Iterable[str]) -> list[ImportLine]:
    """The person's line first, then notes, who looks alike, and a line for each file."""
    person = outcome.person
    place = _place_of(entry)
    if person is None:
        lines = [_line(run, place, REFUSED, outcome.code, outcome.message)]
    else:
        lines = [_line(run, place, NEW if outcome.created else KNOWN)]
    lines += [_line(run, place, NOTE, code) for code in notes]
    for candidate in outcome.lookalikes:
        line = _line(run, place, WARNING, PossibleDuplicate.code, LOOKS_LIKE)
        line.other, line.comparison_score = candidate.person, candidate.comparison_score
        lines.append(line)
    lines += [_line(run, str(file.path), file.outcome, file.code, file.message) for file in outcome.files]
    lines += [_line_of_member(run, member) for member in entry.others]
    for line in lines:
        line.person = person
    return lines


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line as pages show it."""

    line: ImportLine
    place: str
    label: _StrOrPromise
    tone: str
    sentence: str


def shown(line: ImportLine) -> ShownLine:
    """In the present language."""
    place = kept_in_words(line.place, (ROW,))
    label, tone = LABELS.get(line.outcome, line.outcome), TONES.get(line.outcome, "neutral")
    return ShownLine(line, place, label, tone, _in_words(line))


def _in_words(line: ImportLine) -> str:
    """The engine's own words are exact but English: other languages have the sentence of their code."""
    if in_english() or not line.message:
        return line.message
    said = kept_in_words(line.message, (TOO_LARGE,))
    if said == line.message:
        said = gettext(line.message)
    is_of_the_engine = said == line.message and line.code in ENGINE_ERRORS
    return sentence_for_photo(line.code) if is_of_the_engine else said


def count_lines(counts: Counter[str], lines: Sequence[ImportLine], *, is_person: bool) -> None:
    """Add these to the totals. is_person: the first line is about a person, the others are not."""
    for line in lines[1:] if is_person else lines:
        if line.outcome in (ENROLLED, ALREADY, REFUSED, SKIPPED):
            counts[line.outcome] += 1
    if is_person:
        counts[f"people_{lines[0].outcome}"] += 1
        counts["possible_duplicates"] += any(line.outcome == WARNING for line in lines)


def report_lines(lines: Iterable[ImportLine]) -> Iterator[str]:
    """The report as CSV."""
    return csv_lines(COLUMNS, ([*map(_none_to_empty, _cells(line))] for line in lines))


def _cells(line: ImportLine) -> tuple[object, ...]:
    score = None if line.comparison_score is None else round(line.comparison_score, 4)
    names = [one.name if one else "" for one in (line.person, line.other)]
    return line.place, names[0], line.outcome, line.code, line.message, names[1], score


def _none_to_empty(value: object) -> object:
    return "" if value is None else value


def _place_of(entry: Entry) -> str:
    if not entry.row.number:
        return entry.called
    return ROW.format(number=entry.row.number, name=entry.row.name or entry.row.external_id)


def _line_of_member(run: ImportRun, member: Member) -> ImportLine:
    code = member.code
    message = too_large(member.info.file_size) if code == FrameTooLarge.code else sentence_for(code)
    outcome = SKIPPED if code == EnrollmentReason.NOT_A_PICTURE else REFUSED
    return _line(run, str(Path(*member.parts)), outcome, code, message)


def _line(run: ImportRun, place: str, outcome: str, code: str = "", message: str = "") -> ImportLine:
    problem = outcome in (REFUSED, WARNING, NOTE) or code not in HARMLESS
    shown = place if len(place) <= 255 else f"…{place[-254:]}"
    return ImportLine(
        run=run,
        place=shown,
        outcome=outcome,
        code=code,
        message=sentence_of(code, message)[:300],
        is_problem=problem,
    )
