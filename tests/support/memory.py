"""How much memory this process has taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

MEGABYTES = 1 << 20


def peak_memory() -> int:
    """Bytes that this process has ever held at once."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def added_memory(work: Callable[[], object]) -> int:
    """Bytes that this process holds at once while it works, beside what it held before."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is from now on
    before = peak_memory()
    work()
    return peak_memory() - before
