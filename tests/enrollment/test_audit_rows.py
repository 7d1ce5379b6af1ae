"""Every change of people, samples, notes, packs, and every export, leaves a row that outlives the person."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q, QuerySet

from enrollment import exports, selectors, services
from enrollment.errors import ExternalIdTaken
from enrollment.hygiene import actions as hygiene
from enrollment.models import Person
from security.audit.actions import Action
from security.audit.recording import record
from security.audit.stored import verify_stored
from security.models import AuditEvent
from tests.enrollment.conftest import CONTRACT, unit_vector

pytestmark = pytest.mark.django_db
NAME = "Ada Lovelace"


@pytest.fixture
def ada(enroll) -> Person:
    return enroll(NAME, 1, 2, external_id="secret-17")


@pytest.fixture
def bob(enroll) -> Person:
    return enroll("Bob", 5, 6)


def rows_of_changes() -> QuerySet[AuditEvent]:
    """Without those of the first key and of consents, which come with every enrolment."""
    return AuditEvent.objects.exclude(action__in=[Action.CONSENT_RECORDED, Action.SITE_KEY_ADOPTED])


def last_rows(number: int = 1) -> list[tuple[str, str, Any]]:
    rows = list(rows_of_changes().order_by("-number")[:number])
    return [(row.action, row.target, row.facts) for row in reversed(rows)]


class TestPeople:
    def test_enrolling(self, ada):
        (enrolled,) = last_rows()
        assert enrolled == ("person.enrolled", f"person:{ada.uuid}", {"samples": 2, "despite_duplicate": True})
        assert AuditEvent.objects.filter(action=Action.CONSENT_RECORDED, target=f"person:{ada.uuid}").count() == 1

    def test_a_refused_enrolment_leaves_none(self, ada, enroll):
        with pytest.raises(ExternalIdTaken):
            enroll("Eve", 3, external_id="secret-17")
        assert rows_of_changes().count() == 1

    def test_adding_samples_but_not_adding_the_same_again(self, ada, make_draft):
        about = {"actor": None, "person": ada, "samples": [make_draft(3)], "despite_duplicate": True}
        services.add_samples(**about)
        assert last_rows() == [("person.samples_added", f"person:{ada.uuid}", {"samples": 1, "dropped": 0})]
        services.add_samples(**about)
        assert rows_of_changes().count() == 2

    def test_a_change_names_fields_and_no_values(self, ada, staff):
        services.update_person(actor=staff, person=ada, name="Augusta King", external_id="secret-18")
        event = AuditEvent.objects.latest("number")
        assert event.facts == {"changed": ["name", "external_id"], "is_active": True}
        assert event.actor == f"operator:{staff.pk}"

    def test_saving_without_a_change_leaves_none(self, ada):
        services.update_person(actor=None, person=ada, name=NAME, external_id="secret-17")
        assert rows_of_changes().count() == 1

    def test_activating_and_deactivating(self, ada, bob):
        services.set_active(actor=None, people=[ada, bob], active=False)
        services.set_active(actor=None, people=[ada], active=True)
        assert [(action, target) for action, target, _ in last_rows(3)] == [
            ("person.deactivated", f"person:{ada.uuid}"),
            ("person.deactivated", f"person:{bob.uuid}"),
            ("person.activated", f"person:{ada.uuid}"),
        ]

    def test_erasing_leaves_a_row_each_and_no_name_anywhere(self, ada, bob):
        services.erase_people(actor=None, people=[ada, bob])
        assert [row[:2] for row in last_rows(2)] == [
            ("person.erased", f"person:{ada.uuid}"),
            ("person.erased", f"person:{bob.uuid}"),
        ]
        named = Q(facts__icontains="Lovelace") | Q(facts__icontains="secret") | Q(target__icontains="Lovelace")
        assert not AuditEvent.objects.filter(named).exists()
        assert verify_stored().problem is None

    def test_erasing_somebody_who_is_gone_leaves_none(self, ada):
        services.erase_people(actor=None, people=[ada])
        services.erase_people(actor=None, people=[ada])
        assert rows_of_changes().count() == 2


class TestSamples:
    def test_removing_setting_aside_and_taking_back(self, ada):
        first, second = ada.samples.order_by("pk")
        services.set_aside(actor=None, sample=first, aside=True)
        services.set_aside(actor=None, sample=first, aside=True)  # changes nothing
        services.set_aside(actor=None, sample=first, aside=False)
        services.remove_sample(actor=None, sample=second)
        target = f"person:{ada.uuid}"
        assert last_rows(4)[1:] == [
            ("person.sample_set_aside", target, {"sample": str(first.uuid)}),
            ("person.sample_taken_back", target, {"sample": str(first.uuid)}),
            ("person.sample_removed", target, {"sample": str(second.uuid)}),
        ]

    def test_templates_of_another_pack(self, ada):
        embeddings = {sample.pk: unit_vector(9) for sample in ada.samples.all()}
        services.store_templates(actor=None, contract_id="other", embeddings=embeddings)
        services.store_templates(actor=None, contract_id="other", embeddings=embeddings)
        assert last_rows(2)[1] == ("pack.templates_stored", "pack:other", {"templates": 2})


class TestHygiene:
    def test_a_merge_and_its_undoing(self, ada, bob):
        action = hygiene.merge_people(actor=None, keep=ada, merge=bob, contract_id=CONTRACT)
        hygiene.undo_action(actor=None, action=action)
        assert last_rows(2) == [
            ("person.merged", f"person:{ada.uuid}", {"other": str(bob.uuid), "samples": 2}),
            ("person.hygiene_undone", f"person:{ada.uuid}", {"kind": "merge", "undone": str(action.uuid)}),
        ]

    def test_a_note_and_its_removal(self, ada, bob):
        for _ in range(2):  # the second changes nothing
            hygiene.note_pair(actor=None, first=ada, second=bob, comparison_score=0.5)
        hygiene.forget_pair(actor=None, first=ada, second=bob)
        hygiene.forget_pair(actor=None, first=ada, second=bob)
        assert [row[0] for row in last_rows(3)] == ["person.enrolled", "person.pair_noted", "person.pair_forgotten"]


class TestExports:
    def test_are_on_record_before_the_first_line_with_filter_and_count(self, ada, bob, staff):
        exports.stream_people(selectors.search_people(), actor=staff, picked=True)
        facts = {"format": "csv", "rows": 2, "filters": {"picked": True}}
        assert last_rows() == [("export.people", "", facts)]


class TestWhatItCosts:
    def test_three_queries_per_change(self, ada, django_assert_num_queries):
        with django_assert_num_queries(3):
            record(Action.PERSON_UPDATED, actor=None, target=ada.uuid)
