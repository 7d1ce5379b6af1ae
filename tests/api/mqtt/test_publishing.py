"""What a real mosquitto is told, and what it keeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

from api.mqtt import listening
from api.mqtt.publishing import STALE_S, Publisher, broker_problem
from api.mqtt.topics import Message, slug
from enrollment.services import erase_person
from facesite import health
from facesite.doctor import Asked, mqtt
from facesite.health import OPTIONAL, explain, run_checks
from security.happenings import happened
from security.roles.table import Role
from tests.support.kiosks import make_kiosk
from tests.support.mosquitto import Broker
from tests.support.operators import make_operator
from tests.support.sockets import PATIENCE_S
from tests.verification.rows import make_attempt, make_person
from verification.happenings import ATTEMPT_DECIDED, facts_of
from verification.models import VerificationAttempt

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def publisher(broker, settings, monkeypatch) -> Iterator[Publisher]:
    settings.FACESITE_MQTT_URL = broker.url
    monkeypatch.setattr("api.mqtt.publishing.RETRY_S", 0.2)
    publisher = Publisher()
    publisher._every_s = 0.2
    monkeypatch.setattr(listening, "publisher", publisher)
    publisher.start()
    wait_until(lambda: publisher.connected)
    yield publisher
    publisher.stop()


def wait_until(so) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def decide(**values) -> VerificationAttempt:
    attempt = make_attempt(**values)
    with transaction.atomic():
        happened(ATTEMPT_DECIDED, [attempt.uuid], facts_of(attempt))
    return attempt


class TestWhatIsTold:
    def test_a_decision_with_ids_and_without_a_name(self, broker, publisher):
        ada = make_person("Ada Lovelace")
        with broker.listener("facesite/#") as ears:
            attempt = decide(matched_person=ada)
            said = ears.wait_for("facesite/attempt")
            assert (said["attempt"], said["verdict"], said["place"]) == (str(attempt.uuid), "match", "live")
            seen = ears.wait_for("facesite/place/live/last_seen")
            assert (seen["person"], seen["name"]) == (str(ada.uuid), None)

    def test_the_name_where_the_site_wants_it(self, broker, publisher, settings):
        settings.FACESITE_MQTT_NAMES = True
        with broker.listener("facesite/#") as ears:
            decide(matched_person=make_person("Zoë"))
            assert ears.wait_for("facesite/place/live/last_seen")["name"] == "Zoë"

    def test_the_place_of_a_device_at_a_door(self, broker, publisher):
        door = make_operator(Role.KIOSK, name="Main Entrance")
        with broker.listener("facesite/#") as ears:
            decide(operator=door, verdict="non_match")
            assert ears.wait_for("facesite/attempt")["place"] == "Main Entrance"
            ears.wait_for("facesite/place/main-entrance/unknown")

    def test_the_place_of_a_kiosk(self, broker, publisher):
        kiosk, _ = make_kiosk("Main Entrance")
        with broker.listener("facesite/#") as ears:
            decide(operator=kiosk.account, source="kiosk", verdict="non_match")
            assert ears.wait_for("facesite/attempt")["place"] == "Kiosk Main Entrance"
            ears.wait_for("facesite/place/kiosk-main-entrance/unknown")

    def test_an_attack_and_a_check_in(self, broker, publisher):
        with broker.listener("facesite/#") as ears:
            decide(verdict="attack")
            ears.wait_for("facesite/place/live/attack")
            with transaction.atomic():
                happened("attendance.checked_in", ["7"], {"person": "8"})
            assert ears.wait_for("facesite/attendance/checked_in") == {"punch": "7", "person": "8"}

    def test_nothing_of_a_change_that_was_undone(self, broker, publisher):
        with broker.listener("facesite/#") as ears:
            attempt = make_attempt(verdict="attack")
            with transaction.atomic():
                happened(ATTEMPT_DECIDED, [attempt.uuid], facts_of(attempt))
                transaction.set_rollback(True)
            other = decide(verdict="non_match")
            assert ears.wait_for("facesite/attempt")["attempt"] == str(other.uuid)


class TestWhatTheBrokerKeeps:
    def test_the_newest_state_for_whoever_comes_later(self, broker, publisher):
        ada, bo = make_person("Ada"), make_person("Bo")
        with broker.listener("facesite/#") as ears:
            for person in (ada, bo):
                decide(matched_person=person)
                ears.wait_for("facesite/place/live/last_seen")
        with broker.listener("facesite/#") as late:
            assert late.wait_for("facesite/place/live/last_seen")["person"] == str(bo.uuid)

    def test_nothing_of_somebody_who_was_erased(self, broker, publisher):
        ada = make_person("Ada")
        with broker.listener("facesite/place/#") as ears:
            decide(matched_person=ada)
            ears.wait_for("facesite/place/live/last_seen")
            wait_until(lambda: publisher._seen)
            erase_person(actor=None, person=ada)
            assert ears.wait_for("facesite/place/live/last_seen") == ""

    def test_nothing_of_somebody_whose_state_still_waited_when_they_were_erased(self, broker, publisher):
        ada = make_person("Ada")
        broker.kill()
        wait_until(lambda: not publisher.connected)
        decide(matched_person=ada)
        erase_person(actor=None, person=ada)
        broker.start()
        wait_until(lambda: publisher.connected and not publisher._kept)
        with broker.listener("facesite/#") as ears:
            assert ears.wait_for("facesite/status") == "online"
            assert "facesite/place/live/last_seen" not in [topic for topic, *_ in list(ears.heard.queue)]
        assert publisher._seen == {}

    def test_nothing_of_somebody_who_was_erased_while_it_could_not_be_reached(self, broker, publisher):
        gone = "6a2f0f0e-0000-4000-8000-000000000000"
        publisher.put(Message("facesite/place/door/last_seen", f'{{"person": "{gone}"}}', keep=True))
        with broker.listener("facesite/place/#") as ears:
            ears.wait_for("facesite/place/door/last_seen")
            publisher.stop()
            publisher.start()
            assert ears.wait_for("facesite/place/door/last_seen") == ""

    def test_sensors_for_home_assistant(self, broker, publisher):
        with broker.listener("homeassistant/#") as ears:
            decide(matched_person=make_person())
            sensor = ears.wait_for("homeassistant/sensor/facesite_live_last_seen/config")
            assert sensor["state_topic"] == "facesite/place/live/last_seen"
            assert sensor["availability_topic"] == "facesite/status"
            assert ears.wait_for("homeassistant/sensor/facesite_live_attack/config")["device_class"] == "timestamp"

    def test_no_sensors_where_they_are_not_wanted(self, broker, publisher, settings):
        settings.FACESITE_MQTT_DISCOVERY = ""
        with broker.listener() as ears:
            decide(matched_person=make_person())
            ears.wait_for("facesite/place/live/last_seen")
            assert all(not topic.startswith("homeassistant") for topic, *_ in list(ears.heard.queue))

    def test_that_we_are_gone(self, broker, publisher):
        with broker.listener("facesite/status") as ears:
            assert ears.wait_for("facesite/status") == "online"
            publisher.stop()
            assert ears.wait_for("facesite/status") == "offline"


class TestSeveralProcesses:
    def test_the_site_is_online_as_long_as_one_of_them_is(self, broker, publisher):
        other = Publisher()
        with broker.listener("facesite/status") as ears:
            assert ears.wait_for("facesite/status") == "online"
            other.start()
            assert ears.wait_for("facesite/status") == "online"
            other.stop()
            assert ears.wait_for("facesite/status") == "offline"
            assert ears.wait_for("facesite/status") == "online"  # says the first
            publisher.stop()
            assert ears.wait_for("facesite/status") == "offline"


class TestABrokerThatIsAway:
    def test_hears_the_newest_state_when_it_is_back_and_nothing_stale(self, broker, publisher, monkeypatch):
        broker.kill()
        wait_until(lambda: not publisher.connected)
        publisher.put(Message("facesite/attempt", '"old"'))
        publisher._waiting[0] = (publisher._waiting[0][0], time.monotonic() - STALE_S)
        publisher.put(Message("facesite/attempt", '"new"'))
        for state in ('"first"', '"last"'):
            publisher.put(Message("facesite/place/door/unknown", state, keep=True))
        broker.start()
        wait_until(lambda: publisher.connected and not publisher._kept)
        with broker.listener("facesite/#") as ears:
            assert ears.wait_for("facesite/place/door/unknown") == "last"

    def test_leaves_the_site_ready_and_says_so(self, broker, publisher, monkeypatch):
        monkeypatch.setattr(health, "publisher", publisher)
        assert run_checks()["mqtt"]
        broker.kill()
        wait_until(lambda: not publisher.connected)
        checks = run_checks() | {"engine": True, "gallery": True}
        assert not checks["mqtt"]
        assert "mqtt" in OPTIONAL
        assert explain(checks).startswith("Degraded: the MQTT broker")

    def test_is_a_warning_of_the_doctor(self, broker, settings):
        settings.FACESITE_MQTT_URL = broker.url
        asked = Asked()
        assert [finding.state for finding in mqtt(asked)] == ["ok"]
        broker.kill()
        (finding,) = mqtt(asked)
        assert finding.state == "warning"

    def test_is_named_with_its_reason(self, broker):
        assert broker_problem(broker.url) == ""
        broker.kill()
        assert "refused" in broker_problem(broker.url)


def test_a_level_of_a_topic_holds_nothing_that_means_something():
    assert [slug(text) for text in ("Main Entrance", "a/#+b", "Ä")] == ["main-entrance", "a-b", "place"]
