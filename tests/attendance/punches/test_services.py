from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from api.models import OutboxMessage, Webhook
from attendance.models import Punch
from attendance.punches import services
from enrollment.models import Person
from enrollment.services import erase_person
from security.allowing import NotAllowed
from security.happenings import happened
from security.models import AuditEvent
from security.roles.table import Role
from tests.support.operators import make_operator
from tests.verification.rows import make_attempt, make_person
from verification.happenings import ATTEMPT_DECIDED, facts_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 4, 12, tzinfo=timezone.get_default_timezone())


@pytest.fixture
def door():
    return make_operator(Role.KIOSK)


@pytest.fixture
def every_camera(staff):
    services.save_attendance_policy(actor=staff, cameras="all", cooldown_minutes=2)


def decide(person, at=NOON, **values) -> Any:
    """A decision as the live page's writer tells it. Returns its punch, or None."""
    values = {"matched_person": person, "created_at": at, "source": "live"} | values
    attempt = make_attempt(**values)
    happened(ATTEMPT_DECIDED, [attempt.uuid], facts_of(attempt))
    return Punch.objects.filter(attempt=attempt).first()


class TestDecisionsThatArePunches:
    def test_none_are_until_the_site_says_so(self):
        assert decide(make_person()) is None

    @pytest.mark.usefixtures("every_camera")
    def test_the_first_of_a_day_is_a_check_in_and_the_next_a_check_out(self):
        ada = make_person()
        directions = [decide(ada, NOON + timedelta(hours=hour)).direction for hour in (0, 1, 2)]
        assert directions == ["in", "out", "in"]

    @pytest.mark.usefixtures("every_camera")
    def test_a_second_look_within_the_cooldown_is_none(self):
        ada = make_person()
        decide(ada)
        assert decide(ada, NOON + timedelta(seconds=119)) is None
        assert decide(ada, NOON + timedelta(seconds=120)).direction == "out"

    @pytest.mark.usefixtures("every_camera")
    def test_whoever_forgot_to_check_out_checks_in_the_next_day(self):
        ada = make_person()
        decide(ada)
        assert decide(ada, NOON + timedelta(hours=20)).direction == "in"

    @pytest.mark.usefixtures("every_camera")
    @pytest.mark.parametrize("values", [{"mode": "verify"}, {"source": "photo"}, {"source": "api"}])
    def test_only_searches_of_the_live_page_are(self, values):
        assert decide(make_person(), **values) is None

    @pytest.mark.usefixtures("every_camera")
    def test_nobody_is_checked_in_by_a_refusal(self):
        assert decide(None, verdict="non_match") is None

    @pytest.mark.usefixtures("every_camera")
    def test_a_decision_that_is_told_twice_is_one(self):
        ada = make_person()
        punch = decide(ada)
        happened(ATTEMPT_DECIDED, [punch.attempt.uuid], facts_of(punch.attempt))
        assert Punch.objects.count() == 1

    def test_only_those_of_doors_are_where_the_site_chose_them(self, door, operator, staff):
        services.save_attendance_policy(actor=staff, cameras="doors", cooldown_minutes=2)
        assert decide(make_person("Ada"), operator=operator) is None
        assert decide(make_person("Bo"), operator=staff) is None
        assert decide(make_person("Cy"), operator=door).way == "face"

    @pytest.mark.usefixtures("every_camera")
    def test_webhooks_hear_of_them(self, staff):
        events = ["attendance.checked_in", "attendance.checked_out"]
        Webhook.objects.create(url="https://hr.example.org/", events=events, secret=b"x", created_by=staff)
        ada = make_person()
        punch = decide(ada)
        decide(ada, NOON + timedelta(hours=1))
        first, second = OutboxMessage.objects.order_by("pk")
        assert (first.event, second.event) == ("attendance.checked_in", "attendance.checked_out")
        assert first.data["person"] == str(ada.uuid)
        assert first.data["attempt"] == str(punch.attempt.uuid)
        assert "Ada" not in str(first.data)


class TestByHand:
    def test_a_punch_keeps_who_and_why(self, operator):
        at = timezone.now() - timedelta(hours=1)
        punch = services.punch_by_hand(
            actor=operator, person=make_person(), direction="out", at=at, reason="forgot  the badge"
        )
        assert (punch.entered_by, punch.reason, punch.way, punch.at) == (operator, "forgot the badge", "manual", at)
        row = AuditEvent.objects.order_by("-number")[0]
        assert (row.action, row.target) == ("punch.entered", f"punch:{punch.uuid}")
        assert "badge" not in str(row.facts)

    @pytest.mark.parametrize(
        ("values", "wrong"),
        [
            ({"reason": " "}, "reason"),
            ({"reason": "x" * 201}, "reason"),
            ({"at": timezone.now() + timedelta(days=1)}, "at"),
            ({"at": timezone.now() - timedelta(days=400)}, "at"),
            ({"direction": "sideways"}, "direction"),
        ],
    )
    def test_what_cannot_be_is_refused_and_nothing_kept(self, operator, values, wrong):
        said = {"direction": "in", "at": timezone.now(), "reason": "forgot"} | values
        with pytest.raises(ValidationError) as refused:
            services.punch_by_hand(actor=operator, person=make_person(), **said)
        assert wrong in refused.value.message_dict
        assert not Punch.objects.exists()

    def test_nothing_is_entered_for_somebody_who_was_erased_meanwhile(self, operator):
        ada = make_person()
        Person.objects.filter(pk=ada.pk).delete()
        with pytest.raises(ValidationError) as refused:
            services.punch_by_hand(actor=operator, person=ada, direction="in", at=timezone.now(), reason="forgot")
        assert "who" in refused.value.message_dict

    def test_one_that_is_taken_back_stays_with_who_and_why(self, operator):
        punch = services.punch_by_hand(
            actor=operator, person=make_person(), direction="in", at=timezone.now(), reason="forgot"
        )
        assert services.void_punch(actor=operator, punch=punch, reason="was somebody else")
        punch.refresh_from_db()
        assert (punch.voided_by, punch.void_reason) == (operator, "was somebody else")
        assert AuditEvent.objects.order_by("-number")[0].action == "punch.voided"
        assert not services.void_punch(actor=operator, punch=punch, reason="again")

    def test_one_that_was_erased_with_its_person_cannot_be_taken_back(self, operator):
        ada = make_person()
        punch = services.punch_by_hand(actor=operator, person=ada, direction="in", at=timezone.now(), reason="forgot")
        Person.objects.filter(pk=ada.pk).delete()
        assert not services.void_punch(actor=operator, punch=punch, reason="was somebody else")

    def test_receptionists_may_not(self):
        receptionist = make_operator(Role.RECEPTIONIST)
        with pytest.raises(NotAllowed):
            services.punch_by_hand(
                actor=receptionist, person=make_person(), direction="in", at=timezone.now(), reason="x"
            )

    @pytest.mark.usefixtures("every_camera")
    def test_one_that_was_taken_back_no_longer_decides_what_the_next_look_is(self, operator):
        ada = make_person()
        punch = decide(ada)
        services.void_punch(actor=operator, punch=punch, reason="passed by")
        assert decide(ada, NOON + timedelta(hours=1)).direction == "in"


class TestThePolicy:
    def test_is_on_record_when_it_changes(self, staff):
        services.save_attendance_policy(actor=staff, cameras="doors", cooldown_minutes=5)
        row = AuditEvent.objects.order_by("-number")[0]
        assert row.facts["before"] == {
            "cameras": "none",
            "cooldown_minutes": 2,
            "closing": "open",
            "closing_time": None,
        }
        assert row.facts["after"] == row.facts["before"] | {"cameras": "doors", "cooldown_minutes": 5}

    def test_is_for_who_manages_the_site(self, operator):
        with pytest.raises(NotAllowed):
            services.save_attendance_policy(actor=operator, cameras="all", cooldown_minutes=5)

    @pytest.mark.parametrize("minutes", [0, 241])
    def test_refuses_a_senseless_cooldown(self, staff, minutes):
        with pytest.raises(ValidationError):
            services.save_attendance_policy(actor=staff, cameras="all", cooldown_minutes=minutes)


class TestErasure:
    @pytest.mark.usefixtures("every_camera")
    def test_takes_a_persons_punches_and_counts_them(self):
        ada, bo = make_person("Ada"), make_person("Bo")
        decide(ada)
        decide(bo)
        receipt, _ = erase_person(actor=None, person=ada)
        assert receipt.statement["counts"]["punches"] == 1
        assert [punch.person for punch in Punch.objects.all()] == [bo]
