from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from attendance.kiosks.checking import find_kiosk
from attendance.kiosks.services import revoke_kiosk
from attendance.models import KioskActor, Punch
from attendance.punches.badges import Entered, NumberTooOld, NumberUnknown, TooManyNumbers, enter_number
from enrollment.models import Person
from security.allowing import NotAllowed
from security.roles.table import Role
from tests.support.kiosks import paired_kiosk
from tests.support.operators import make_operator
from tests.verification.rows import make_person

pytestmark = pytest.mark.django_db
KEY = UUID("0c5b2a51-6f1d-4f6a-9a43-6f2f9b0f7c11")


def kiosk_at_work(mode: str = "check", name: str = "Front door") -> KioskActor:
    state = find_kiosk(paired_kiosk(name, mode)[1])
    assert state
    return state.actor()


@pytest.fixture
def kiosk() -> KioskActor:
    return kiosk_at_work()


@pytest.fixture(autouse=True)
def person() -> Person:
    ada = make_person("Ada")
    Person.objects.filter(pk=ada.pk).update(external_id="A-17")
    ada.refresh_from_db()
    return ada


def typed(kiosk: KioskActor, number: str = "A-17", *, key: UUID | None = None, ago: timedelta = timedelta()) -> Entered:
    return enter_number(actor=kiosk, key=key or uuid4(), number=number, at=timezone.now() - ago)


class TestEnterNumber:
    def test_checks_in_and_out_and_says_so(self, kiosk, person, monkeypatch):
        evening = timezone.localtime().replace(hour=20)  # else eight hours ago is yesterday for whoever tests at night
        monkeypatch.setattr(timezone, "now", lambda: evening)
        came = typed(kiosk, ago=timedelta(hours=8)).punch
        left = typed(kiosk).punch
        assert came
        assert left
        assert (came.direction, left.direction) == ("in", "out")
        assert (came.way, came.person, came.attempt, came.entered_by_id) == ("badge", person, None, kiosk.pk)

    def test_writes_an_event_once_however_often_it_is_sent(self, kiosk):
        first, second = typed(kiosk, key=KEY), typed(kiosk, key=KEY)
        assert first.punch == second.punch
        assert Punch.objects.count() == 1

    def test_is_no_punch_within_the_cooldown_before_or_after(self, kiosk):
        typed(kiosk, ago=timedelta(minutes=10))
        assert typed(kiosk, ago=timedelta(minutes=9)).punch is None
        assert typed(kiosk, ago=timedelta(minutes=11)).punch is None

    def test_is_no_punch_where_people_are_only_greeted(self, person):
        entered = typed(kiosk_at_work("greet"))
        assert (entered.person, entered.punch) == (person, None)

    def test_takes_numbers_as_they_are_written(self, kiosk):
        with pytest.raises(NumberUnknown):
            typed(kiosk, "a-17")

    def test_knows_nobody_who_is_not_active(self, kiosk, person):
        Person.objects.filter(pk=person.pk).update(is_active=False)
        with pytest.raises(NumberUnknown):
            typed(kiosk)

    def test_slows_down_guessing_at_one_kiosk_alone(self, kiosk):
        for _ in range(10):
            with pytest.raises(NumberUnknown):
                typed(kiosk, "guess")
        with pytest.raises(TooManyNumbers) as refusal:
            typed(kiosk)
        assert (refusal.value.seconds, refusal.value.is_final) == (5, False)
        assert typed(kiosk_at_work(name="Back door")).punch

    def test_counts_for_a_day_when_the_network_was_away(self, kiosk):
        assert typed(kiosk, ago=timedelta(hours=23)).punch
        with pytest.raises(NumberTooOld):
            typed(kiosk, ago=timedelta(hours=25))

    def test_is_for_kiosks_alone(self, kiosk, staff):
        for actor in (None, staff, make_operator(Role.KIOSK)):
            with pytest.raises(NotAllowed):
                enter_number(actor=actor, key=KEY, number="A-17", at=timezone.now())
        row = kiosk.kiosk
        revoke_kiosk(actor=staff, kiosk=row)
        with pytest.raises(NotAllowed):
            typed(kiosk)
