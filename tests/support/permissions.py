"""Commands that permission bits bind, also where the suite runs as root, whom they do not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from tests.support import skips

CAPABILITIES = ("chown", "dac_override", "dac_read_search", "fowner")
"""What lets root read and write whatever the bits say (capabilities(7))."""


def bound_by_permissions(command: Sequence[str]) -> list[str]:
    """The command for subprocess; as root it runs without CAPABILITIES, which it cannot get back."""
    if os.geteuid() != 0:
        return list(command)
    setpriv = shutil.which("setpriv")
    if not setpriv:
        skips.skip("permissions", "no setpriv, and root is not bound by permission bits")
    without = ",".join(f"-{name}" for name in CAPABILITIES)
    return [setpriv, f"--inh-caps={without}", f"--bounding-set={without}", "--", *command]
