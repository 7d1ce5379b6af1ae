"""Decoding in a process of its own, for the pictures whose cost no walk through the file can tell.

These are WebP files with lossless data: what libwebp keeps for them grows with what the data says (295 kB of one
1024 x 1024 picture made 365 MB). Cameras and browsers do not send such frames, so nobody else pays for this.
"""

from __future__ import annotations

import atexit
import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, cast

import numpy as np

from recognizer.images.headers import Header, damaged, too_costly
from recognizer.images.sandbox import ANSWER, REQUEST
from recognizer.types import Image

MEMORY = 48 * 1024 * 1024
"""Bytes that a picture of any size may take beside what its pixels need: the tables of honest ones take 2 MB."""
BYTES_PER_PIXEL = 10
"""In that process: the picture with alpha, on white, and turned upright."""
SECONDS, SECONDS_PER_PIXEL = 0.25, 1e-7
"""Of processor time; honest pictures take a quarter of the latter."""

ROOT = Path(__file__).resolve().parent.parent.parent


def isolated_bytes(header: Header) -> int:
    """What the process that decodes the picture may take, at most."""
    return MEMORY + header.working_bytes + BYTES_PER_PIXEL * header.width * header.height


class Workers:
    """As many processes as there are callers at the same time; one of them is kept for the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: _Worker | None = None

    def decode(self, header: Header) -> Image:
        """Raises ImageUndecodable, OSError (no process could be started)."""
        with self._lock:
            worker, self._idle = self._idle, None
        if worker and worker.ended:  # by somebody else, while it was idle
            worker.close()
            worker = None
        worker = worker or _Worker()
        try:
            image = worker.decode(header)
        except OSError:  # the pipe broke: the process has reached a limit
            worker.close()
            raise too_costly() from None
        except BaseException:
            worker.close()
            raise
        with self._lock:
            self._idle, surplus = worker, self._idle
        if surplus:
            surplus.close()
        if image is None:
            raise damaged()
        return image

    def close(self) -> None:
        with self._lock:
            worker, self._idle = self._idle, None
        if worker:
            worker.close()


class _Worker:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "recognizer.images.sandbox"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            start_new_session=True,  # Ctrl-C ends it by ending its caller
        )
        # Both are pipes, which the type cannot say.
        self._requests = cast(IO[bytes], self._process.stdin)
        self._answers = cast(io.BufferedReader, self._process.stdout)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def decode(self, header: Header) -> Image | None:
        """None: refused. Raises OSError when the process has ended."""
        seconds = SECONDS + SECONDS_PER_PIXEL * header.width * header.height
        asked = len(header.data), isolated_bytes(header), seconds, header.orientation if header.alpha else 0
        self._requests.write(REQUEST.pack(*asked))
        self._requests.write(header.data)
        self._requests.flush()
        answer = self._answers.read(ANSWER.size)
        if len(answer) < ANSWER.size:
            raise BrokenPipeError
        height, width = ANSWER.unpack(answer)
        if not height:
            return None
        image = np.empty((height, width, 3), np.uint8)
        if self._answers.readinto(image.data.cast("B")) < image.nbytes:
            raise BrokenPipeError
        return image

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


workers = Workers()
atexit.register(workers.close)
