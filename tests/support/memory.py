"""How much memory this process has taken."""

from __future__ import annotations

from pathlib import Path

MEGABYTES = 1 << 20


def peak_memory() -> int:
    """Bytes that this process has ever held at once."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])
