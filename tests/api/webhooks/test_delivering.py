"""From a change to a receiver that believes it, with a real HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, transaction
from django.utils import timezone

from api.models import Delivery, OutboxMessage, Webhook
from api.webhooks import services
from api.webhooks.delivering import GIVE_UP, PAUSES_S, Courier, deliver_due
from api.webhooks.events import EXPLAINED, Event
from enrollment.services import erase_people, register_person
from security.audit.actions import Action
from security.audit.recording import record_all
from security.models import AuditEvent
from tests.api.webhooks.conftest import verified
from tests.support.consent import ON_PAPER
from tests.verification.test_services import record

pytestmark = pytest.mark.django_db


def made(receiver, *events: Event) -> tuple[Webhook, str]:
    return services.create_webhook(actor=None, url=receiver.url, events=events or list(EXPLAINED))


def delivery() -> Delivery:
    return Delivery.objects.select_related("message", "webhook").latest("pk")


def look_once(courier: Courier) -> None:
    """As its thread does."""
    try:
        courier.look()
    finally:
        close_old_connections()


def make_due() -> None:
    Delivery.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


class TestWhatIsTold:
    def test_a_change_is_told_with_a_signature_that_holds(self, receiver):
        _, secret = made(receiver)
        person = register_person(actor=None, name="Ada Lovelace", consent=ON_PAPER)
        assert deliver_due() == 1
        message = verified(receiver.received[0], secret)
        assert message["type"] == "person.enrolled"
        assert message["data"] == {"person": str(person.uuid), "samples": 0}
        assert receiver.received[0].headers["content-type"] == "application/json"
        assert delivery().delivered_at is not None

    def test_no_message_names_anybody(self, receiver):
        made(receiver)
        person = register_person(actor=None, name="Ada Lovelace", external_id="A-17", consent=ON_PAPER)
        erase_people(actor=None, people=[person])
        deliver_due()
        told = b"".join(one.body for one in receiver.received)
        assert len(receiver.received) == 2
        assert b"Ada" not in told and b"A-17" not in told

    def test_a_decision_is_told_and_an_attack_once_more_as_one(self, receiver, operator):
        from recognizer.types import Verdict

        _, secret = made(receiver, Event.ATTACK_DETECTED, Event.ATTEMPT_DECIDED)
        attempt = record(operator, verdict=Verdict.ATTACK)
        record(operator, verdict=Verdict.NON_MATCH)
        deliver_due()
        told = [verified(one, secret) for one in receiver.received]
        assert [one["type"] for one in told] == ["attempt.decided", "attack.detected", "attempt.decided"]
        assert {one["data"]["attempt"] for one in told[:2]} == {str(attempt.uuid)}
        assert told[0]["data"]["match_threshold"] == attempt.match_threshold
        assert told[0]["data"]["liveness"] == {"verdict": "bona_fide", "score": 0.97}

    def test_what_was_not_asked_for_is_not_told(self, receiver):
        made(receiver, Event.ATTACK_DETECTED)
        register_person(actor=None, name="Ada", consent=ON_PAPER)
        assert not OutboxMessage.objects.exists()

    def test_who_wants_to_know_is_asked_once_however_many_it_is_about(self, django_assert_num_queries):
        with django_assert_num_queries(4):  # the audit trail's three, and that one
            record_all(Action.PERSON_ERASED, actor=None, targets=range(1, 50))

    def test_a_change_that_did_not_happen_is_not_told(self, receiver):
        made(receiver)

        with transaction.atomic():
            register_person(actor=None, name="Ada", consent=ON_PAPER)
            assert OutboxMessage.objects.count() == 1
            transaction.set_rollback(True)
        assert not OutboxMessage.objects.exists()


class TestFailures:
    def test_a_refused_message_is_tried_again_with_the_same_id(self, receiver):
        _, secret = made(receiver)
        receiver.answers = [500, 503]
        register_person(actor=None, name="Ada", consent=ON_PAPER)
        for tries, pause in enumerate(PAUSES_S[:2], start=1):
            before = timezone.now()
            assert deliver_due() == 1
            assert delivery().tries == tries
            due_at = delivery().due_at
            assert due_at is not None
            waits = (due_at - before).total_seconds()
            assert 0.8 * pause <= waits <= 1.2 * pause + 5
            assert deliver_due() == 0, "it is not due yet"
            make_due()
        deliver_due()
        assert delivery().delivered_at and delivery().status == 204
        assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
        assert verified(receiver.received[2], secret)["type"] == "person.enrolled"

    def test_one_failure_lets_the_others_of_that_receiver_wait(self, receiver):
        made(receiver)
        receiver.answers = [500]
        for name in ("Ada", "Grace"):
            register_person(actor=None, name=name, consent=ON_PAPER)
        deliver_due()
        assert len(receiver.received) == 1

    def test_after_three_days_it_is_given_up(self, receiver):
        made(receiver)
        receiver.answers = [500]
        register_person(actor=None, name="Ada", consent=ON_PAPER)
        OutboxMessage.objects.update(at=timezone.now() - GIVE_UP)
        deliver_due()
        assert delivery().due_at is None and delivery().delivered_at is None
        services.replay(actor=None, delivery=delivery())
        deliver_due()
        assert delivery().delivered_at is not None

    def test_gone_ends_the_webhook_at_once_and_leaves_an_audit_row(self, receiver):
        webhook, _ = made(receiver)
        receiver.answers = [410]
        register_person(actor=None, name="Ada", consent=ON_PAPER)
        deliver_due()
        webhook.refresh_from_db()
        assert webhook.ended == Webhook.Ended.GONE
        row = AuditEvent.objects.get(action=Action.WEBHOOK_ENDED)
        assert (row.target, row.facts) == (f"webhook:{webhook.uuid}", {"why": "gone"})
        make_due()
        assert deliver_due() == 0

    def test_a_week_of_failures_ends_it_and_a_success_forgets_them(self, receiver):
        webhook, _ = made(receiver)
        receiver.answers = [500, 204, 500]
        for expected in (True, False, True):
            register_person(actor=None, name="Ada", consent=ON_PAPER)
            make_due()
            Delivery.objects.exclude(pk=delivery().pk).delete()
            deliver_due()
            webhook.refresh_from_db()
            assert (webhook.failing_since is not None) is expected
            assert not webhook.ended
        Webhook.objects.update(failing_since=timezone.now() - timedelta(days=7))
        receiver.answers = [500]
        make_due()
        deliver_due()
        webhook.refresh_from_db()
        assert webhook.ended == Webhook.Ended.FAILING

    def test_nobody_there_is_a_failure_like_others(self, receiver):
        made(receiver)
        Webhook.objects.update(url="http://127.0.0.1:9/")
        register_person(actor=None, name="Ada", consent=ON_PAPER)
        deliver_due()
        assert delivery().status is None
        assert delivery().problem == "Nobody listens at the receiver's address."

    def test_a_redirect_is_not_followed(self, receiver):
        made(receiver)
        receiver.answers, receiver.location = [302], receiver.url + "&again=1"
        register_person(actor=None, name="Ada", consent=ON_PAPER)
        deliver_due()
        assert len(receiver.received) == 1
        assert delivery().problem == "The receiver answered 302."

    def test_an_address_that_is_no_longer_allowed_is_not_called(self, receiver, settings):
        made(receiver)
        settings.FACESITE_WEBHOOKS_PRIVATE = False
        register_person(actor=None, name="Ada", consent=ON_PAPER)
        deliver_due()
        assert not receiver.received
        assert "Only https is allowed" in delivery().problem


class TestSecrets:
    def test_after_a_renewal_both_sign_for_a_day(self, receiver):
        webhook, old = made(receiver)
        new = services.renew_secret(actor=None, webhook=webhook)
        services.send_test(actor=None, webhook=webhook)
        deliver_due()
        assert verified(receiver.received[0], old) == verified(receiver.received[0], new)
        Webhook.objects.update(older_until=timezone.now())
        services.send_test(actor=None, webhook=webhook)
        deliver_due()
        assert verified(receiver.received[1], new)["type"] == "webhook.test"
        with pytest.raises(AssertionError):
            verified(receiver.received[1], old)

    def test_the_database_does_not_hold_them_in_plain(self, receiver):
        webhook, secret = made(receiver)
        assert secret.encode() not in bytes(Webhook.objects.get(pk=webhook.pk).secret)
        assert secret not in json.dumps(list(AuditEvent.objects.values_list("facts", flat=True)))


@pytest.mark.django_db(transaction=True)
class TestCourier:
    def test_sends_what_was_committed_without_being_asked(self, receiver):
        made(receiver)
        courier = Courier()
        courier.start()
        try:
            register_person(actor=None, name="Ada", consent=ON_PAPER)
            courier.wake()
            assert receiver.come.wait(20)
        finally:
            courier.stop()

    def test_two_processes_send_each_message_once(self, receiver):
        made(receiver)
        for number in range(10):
            register_person(actor=None, name=f"Person {number}", consent=ON_PAPER)
        threads = [threading.Thread(target=look_once, args=[Courier()]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ids = [one.headers["webhook-id"] for one in receiver.received]
        assert len(ids) == len(set(ids)) == 10
