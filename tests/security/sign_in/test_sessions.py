from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.utils import timezone

from security.models import SignIn
from security.sign_in import sessions
from security.sign_in.one_time import issue_one_time_password
from security.sign_in.owing import OWN_PASSWORD
from security.sign_in.sessions import (
    end_sign_ins,
    forget_old_sessions,
    idle_limit,
    lifetime,
    note_end,
    note_use,
    operator_of_session,
    sign_ins_of,
    standing_of,
    why_ended,
)
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db
MOMENT = timedelta(seconds=2)


def age(*, unused: timedelta = timedelta(), begun: timedelta = timedelta()) -> SignIn:
    """The only sign-in, as if it had been begun and used so long ago."""
    now = timezone.now()
    SignIn.objects.update(last_used_at=now - unused, began_at=now - max(unused, begun))
    return SignIn.objects.get()


@pytest.fixture
def key(operator) -> str:
    return str(signed_in(operator).session.session_key)


class TestWhyEnded:
    def test_not_yet(self, key):
        assert why_ended(age(unused=idle_limit() - MOMENT)) == ""

    def test_nobody_used_it(self, key):
        assert why_ended(age(unused=idle_limit() + MOMENT)) == "idle"

    def test_its_time_is_over_although_it_is_used(self, key):
        assert why_ended(age(begun=lifetime() - MOMENT)) == ""
        assert why_ended(age(begun=lifetime() + MOMENT)) == "lifetime"

    def test_what_has_ended_stays_so_when_the_limit_is_raised(self, key, settings):
        note_end(age(unused=idle_limit() + MOMENT), "idle")
        settings.FACESITE_IDLE_MINUTES *= 10
        assert why_ended(SignIn.objects.get()) == "idle"
        assert standing_of(key).operator is None


class TestNoteUse:
    def test_is_written_at_most_once_a_minute(self, key, django_assert_num_queries):
        recent = age(unused=timedelta(seconds=50))
        with django_assert_num_queries(0):
            note_use(recent)
        note_use(age(unused=timedelta(seconds=70)))
        assert timezone.now() - SignIn.objects.get().last_used_at < timedelta(seconds=30)

    def test_a_database_that_cannot_be_written_stops_no_page(self, key, monkeypatch):
        def fail(*args: object, **kwargs: object) -> None:
            raise OperationalError("attempt to write a readonly database")

        sign_in = age(unused=timedelta(minutes=5))
        with connection.execute_wrapper(fail):
            note_use(sign_in)


class TestStandingOf:
    def test_an_operator_who_is_signed_in(self, key, operator):
        assert standing_of(key) == sessions.Standing(operator)
        assert operator_of_session(key) == operator

    @pytest.mark.parametrize("key", ["", "nonsense"])
    def test_of_no_session_is_nobody(self, db, key):
        assert standing_of(key).operator is None

    def test_an_idle_one_is_nobody(self, key):
        age(unused=idle_limit() + MOMENT)
        assert standing_of(key).operator is None

    def test_use_keeps_it(self, key):
        age(unused=idle_limit() - MOMENT)
        standing_of(key)
        assert timezone.now() - SignIn.objects.get().last_used_at > timedelta(minutes=1)
        standing_of(key, in_use=True)
        assert timezone.now() - SignIn.objects.get().last_used_at < timedelta(minutes=1)

    def test_one_who_owes_a_password_may_do_nothing(self, operator):
        issue_one_time_password(actor=None, operator=operator)
        key = str(signed_in(operator).session.session_key)
        assert standing_of(key) == sessions.Standing(operator, OWN_PASSWORD)
        assert operator_of_session(key) is None


class TestEndSignIns:
    def test_ends_one(self, operator):
        here, first, second = (str(signed_in(operator).session.session_key) for _ in range(3))
        chosen = SignIn.objects.get(session_id=first)
        assert end_sign_ins(actor=operator, but=here, only=chosen.pk) == 1
        assert {row.session_id for row in sign_ins_of(operator)} == {here, second}
        assert standing_of(first).operator is None

    def test_ends_all_others(self, operator):
        here, *_ = (str(signed_in(operator).session.session_key) for _ in range(3))
        assert end_sign_ins(actor=operator, but=here) == 2
        assert [row.session_id for row in sign_ins_of(operator)] == [here]
        assert Session.objects.count() == 1

    def test_ends_nobody_elses(self, operator, staff):
        signed_in(staff)
        theirs = SignIn.objects.get()
        assert end_sign_ins(actor=operator, but="", only=theirs.pk) == 0
        assert end_sign_ins(actor=operator, but="") == 0
        assert SignIn.objects.get() == theirs


class TestForgetOldSessions:
    def test_keeps_for_a_day_what_has_ended_so_that_the_login_page_can_say_why(self, key):
        age(unused=idle_limit() + timedelta(hours=23))
        forget_old_sessions()
        assert Session.objects.count() == 1

    def test_takes_it_then(self, key):
        age(unused=idle_limit() + timedelta(hours=25))
        forget_old_sessions()
        assert not Session.objects.exists()
        assert not SignIn.objects.exists()
