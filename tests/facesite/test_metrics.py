"""/metrics: what is counted, for whom it is, and that it names nobody."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from api.models import Webhook
from api.webhooks import delivering
from api.webhooks.delivering import deliver_due
from api.webhooks.events import EXPLAINED
from api.webhooks.sending import Reply
from api.webhooks.services import create_webhook
from attendance.models import Kiosk
from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from enrollment.services import register_person
from facesite.server import Server
from security.keys.scopes import Scope
from security.keys.services import create_key
from security.meters import FRAMES, SIGN_INS, SOCKETS, WEBHOOK_TRIES, count_decision, count_request, count_result
from tests.support.consent import ON_PAPER
from tests.support.kiosks import paired_kiosk
from tests.verification.rows import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def switched_on(settings) -> None:
    settings.FACESITE_METRICS = True


def read() -> dict[str, float]:
    """Sample with its labels -> value, as Prometheus would read it."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200, answer.content
    families = text_string_to_metric_families(answer.content.decode())
    return {
        " ".join([sample.name, *(value for _, value in sorted(sample.labels.items()))]): sample.value
        for family in families
        for sample in family.samples
    }


class TestForWhom:
    def test_it_is_not_there_unless_it_is_switched_on(self):
        assert Client().get("/metrics").status_code == 404

    @pytest.mark.usefixtures("switched_on")
    def test_it_is_for_this_machine_only(self):
        assert Client().get("/metrics").status_code == 200
        assert Client(REMOTE_ADDR="::1").get("/metrics").status_code == 200
        assert Client(REMOTE_ADDR="192.168.1.7").get("/metrics").status_code == 403

    @pytest.mark.usefixtures("switched_on")
    @pytest.mark.django_db
    def test_it_is_for_keys_of_its_scope_from_anywhere(self):
        for scope, status in ((Scope.METRICS, 200), (Scope.IDENTIFY, 403)):
            _, secret = create_key(actor=None, name="prometheus", scopes=[scope])
            elsewhere = Client(REMOTE_ADDR="192.168.1.7", HTTP_AUTHORIZATION=f"Bearer {secret}")
            assert elsewhere.get("/metrics").status_code == status

    @pytest.mark.usefixtures("switched_on")
    def test_a_proxy_on_this_machine_asks_for_somebody_else(self, settings):
        assert Client().get("/metrics", HTTP_X_FORWARDED_FOR="192.168.1.7").status_code == 403
        settings.FACESITE_HTTPS = "proxy"
        assert Client().get("/metrics", HTTP_X_FORWARDED_FOR="192.168.1.7").status_code == 403
        assert Client().get("/metrics").status_code == 200


@pytest.mark.usefixtures("switched_on", "engine")
class TestWhatItSays:
    def test_the_parts_of_readyz_and_the_engine(self, pack):
        said = read()
        assert said["facesite_check database"] == said["facesite_check engine"] == 1
        assert said[f"facesite_pack {pack.name}"] == 1
        assert said["facesite_inference_queue"] == 0

    def test_kiosks_that_fell_silent(self):
        paired_kiosk("Door")
        silent, _ = paired_kiosk("Gate")
        assert read()["facesite_kiosks_silent"] == 0
        Kiosk.objects.filter(pk=silent.pk).update(last_seen_at=timezone.now() - timedelta(hours=1))
        assert read()["facesite_kiosks_silent"] == 1

    def test_how_webhooks_fare(self, monkeypatch, settings):
        settings.FACESITE_WEBHOOKS_PRIVATE = True
        webhook, _ = create_webhook(actor=None, url="http://127.0.0.1:9/", events=list(EXPLAINED))
        assert read()["facesite_webhook_messages_waiting"] == read()["facesite_webhooks_ended"] == 0
        register_person(actor=None, name="Ada", consent=ON_PAPER)
        before = read()
        assert before["facesite_webhook_messages_waiting"] == 1
        monkeypatch.setattr(delivering, "send", lambda *message: Reply(None, "Nobody there."))
        deliver_due()
        tries = "facesite_webhook_tries_total failed"
        assert read()[tries] == before.get(tries, 0) + 1
        Webhook.objects.filter(pk=webhook.pk).update(ended=Webhook.Ended.FAILING)
        said = read()
        assert (said["facesite_webhook_messages_waiting"], said["facesite_webhooks_ended"]) == (0, 1)

    def test_how_old_the_gallery_is(self, engine):
        mark_gallery_stale()
        current_gallery(engine)
        assert 0 <= read()["facesite_gallery_age_seconds"] < 60

    def test_frames_and_their_stages(self):
        before = read()
        count_result("verification", 2, {"detect": 3.0, "total": 12.0})
        said = read()

        def grown(name: str) -> float:
            return said[name] - before.get(name, 0)

        assert grown("facesite_results_total verification") == 1
        assert grown("facesite_frames_dropped_total verification") == 2
        assert grown("facesite_stage_seconds_sum verification detect") == pytest.approx(0.003)
        assert grown("facesite_stage_seconds_bucket verification 0.025 total") == 1

    def test_requests_as_the_log_has_them(self):
        details = {"method": "GET", "path": "/?q=Anna", "status": 200, "size": 3, "time_taken": 0.02}
        before = read().get("facesite_requests_total GET 200", 0)
        server = Server.__new__(Server)
        server.action_logger = None
        server.log_action("http", "complete", details)
        count_request("BREW", 405, 0.001)
        said = read()
        assert said["facesite_requests_total GET 200"] == before + 1
        assert said["facesite_requests_total other 405"] >= 1

    def test_sign_ins_that_failed(self):
        before = read().get("facesite_sign_ins_total failed", 0)
        Client().post("/accounts/login/", {"username": "nobody", "password": "wrong"})
        assert read()["facesite_sign_ins_total failed"] == before + 1

    def test_nobody_is_named(self):
        make_person("Anna Karenina")
        assert "Anna" not in Client().get("/metrics").content.decode()


class TestTheDashboardForGrafana:
    @pytest.mark.usefixtures("switched_on")
    def test_asks_only_for_what_is_measured(self, engine):
        """Labels included."""
        current_gallery(engine)
        count_result("verification", 1, {"total": 10.0})
        count_decision("match", "identify", "live", ["no_match"])
        count_request("GET", 200, 0.1)
        SIGN_INS.labels("failed").inc()
        WEBHOOK_TRIES.labels("failed").inc()
        SOCKETS.labels("verification").set(1)
        FRAMES.labels("verification").inc()
        answer = Client().get("/metrics").content.decode()
        samples = [sample for family in text_string_to_metric_families(answer) for sample in family.samples]
        labels = {sample.name: set(sample.labels) for sample in samples}
        board = json.loads((settings.BASE_DIR / "docs" / "grafana.json").read_text())
        expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        assert expressions
        for expression in expressions:
            names = set(re.findall(r"\b(?:facesite|process)_\w+", expression))
            assert names
            assert names <= set(labels)
            grouped = {word for each in re.findall(r"by \(([\w, ]+)\)", expression) for word in re.split(r", ?", each)}
            assert all(grouped <= labels[name] for name in names)
