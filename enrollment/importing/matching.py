"""Which pictures belong to which row of the list, and to whom without one: what an import has to do, in its order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from enrollment.importing.archive import Archive, Member
from enrollment.importing.listing import Listing, Row
from enrollment.importing.reasons import ImportReason
from enrollment.naming import fold
from enrollment.pictures.folder_import import person_name
from enrollment.reasons import EnrollmentReason


@dataclass(frozen=True, slots=True)
class Entry:
    """One person to import: what the list says, and what is in the ZIP."""

    called: str
    """The folder; for a row without one empty."""
    row: Row
    """Of a folder that no row is about, one with the folder's name and without a number."""
    pictures: tuple[Member, ...] = ()
    others: tuple[Member, ...] = ()
    """What is not looked at, each with its code."""
    code: str = ""
    """Why nobody is enrolled from it."""


@dataclass(frozen=True, slots=True)
class Plan:
    entries: tuple[Entry, ...]
    loose: tuple[Member, ...] = ()
    """Files that belong to nobody, each with its code."""
    ignored: tuple[str, ...] = ()
    """Columns of the list that are not known."""

    @property
    def total(self) -> int:
        """Steps: a picture each, and a person without one."""
        return sum(len(entry.pictures) or 1 for entry in self.entries)


def plan_import(archive: Archive | None, listing: Listing | None) -> Plan:
    found = _Found(archive)
    rows = listing.rows if listing else ()
    wanted = [(row, *found.of_row(row)) for row in rows]
    claims = Counter(member.parts for _, members, _ in wanted for member in members)
    entries = [_entry_of_row(row, members, missing, claims, archive) for row, members, missing in wanted]
    taken_folders = {member.folder for _, members, _ in wanted for member in members if member.folder}
    entries += [_entry_of_folder(name, found) for name in found.folders if name not in taken_folders]
    loose = [_without_folder(member) for member in found.loose if member.parts not in claims]
    # What nobody of several rows named in a folder that they share.
    left = [m for name in taken_folders for m in found.folders[name] if m.parts not in claims]
    loose += [m if m.code else Member(m.info, m.parts, EnrollmentReason.NO_PERSON_FOLDER) for m in left]
    return Plan(tuple(entries), tuple(loose), listing.ignored if listing else ())


class _Found:
    """Folders and files of a ZIP by how somebody may write them: without regard to case, accents and underscores."""

    def __init__(self, archive: Archive | None) -> None:
        self.folders = archive.folders if archive else {}
        self.loose = archive.loose if archive else []
        every = [*self.loose, *(member for members in self.folders.values() for member in members)]
        self._files = {fold("/".join(member.parts)): member for member in every}
        self._names = {fold(person_name(name)): name for name in self.folders}
        self._exact = {fold(name): name for name in self.folders}

    def of_row(self, row: Row) -> tuple[list[Member], bool]:
        """What belongs to the row, and whether something that it names is missing."""
        if row.code:
            return [], False
        named = [self._files.get(fold(path.replace("\\", "/"))) for path in row.files]
        members = [member for member in named if member]
        folder = self._folder_of(row)
        if folder is not None:
            members += [member for member in self.folders[folder] if member not in members]
        return members, None in named or bool(row.folder and folder is None)

    def _folder_of(self, row: Row) -> str | None:
        if row.folder:
            return self._exact.get(fold(row.folder)) or self._names.get(fold(person_name(row.folder)))
        if row.files:
            return None
        by_id = self._exact.get(fold(row.external_id)) if row.external_id else None
        return by_id or (self._names.get(fold(row.name)) if row.name else None)


def _entry_of_row(
    row: Row, members: list[Member], missing: bool, claims: Counter[tuple[str, ...]], archive: Archive | None
) -> Entry:
    code = row.code
    if not code and missing and archive is not None:
        code = ImportReason.PICTURES_MISSING
    if not code and any(claims[member.parts] > 1 for member in members):
        code = ImportReason.PICTURES_SHARED
    called = next((member.folder for member in members if member.folder), "")
    return _entry(called, row, members, code)


def _entry_of_folder(name: str, found: _Found) -> Entry:
    return _entry(name, Row(0, person_name(name)), found.folders[name], "")


def _entry(called: str, row: Row, members: list[Member], code: str) -> Entry:
    pictures = tuple(member for member in members if not member.code)
    return Entry(called, row, () if code else pictures, tuple(m for m in members if m.code), code)


def _without_folder(member: Member) -> Member:
    """A picture that lies beside the folders is refused, as `enroll_folder` does it."""
    return member if member.code else Member(member.info, member.parts, EnrollmentReason.NO_PERSON_FOLDER)


def members_of(plan: Plan) -> Iterator[Member]:
    """Every picture that is looked at, in the order of the entries."""
    for entry in plan.entries:
        yield from entry.pictures
