"""What this machine gives to this process: cores to keep busy, and the local time zone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

import tzlocal

FALLBACK_ZONE: Final = "UTC"


def usable_cores(cgroups: Path = Path("/sys/fs/cgroup"), own_cgroup: Path = Path("/proc/self/cgroup")) -> int:
    """Cores that this process may keep busy, at least 1.

    Those it may run on, or fewer where a container has a CPU limit: `docker run --cpus 2` shows all cores of the host
    to os.cpu_count(), and more threads than the limit are stopped in turns. Of a limit of 2.5 cores 2 are used.
    cgroups, own_cgroup: where Linux tells the limits (cgroups(7)).
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([float(allowed), *_limits(cgroups, own_cgroup)])))


def _limits(cgroups: Path, own_cgroup: Path) -> Iterator[float]:
    """The limits of this process's groups and of the groups above them, in cores."""
    try:
        lines = own_cgroup.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:  # version 2
            root, read = cgroups, _limit_v2
        elif "cpu" in controllers.split(","):
            root, read = cgroups / controllers, _limit_v1
        else:
            continue
        folder = root / group.lstrip("/")
        # In a container the path may be the host's: then only the root is there, and it is the container's own group.
        for place in (folder, *folder.parents):
            if place.is_relative_to(root):
                yield from read(place)


def _limit_v2(folder: Path) -> Iterator[float]:
    """cpu.max holds "quota period" in microseconds, or "max period"."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        if quota != "max":
            yield int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return


def _limit_v1(folder: Path) -> Iterator[float]:
    """A quota of -1 is none."""
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        if quota > 0:
            yield quota / int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError, ZeroDivisionError):
        return


def local_zone() -> str:
    """The machine's zone as the IANA data base names it (Europe/Berlin); UTC where it cannot be known."""
    try:
        return tzlocal.get_localzone_name() or FALLBACK_ZONE
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return FALLBACK_ZONE
