"""What the product counts about itself, for /metrics. Numbers and fixed words only: no ids, no names, no addresses.

Counting costs a microsecond and goes on whether or not anybody reads it. Names and units follow Prometheus: seconds,
`_total` for what only grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()
_STAGES_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_PAGES_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

SOCKETS: Final = Gauge("facesite_sockets", "Open sockets", ["kind"], registry=REGISTRY, multiprocess_mode="livesum")
FRAMES: Final = Counter("facesite_frames", "Frames that arrived", ["kind"], registry=REGISTRY)
ANSWERS: Final = Counter("facesite_results", "Frames that were looked at", ["kind"], registry=REGISTRY)
DROPS: Final = Counter("facesite_frames_dropped", "Frames that a newer one replaced", ["kind"], registry=REGISTRY)
ERRORS: Final = Counter("facesite_socket_errors", "Error messages to sockets", ["kind", "code"], registry=REGISTRY)
STAGES: Final = Histogram(
    "facesite_stage_seconds", "Time of a frame", ["kind", "stage"], buckets=_STAGES_S, registry=REGISTRY
)
DECISIONS: Final = Counter(
    "facesite_decisions", "Decisions about faces", ["verdict", "mode", "source"], registry=REGISTRY
)
REASONS: Final = Counter("facesite_decision_reasons", "Reasons of decisions", ["reason"], registry=REGISTRY)
SIGN_INS: Final = Counter("facesite_sign_ins", "Tries to sign in", ["outcome"], registry=REGISTRY)
WEBHOOK_TRIES: Final = Counter(
    "facesite_webhook_tries", "Tries to hand a message to a webhook", ["outcome"], registry=REGISTRY
)
REQUESTS: Final = Counter("facesite_requests", "Answered requests", ["method", "status"], registry=REGISTRY)
REQUEST_TIMES: Final = Histogram(
    "facesite_request_seconds", "Time of a request", ["method"], buckets=_PAGES_S, registry=REGISTRY
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_result(kind: str, dropped: int, timings_ms: Mapping[str, float]) -> None:
    """A frame was answered. dropped: those it replaced; timings_ms: stage -> milliseconds."""
    ANSWERS.labels(kind).inc()
    DROPS.labels(kind).inc(dropped)
    for stage, duration in timings_ms.items():
        STAGES.labels(kind, stage).observe(duration / 1000)


def count_decision(verdict: str, mode: str, source: str, reasons: list[str]) -> None:
    DECISIONS.labels(verdict, mode, source).inc()
    for reason in reasons:
        REASONS.labels(reason).inc()


def count_request(method: str, status: int, seconds: float) -> None:
    """Methods that nobody knows count as one, since a client chooses the word."""
    known = method if method in METHODS else "other"
    REQUESTS.labels(known, str(status)).inc()
    REQUEST_TIMES.labels(known).observe(seconds)
