"""/metrics in Prometheus' text format: what security/meters.py counts, and the state of this process.

Off unless FACESITE_METRICS is on; then for clients on this machine, and for API keys with the scope `metrics`.
It holds no personal data.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from api.authorising import has_key_for
from api.webhooks.services import ended_by_the_product, messages_waiting
from attendance.kiosks.selectors import kiosks_not_seen
from enrollment.runtime.engine import engine_if_ready
from enrollment.runtime.gallery import cached_gallery, gallery_age_s
from facesite.gauges import AGE, gauges, registry_of_all
from facesite.health import run_checks
from security.addresses import client_address
from security.keys.scopes import Scope
from security.meters import REGISTRY

_STARTED: Final = time.time()


class State(Collector):
    """Read when somebody asks."""

    def collect(self) -> Iterator[Metric]:
        yield from self.of_any_process()
        if engine := engine_if_ready():
            threads = settings.FACESITE_THREADS
            yield GaugeMetricFamily("facesite_inference_threads", "Threads of the engine", value=threads)
            yield GaugeMetricFamily("facesite_inference_queue", "Jobs that wait for a thread", value=engine.waiting)
        if gallery := cached_gallery():
            yield GaugeMetricFamily("facesite_gallery_people", "People in the searched gallery", value=gallery.people)
            yield GaugeMetricFamily("facesite_gallery_templates", "Templates in it", value=gallery.templates)
            yield GaugeMetricFamily("facesite_gallery_bytes", "Memory of its vectors", value=gallery.nbytes)
            yield GaugeMetricFamily("facesite_gallery_revision", "Its revision", value=gallery.revision)
            yield GaugeMetricFamily("facesite_gallery_age_seconds", AGE, value=gallery_age_s() or 0.0)

    @staticmethod
    def of_any_process() -> Iterator[Metric]:
        """What is the same in all processes of a site, or nearly so."""
        checks = GaugeMetricFamily("facesite_check", "1: this part can be used (as /readyz says)", labels=["part"])
        passed = run_checks()
        for part, well in passed.items():
            checks.add_metric([part], float(well))
        yield checks
        if passed["database"]:
            silent = kiosks_not_seen().count()
            yield GaugeMetricFamily("facesite_kiosks_silent", "Kiosks that are not heard of any more", value=silent)
            waiting = messages_waiting().count()
            yield GaugeMetricFamily("facesite_webhook_messages_waiting", "Messages to be handed over", value=waiting)
            ended = ended_by_the_product().count()
            yield GaugeMetricFamily("facesite_webhooks_ended", "Webhooks that failed until they ended", value=ended)
        yield GaugeMetricFamily("facesite_start_time_seconds", "When this process began", value=_STARTED)
        if engine := engine_if_ready():
            yield _info("facesite_pack", "The model pack in use", "pack", engine.pack.name)


class OneOfMany(Collector):
    """The same of one of several processes; the rest comes from facesite/gauges.py, for all of them."""

    def collect(self) -> Iterator[Metric]:
        yield from State.of_any_process()


def _info(name: str, about: str, label: str, value: str) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    family.add_metric([value], 1.0)
    return family


REGISTRY.register(State())
ProcessCollector(registry=REGISTRY)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.FACESITE_METRICS:
        raise Http404
    if not is_from_this_machine(request) and not has_key_for(request, Scope.METRICS):
        sentence = "Metrics are given to this machine, and to API keys with the scope metrics.\n"
        return HttpResponse(sentence, status=403, content_type="text/plain")
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    if gauges is None:
        return REGISTRY
    registry = registry_of_all()
    registry.register(OneOfMany())
    return registry


def is_from_this_machine(request: HttpRequest) -> bool:
    """Whether a program on this machine asks for itself, not a proxy on it for somebody else."""
    if settings.FACESITE_HTTPS != "proxy" and "HTTP_X_FORWARDED_FOR" in request.META:
        return False
    address = client_address(request.META)
    return not address or ip_address(address).is_loopback
