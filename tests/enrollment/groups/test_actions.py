"""Groups: who may, which names, and what stays on record."""

from __future__ import annotations

import pytest

from enrollment.errors import GroupNameInvalid, GroupNameTaken
from enrollment.groups import actions
from enrollment.models import GalleryRevision, Person, PersonGroup
from security.allowing import NotAllowed
from security.models import AuditEvent
from security.roles.table import Role
from tests.support.operators import make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitors(db) -> PersonGroup:
    return actions.create_group(actor=None, name="  Visitors ")


def rows(action: str) -> list[tuple[str, object]]:
    return list(AuditEvent.objects.filter(action=action).order_by("number").values_list("target", "facts"))


class TestNames:
    def test_are_tidied_and_told_apart_by_more_than_case_and_accents(self, visitors):
        assert visitors.name == "Visitors"
        for name in ("visitors", "VISITÖRS"):
            with pytest.raises(GroupNameTaken):
                actions.create_group(actor=None, name=name)
        for name in (" ", "x" * 101, "a\x00b"):
            with pytest.raises(GroupNameInvalid):
                actions.create_group(actor=None, name=name)

    def test_a_group_may_change_the_case_of_its_own(self, visitors):
        actions.rename_group(actor=None, group=visitors, name="VISITORS")
        assert PersonGroup.objects.get().name == "VISITORS"
        assert rows("group.renamed") == [(f"group:{visitors.uuid}", {})]


class TestMembers:
    def test_each_leaves_a_row_without_names_and_no_search_is_disturbed(self, visitors, enroll):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        before = GalleryRevision.objects.get().number
        assert actions.put_into_group(actor=None, group=visitors, people=[ada]) == 1
        assert actions.put_into_group(actor=None, group=visitors, people=[ada, bob]) == 1
        assert actions.take_out_of_group(actor=None, group=visitors, people=[ada]) == 1
        facts = {"group": str(visitors.uuid), "together": 1}
        assert rows("person.group_joined") == [(f"person:{who.uuid}", facts) for who in (ada, bob)]
        assert rows("person.group_left") == [(f"person:{ada.uuid}", facts)]
        assert GalleryRevision.objects.get().number == before

    def test_more_than_a_form_of_django_takes(self, visitors):
        Person.objects.bulk_create([Person(name=f"P {number}") for number in range(1_100)])
        people = list(Person.objects.all())
        assert actions.put_into_group(actor=None, group=visitors, people=people) == 1_100
        assert actions.take_out_of_group(actor=None, group=visitors, people=people) == 1_100

    def test_the_groups_of_one_person_are_exactly_those_given(self, visitors, enroll):
        ada, staff = enroll("Ada", 1), actions.create_group(actor=None, name="Staff")
        actions.set_groups_of(actor=None, person=ada, groups=[visitors])
        actions.set_groups_of(actor=None, person=ada, groups=[staff])
        assert list(ada.groups.all()) == [staff]

    def test_a_deleted_group_keeps_its_people(self, visitors, enroll):
        ada = enroll("Ada", 1)
        actions.put_into_group(actor=None, group=visitors, people=[ada])
        actions.delete_group(actor=None, group=visitors)
        assert Person.objects.get() == ada
        assert rows("group.deleted") == [(f"group:{visitors.uuid}", {"people": 1})]
        assert len(rows("person.group_left")) == 1


class TestRights:
    def test_a_receptionist_puts_people_in_but_does_not_manage(self, visitors, enroll):
        ada, receptionist = enroll("Ada", 1), make_operator(Role.RECEPTIONIST)
        assert actions.put_into_group(actor=receptionist, group=visitors, people=[ada]) == 1
        for act in (
            lambda: actions.create_group(actor=receptionist, name="Mine"),
            lambda: actions.delete_group(actor=receptionist, group=visitors),
            lambda: actions.take_out_of_group(actor=receptionist, group=visitors, people=[ada]),
        ):
            with pytest.raises(NotAllowed):
                act()
