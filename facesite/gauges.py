"""What each of several processes says of itself, so that any of them can answer /metrics for all.

prometheus_client's multiprocess mode keeps every number in a file that the processes share; the parent makes the folder
(facesite/processes.py). Gauges are written every two seconds and end with their process. Alone, a process needs none of
it: facesite/metrics.py looks when somebody asks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.multiprocess import MultiProcessCollector

from enrollment.runtime.engine import engine_if_ready
from enrollment.runtime.gallery import cached_gallery, gallery_age_s

STATM: Final = Path("/proc/self/statm")
AGE: Final = "Time since the gallery was compared with the database; grows while nobody searches"
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


class Gauges:
    def __init__(self) -> None:
        self.processes = _gauge("facesite_processes", "Processes that serve", "livesum")
        self.threads = _gauge("facesite_inference_threads", "Threads of all engines", "livesum")
        self.queue = _gauge("facesite_inference_queue", "Jobs that wait for a thread, in all processes", "livesum")
        self.people = _gauge("facesite_gallery_people", "People in the smallest gallery of a process", "livemin")
        self.templates = _gauge("facesite_gallery_templates", "Templates in the smallest gallery", "livemin")
        self.bytes = _gauge("facesite_gallery_bytes", "Memory of the vectors of all processes", "livesum")
        self.revision = _gauge("facesite_gallery_revision", "Revision of the gallery that is most behind", "livemin")
        self.age = _gauge("facesite_gallery_age_seconds", AGE, "livemax")
        self.memory = _gauge("process_resident_memory_bytes", "Memory of all processes", "livesum")
        self.cpu = Counter("process_cpu_seconds", "CPU time of all processes", registry=None)
        self._cpu_told = 0.0

    def write(self) -> None:
        self.processes.set(1)
        if engine := engine_if_ready():
            self.threads.set(settings.FACESITE_THREADS)
            self.queue.set(engine.waiting)
        if gallery := cached_gallery():
            self.people.set(gallery.people)
            self.templates.set(gallery.templates)
            self.bytes.set(gallery.nbytes)
            self.revision.set(gallery.revision)
            self.age.set(gallery_age_s() or 0.0)
        if STATM.exists():  # Linux
            self.memory.set(int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
        times = os.times()
        self.cpu.inc(times.user + times.system - self._cpu_told)
        self._cpu_told = times.user + times.system


def _gauge(name: str, about: str, mode: Any) -> Gauge:
    return Gauge(name, about, registry=None, multiprocess_mode=mode)


gauges: Final = Gauges() if os.environ.get(FOLDER) else None
"""None: this process serves alone, or nobody asks for metrics."""


def registry_of_all() -> CollectorRegistry:
    """The counts and gauges of all processes."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
