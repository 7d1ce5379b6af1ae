"""Uploaded files that are too large for memory: they get no name on the disk, so nothing of them outlives the process.

Django's own way leaves a file in TMPDIR when the process is killed between two bytes of somebody's face.
"""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class UnnamedFiles(FileUploadHandler):
    """Second in the row: what Django's handler for small files does not take."""

    file: IO[bytes] | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = TemporaryFile()  # noqa: SIM115 - the request closes it

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self.file is not None  # noqa: S101 - new_file() comes first
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        if self.file is None:
            return None
        self.file.seek(0)
        done, self.file = self.file, None
        return UploadedFile(done, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra)

    def upload_interrupted(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None
