"""Which folders an import has done, for a later run that goes on where this one ended.

The file holds a hash for each folder and no names. A folder whose pictures changed since, or that another pack saw,
counts as new.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from enrollment.pictures.folder_import import PersonFolder


class DoneFolders:
    def __init__(self, path: Path, contract_id: str) -> None:
        """The file need not exist. Raises OSError."""
        self._path, self._contract_id = path, contract_id
        self._marks = set(path.read_text().split()) if path.exists() else set()

    def __contains__(self, folder: PersonFolder) -> bool:
        return self._mark(folder) in self._marks

    def add(self, folder: PersonFolder) -> None:
        """Call it when the folder's people are committed. Raises OSError."""
        mark = self._mark(folder)
        if mark not in self._marks:
            self._marks.add(mark)
            with self._path.open("a") as stream:
                stream.write(f"{mark}\n")

    def _mark(self, folder: PersonFolder) -> str:
        seen = hashlib.sha256(f"{self._contract_id}\0{folder.name}".encode())
        for picture in folder.pictures:
            try:
                facts = picture.stat()
            except OSError:  # gone since the folder was read: it is told as unreadable
                seen.update(b"\0gone")
            else:
                seen.update(f"\0{picture.name}\0{facts.st_size}\0{facts.st_mtime_ns}".encode())
        return seen.hexdigest()
