"""Inactive people: since when, who is due, and that their erasure is the one of every page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from enrollment import retention, services
from enrollment.hooks import hooks
from enrollment.hygiene.actions import merge_people, undo_action
from enrollment.models import FaceSample, GalleryRevision, Person
from enrollment.rights.consenting import undo_withdrawal, withdraw_consent
from recognizer.errors import PackError
from security.retention.policy import current_days
from tests.enrollment.conftest import CONTRACT

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch):
    """Nobody here has a face that an engine could compare."""

    def none() -> None:
        raise PackError("no pack")

    monkeypatch.setattr(retention, "get_engine", none)


def deactivate(person: Person, *, days: float) -> None:
    services.set_active(actor=None, people=[person], active=False)
    Person.objects.filter(pk=person.pk).update(deactivated_at=timezone.now() - timedelta(days=days))


class TestSinceWhen:
    def test_is_noted_by_every_way_of_deactivating(self, enroll):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        services.set_active(actor=None, people=[ada], active=False)
        services.update_person(actor=None, person=bob, name="Bob", external_id=None, is_active=False)
        for person in (ada, bob):
            person.refresh_from_db()
            assert timezone.now() - person.deactivated_at < timedelta(minutes=1)

    def test_is_forgotten_when_somebody_is_active_again(self, enroll):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        services.set_active(actor=None, people=[ada, bob], active=False)
        services.set_active(actor=None, people=[ada], active=True)
        services.update_person(actor=None, person=bob, name="Bob", external_id=None, is_active=True)
        assert set(Person.objects.values_list("deactivated_at", flat=True)) == {None}

    def test_stays_when_only_the_name_changes(self, enroll):
        ada = enroll("Ada", 1)
        deactivate(ada, days=10)
        services.update_person(actor=None, person=ada, name="Ada L", external_id=None, is_active=False)
        assert retention.count_inactive(timezone.now(), 9) == 1

    def test_follows_a_merge_and_its_undoing(self, enroll):
        ada, again = enroll("Ada", 1), enroll("Ada again", 2)
        merge = merge_people(actor=None, keep=ada, merge=again, contract_id=CONTRACT)
        again.refresh_from_db()
        assert again.deactivated_at is not None
        undo_action(actor=None, action=merge)
        again.refresh_from_db()
        assert (again.is_active, again.deactivated_at) == (True, None)


class TestInactivePeople:
    def test_stay_unless_the_site_says_otherwise(self):
        assert current_days()["inactive_people"] is None

    def test_go_after_their_days_and_nobody_else(self, enroll):
        for name, days in (("due", 91), ("not yet", 89)):
            deactivate(enroll(name, len(name)), days=days)
        enroll("active", 20)
        now = timezone.now()
        assert retention.count_inactive(now, 90) == 1
        assert [retention.erase_inactive(now, 90, 10) for _ in range(2)] == [1, 0]
        assert set(Person.objects.values_list("name", flat=True)) == {"not yet", "active"}

    def test_go_by_their_last_change_where_nobody_noted_when(self, enroll):
        person = enroll("Ada", 1)
        Person.objects.update(is_active=False, updated_at=timezone.now() - 91 * DAY)
        assert retention.count_inactive(timezone.now(), 90) == 1
        services.update_person(actor=None, person=person, name="Ada L", external_id=None)
        assert retention.count_inactive(timezone.now(), 90) == 0

    def test_are_erased_as_an_operator_would(self, enroll, monkeypatch):
        told: list[str] = []
        monkeypatch.setattr(hooks, "erase", [lambda people: told.extend(person.name for person in people)])
        deactivate(enroll("Ada", 1), days=91)
        before = GalleryRevision.objects.get().number
        retention.erase_inactive(timezone.now(), 90, 10)
        assert told == ["Ada"]
        assert GalleryRevision.objects.get().number == before + 1
        assert not FaceSample.objects.exists()

    def test_who_were_merged_into_somebody_stay_for_their_pictures_are_in_use(self, enroll):
        ada, again = enroll("Ada", 1), enroll("Ada again", 2)
        merge_people(actor=None, keep=ada, merge=again, contract_id=CONTRACT)
        Person.objects.filter(pk=again.pk).update(deactivated_at=timezone.now() - 91 * DAY)
        assert retention.count_inactive(timezone.now(), 90) == 0
        assert retention.erase_inactive(timezone.now(), 90, 10) == 0
        assert ada.samples.count() == 2
        deactivate(ada, days=91)
        assert retention.erase_inactive(timezone.now(), 90, 10) == 1  # with the record that was merged into it
        assert not Person.objects.exists()

    def test_who_withdrew_stay_until_the_day_that_they_were_told(self, enroll, staff):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        ended = withdraw_consent(actor=staff, person=ada)
        deactivate(bob, days=2)
        later = timezone.now() + 3 * DAY
        assert ended.erase_on is not None and ended.erase_on > timezone.localdate(later)
        assert retention.count_inactive(later, 1) == 1
        assert retention.erase_inactive(later, 1, 10) == 1
        assert list(Person.objects.all()) == [ada]
        undo_withdrawal(actor=staff, person=ada)

    def test_who_are_activated_at_the_last_moment_stay(self, enroll, monkeypatch):
        ada = enroll("Ada", 1)
        deactivate(ada, days=91)

        def activate() -> None:
            services.set_active(actor=None, people=[ada], active=True)

        monkeypatch.setattr(retention, "get_engine", activate)  # between the look and the lock
        assert retention.erase_inactive(timezone.now(), 90, 10) == 0
        assert Person.objects.filter(pk=ada.pk, is_active=True).exists()
