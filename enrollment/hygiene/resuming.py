"""A long comparison of everybody with everybody, told how far it is and kept in a file: stopped, it goes on from there.

The file holds numbers of rows and scores, no face and no name. It is of use for the same samples and threshold only.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from enrollment.hygiene.report import Steps
from recognizer.search.fit import Partway

EVERY_S: Final = 5.0


class KeptSteps(Steps):
    """Steps of one comparison. Without a file they are only told."""

    def __init__(self, digest: str, file: Path | None, tell: Callable[[str], None]) -> None:
        """tell: gets a sentence every few seconds of a comparison that takes so long."""
        self._digest, self._file, self._tell = digest, file, tell
        self._began = self._told = time.monotonic()
        self.since = self._read()
        self._before = self.since.share if self.since else 0.0
        if self.since:
            tell(f"Going on after {self.since.share:.0%} of all comparisons.")

    def note(self, partway: Partway) -> None:
        now = time.monotonic()
        if partway.share >= 1:
            self._forget()
        elif now - self._told >= EVERY_S:
            self._told = now
            left = (now - self._began) * (1 - partway.share) / max(partway.share - self._before, 1e-9)
            self._tell(f"{partway.share:.0%} of all comparisons, about {left:.0f} s left.")
            self._write(partway)

    def _read(self) -> Partway | None:
        """None: there is nothing to go on from, or it is about another gallery."""
        try:
            if self._file is None or not self._file.exists():
                return None
            with self._file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
                if str(kept["digest"]) != self._digest:
                    return None
                return Partway(int(kept["rows"]), kept["hits"], float(kept["share"]))
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def _write(self, partway: Partway) -> None:
        """Whole or not at all: it may be stopped at any moment."""
        if self._file is None:
            return
        half = self._file.with_name(self._file.name + ".part")
        with half.open("wb") as stream:
            np.savez(stream, digest=self._digest, rows=partway.rows, hits=partway.hits, share=partway.share)
        half.replace(self._file)

    def _forget(self) -> None:
        if self._file is not None:
            self._file.unlink(missing_ok=True)
