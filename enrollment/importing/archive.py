"""What a ZIP of folders holds, without unpacking it: which members are pictures, whose, and why others are not read.

Nothing in it is believed: neither how many members it names, nor their paths and sizes. Members are read one at a time
and no further than a picture may be long.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from enrollment.importing.reasons import ImportReason, ImportRefused
from enrollment.naming import tidy
from enrollment.pictures.folder_import import LITTER
from enrollment.pictures.photos import MEGABYTE, PHOTO_LIMITS
from enrollment.reasons import EnrollmentReason
from recognizer.errors import FrameTooLarge
from recognizer.images import NAMED_SUFFIXES, SUFFIXES

MOST_MEMBERS = 20_000
DIRECTORY_BYTES = 8 * MEGABYTE
"""Of the list of members, which zipfile reads as a whole and makes an object of each 46 bytes of."""
MOST_RATIO = 200
"""Of a member above a megabyte. Pictures are compressed already; plain BMP of a face stays far below."""
READ = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""LZMA would let a member choose how much memory it takes."""
UTF8_FLAG, ENCRYPTED_FLAG = 0x800, 0x1
DRIVE = re.compile(r"^[A-Za-z]:")


class MemberUnreadable(Exception):
    def __init__(self, code: ImportReason) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the ZIP."""

    info: zipfile.ZipInfo = field(repr=False)
    parts: tuple[str, ...]
    """Its path; the folder that holds all the others is left out."""
    code: str = ""
    """Why it is not looked at; empty for a picture."""

    @property
    def path(self) -> Path:
        return Path(*self.parts)

    @property
    def folder(self) -> str:
        """Whose it is; empty: it lies in no folder."""
        return self.parts[0] if len(self.parts) > 1 else ""


class Archive:
    def __init__(self, file: IO[bytes], *, most_unpacked: int) -> None:
        """most_unpacked: bytes of all members together. Raises ImportRefused."""
        guarded = _Guarded(file)
        try:
            self._zip = zipfile.ZipFile(guarded)
        except (zipfile.BadZipFile, OSError, ValueError, UnicodeDecodeError, NotImplementedError):
            raise ImportRefused(ImportReason.ZIP_INVALID) from None
        guarded.most = PHOTO_LIMITS.max_bytes + MEGABYTE
        infos = self._zip.infolist()
        if len(infos) > MOST_MEMBERS:
            raise ImportRefused(ImportReason.ZIP_CROWDED)
        if sum(info.file_size for info in infos) > most_unpacked:
            raise ImportRefused(ImportReason.ZIP_INFLATES)
        self.folders: dict[str, list[Member]] = {}
        """By name, sorted; a folder without files has an empty list."""
        self.loose: list[Member] = []
        self._sort(infos)

    def read(self, member: Member) -> bytes:
        """Threads may call it at once. Raises MemberUnreadable."""
        try:
            with self._zip.open(member.info) as stream:
                return stream.read(PHOTO_LIMITS.max_bytes + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
            raise MemberUnreadable(ImportReason.FILE_DAMAGED) from None

    def close(self) -> None:
        self._zip.close()

    def _sort(self, infos: list[zipfile.ZipInfo]) -> None:
        found = [(info, parts) for info in infos if (parts := _parts_of(info)) and not _is_litter(parts)]
        depth = 1 if _has_one_root(found) else 0
        for info, parts in sorted(found, key=lambda one: one[1]):
            if info.is_dir():
                if len(parts) == depth + 1:
                    self.folders.setdefault(parts[depth], [])
                continue
            member = _judged(info, parts[depth:] if len(parts) > depth else parts)
            if member.folder and member.code != ImportReason.FILE_OUTSIDE:
                self.folders.setdefault(member.folder, []).append(member)
            else:
                self.loose.append(member)


class _Guarded:
    """The file as zipfile sees it: no single read is larger than any that an honest ZIP needs."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.most = file, DIRECTORY_BYTES
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > self.most:
            raise ImportRefused(ImportReason.ZIP_CROWDED)
        return self._file.read(self.most if size < 0 else size)

    def close(self) -> None:
        self._file.close()


def _parts_of(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """Names that were written as UTF-8 without saying so (macOS does) are read as that; \\ parts folders, too."""
    name = info.filename
    if not info.flag_bits & UTF8_FLAG:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    parts = name.replace("\\", "/").split("/")
    return tuple(tidy(part) if part not in ("..", ".") else part for part in parts if part or part is parts[0])


def _is_litter(parts: tuple[str, ...]) -> bool:
    return any(part.lower() in LITTER or (part.startswith(".") and part not in ("..", ".")) for part in parts)


def _has_one_root(found: list[tuple[zipfile.ZipInfo, tuple[str, ...]]]) -> bool:
    """Whether all files lie in folders of one folder: somebody packed the folder that holds the people's."""
    files = [parts for info, parts in found if not info.is_dir()]
    pictures = [parts for parts in files if Path(parts[-1]).suffix.lower() in SUFFIXES]
    roots = {parts[0] for parts in files}
    return bool(pictures) and len(roots) == 1 and all(len(parts) > 2 and not _leads_out(parts) for parts in pictures)


def _leads_out(parts: tuple[str, ...]) -> bool:
    return not parts[0] or ".." in parts or "." in parts or bool(DRIVE.match(parts[0]))


def _judged(info: zipfile.ZipInfo, parts: tuple[str, ...]) -> Member:
    return Member(info, parts, next(_faults(info, parts), ""))


def _faults(info: zipfile.ZipInfo, parts: tuple[str, ...]) -> Iterator[str]:
    """The first one counts."""
    if _leads_out(parts):
        yield ImportReason.FILE_OUTSIDE
    if stat.S_ISLNK(info.external_attr >> 16):
        yield ImportReason.FILE_IS_LINK
    if len(parts) > 2:
        yield EnrollmentReason.FOLDER_INSIDE
    if Path(parts[-1]).suffix.lower() not in SUFFIXES | NAMED_SUFFIXES:
        yield EnrollmentReason.NOT_A_PICTURE
    if info.flag_bits & ENCRYPTED_FLAG:
        yield ImportReason.FILE_ENCRYPTED
    if info.compress_type not in READ:
        yield ImportReason.FILE_PACKED_OTHERWISE
    if info.file_size > MEGABYTE and info.file_size > MOST_RATIO * info.compress_size:
        yield ImportReason.FILE_INFLATES
    if info.file_size > PHOTO_LIMITS.max_bytes:
        yield FrameTooLarge.code
