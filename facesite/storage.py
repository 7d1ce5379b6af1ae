"""Static files with hashed names, including those that ES modules import from each other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

try:
    import fcntl
except ImportError:  # Windows, where a developer starts one process at a time
    fcntl = None  # type: ignore[assignment]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Rewrites `import ... from "./other.js"` as well, so that a module graph may be cached for ever."""

    support_js_module_import_aggregation = True


def collect_static_files() -> None:
    """Run collectstatic, unless no source has changed since the last time: hashing and compressing takes seconds.

    Files of an older version stay, because a process that still runs and pages that are still open ask for them. Where
    nothing has changed nothing is written: a container's file system may be read-only.
    """
    root = Path(settings.STATIC_ROOT)
    stamp, now = root / ".sources", fingerprint_static_files()
    if _is_stamped(stamp, now):
        return
    with _one_at_a_time(root):
        if _is_stamped(stamp, now):  # another process was faster
            return
        _outdate_copies()
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(now)


def _is_stamped(stamp: Path, now: str) -> bool:
    return stamp.is_file() and stamp.read_text() == now


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Hold a lock. Processes that start together would otherwise move the files away from under each other."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the lock ends when the file is closed
        yield


def _outdate_copies() -> None:
    """Make every copy older than its source, so that collectstatic replaces it.

    It keeps a copy that is not older. After a step back to an older version such a copy may be a wrong one.
    """
    root = Path(settings.STATIC_ROOT)
    for finder in get_finders():
        for name, _ in finder.list([]):
            if (root / name).is_file():
                os.utime(root / name, (0, 0))


def fingerprint_static_files() -> str:
    """A digest of every source's name, size and time; it changes when a file does."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
