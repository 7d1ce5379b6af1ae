"""Fetches, checks and installs the files of model packs: the product's only place with network access.

Files are written under temporary names in the models folder. Size and sha256 are checked. Only when all files of the
pack are there do they get their names. A fetch or a check that fails leaves nothing behind and raises InstallFailed
with one sentence.
"""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from recognizer.errors import PackError
from recognizer.packs.choosing import sha256_of
from recognizer.packs.manifest import SHIPPED_DIR, Archive, Manifest, Pack, PackFile

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes so far and the bytes in all (None: unknown)."""
Attempt = Callable[[Path, Progress], None]
"""One way to get a file: writes to the path what should be the file. Whether it is, _check() says."""
CHUNK = 1 << 18
"""Bytes copied at a time."""
TIMEOUT_SECONDS = 30
LARGEST_ARCHIVE = 1 << 30
"""Bytes. Where the manifest gives no size, no more than this is read."""


class InstallFailed(PackError):
    code = "pack_install_failed"


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
    `published`, the file's published URL. Raises ManifestInvalid, PackUnknown, LicenceNotAccepted, InstallFailed.
    """
    manifest = Manifest.load(models_dir)
    pack = manifest.get(name or manifest.default)
    if pack.requires_acceptance and not accept_licence:
        raise LicenceNotAccepted(
            f"The pack {pack.name} comes under these terms: {pack.licence}. "
            f"If you accept them, run: manage.py packs install {pack.name} --accept-licence"
        )
    missing = [file for file in pack.without_cohort().files if not _is_intact(file)]  # that one is built, not fetched
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with ExitStack() as fetched:
            fresh = {file: fetched.enter_context(_temporary_beside(models_dir / file.name)) for file in missing}
            for file, temporary in fresh.items():
                places = (*_at_hand(file, manifest, published), *sources)
                _fetch(file, temporary, _attempts(file, places, published), progress or _silent)
            for file, temporary in fresh.items():
                temporary.replace(models_dir / file.name)
    except OSError as error:
        raise InstallFailed(f"The folder {models_dir} cannot be written to: {_describe(error)}.") from None
    return Manifest.load(models_dir).get(pack.name)


def _fetch(file: PackFile, target: Path, attempts: Iterable[Attempt], progress: Progress) -> None:
    """Write to `target` the first attempt that passes _check(). Raises InstallFailed with what each attempt met."""
    failures: list[str] = []
    for attempt in attempts:
        try:
            attempt(target, progress)
            _check(file, target)
            return
        except (InstallFailed, OSError, zipfile.BadZipFile) as error:
            failures.append(_describe(error))
    failures = failures or ["it has no published address, so name a folder that has it with --from"]
    raise InstallFailed(f"{file.name} could not be installed: {'; '.join(failures)}. Nothing was changed.")


def _at_hand(file: PackFile, manifest: Manifest, published: bool) -> tuple[str, ...]:
    """The repository's models folder, if the file lies there: it helps when FACESITE_MODELS_DIR is another folder.

    Where the operator named the only source (not `published`), just the starter pack's weights are taken from it.
    """
    ours = any(file in pack.files for pack in manifest.packs.values() if pack.starter)
    return (str(SHIPPED_DIR),) if (published or ours) and (SHIPPED_DIR / file.name).is_file() else ()


def _attempts(file: PackFile, sources: tuple[str, ...], published: bool) -> Iterator[Attempt]:
    for source in sources:
        yield partial(_from_source, source, file)
        if file.archive:
            yield partial(_from_archive, source, file.archive, file)
    if published and file.url:
        yield partial(_download, file.url, file.size)
    if published and file.archive:
        yield partial(_from_archive, None, file.archive, file)


def _from_source(source: str, file: PackFile, target: Path, progress: Progress) -> None:
    names = [file.published_name or file.name, file.name]
    if _is_url(source):
        _download(_join(source, names[0]), file.size, target, progress)
        return
    found = _find_in_folder(Path(source), file.size, file.sha256)
    if found is None:
        raise InstallFailed(f"{source} has no file with the size and sha256 of {' or '.join(dict.fromkeys(names))}")
    _copy(found, target, progress)


def _from_archive(source: str | None, archive: Archive, file: PackFile, target: Path, progress: Progress) -> None:
    """Fetch the zip beside the target, check it, take the one member out, drop the zip."""
    with _temporary_beside(target) as zipped:
        if source is None:
            _download(archive.url, archive.size, zipped, progress)
        elif _is_url(source):
            _download(_join(source, archive.name), archive.size, zipped, progress)
        else:
            found = Path(source) / archive.name
            if not found.is_file():
                raise InstallFailed(f"{source} has no {archive.name}")
            _copy(found, zipped, progress)
        if sha256_of(zipped) != archive.sha256:
            raise InstallFailed(f"{archive.name} is not the published archive (its sha256 differs)")
        _extract_member(zipped, archive.member, file, target)


def _extract_member(zipped: Path, member: str, file: PackFile, target: Path) -> None:
    """Never writes more bytes than the manifest's size, whatever the zip's directory says."""
    with zipfile.ZipFile(zipped) as bundle:
        names = [name for name in bundle.namelist() if name == member or name.endswith(f"/{member}")]
        if not names:
            raise InstallFailed(f"{zipped.name} has no member {member}")
        with bundle.open(names[0]) as stream, target.open("wb") as out:
            _pour(stream, out, file.size, lambda done: None)


def _find_in_folder(folder: Path, size: int, sha256: str) -> Path | None:
    """Any file of that size and sha256, whatever its name: a mirror's names may differ from the published ones."""
    if not folder.is_dir():
        raise InstallFailed(f"{folder} is no folder")
    candidates = (path for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_size == size)
    return next((path for path in candidates if sha256_of(path) == sha256), None)


def _copy(source: Path, target: Path, progress: Progress) -> None:
    size = source.stat().st_size
    with source.open("rb") as stream, target.open("wb") as out:
        _pour(stream, out, size, lambda done: progress(source.name, done, size))


def _download(url: str, size: int | None, target: Path, progress: Progress) -> None:
    name = urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1]
    request = urllib.request.Request(url, headers={"User-Agent": "facesite"})  # noqa: S310  (_is_url and the manifest)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as stream, target.open("wb") as out:  # noqa: S310
            length = stream.headers.get("Content-Length")
            total = int(length) if length and length.isdigit() else size
            done = _pour(stream, out, size or LARGEST_ARCHIVE, lambda done: progress(name, done, total))
    except urllib.error.HTTPError as error:
        raise InstallFailed(f"{url} answered {error.code} {error.reason}") from None
    except (OSError, ValueError) as error:
        raise InstallFailed(f"{url} could not be fetched ({_describe(error)})") from None
    if total is not None and done != total:
        raise InstallFailed(f"{url} broke off after {done} of {total} bytes")


def _pour(stream: IO[bytes], out: IO[bytes], limit: int, tell: Callable[[int], None]) -> int:
    """Copy the stream and return the number of bytes. Raises InstallFailed when more than `limit` bytes come."""
    done = 0
    while chunk := stream.read(CHUNK):
        done += len(chunk)
        if done > limit:
            raise InstallFailed(f"more than the expected {limit} bytes came")
        out.write(chunk)
        tell(done)
    return done


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


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _join(base: str, name: str) -> str:
    return f"{base.rstrip('/')}/{urllib.parse.quote(name)}"


def _describe(error: Exception) -> str:
    """What went wrong, without Python's error numbers. (URLError wraps another error as its reason.)"""
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__


def _silent(name: str, done: int, total: int | None) -> None:
    """For callers that show no progress."""
