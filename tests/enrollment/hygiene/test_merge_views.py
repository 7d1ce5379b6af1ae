"""The page that merges two records by hand: pick, compare, choose which stays, and undo."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.groups import actions as groups
from enrollment.hygiene import actions as hygiene
from enrollment.hygiene import merge_views
from enrollment.models import FaceSample, Person
from security.rights import Right
from security.roles.table import Role
from tests.enrollment.conftest import CONTRACT
from tests.support.operators import client_of, make_client, make_operator

pytestmark = pytest.mark.django_db


class Engine:
    contract_id = CONTRACT


@pytest.fixture(autouse=True)
def _pack(monkeypatch):
    monkeypatch.setattr(merge_views, "get_engine", Engine)


@pytest.fixture
def manager():
    return make_client(Role.MANAGER)


@pytest.fixture
def pair(enroll) -> tuple[Person, Person]:
    return enroll("Ada Byron", 1, 2, external_id="S-1"), enroll("Ada Lovelace", 3, 4, 5)


def page_of(person: Person) -> str:
    return f"{person.get_absolute_url()}merge/"


class TestPick:
    def test_is_reached_from_the_page_of_a_person_by_those_who_may(self, manager, pair):
        assertContains(manager.get(pair[0].get_absolute_url()), page_of(pair[0]))
        desk = make_client(Role.RECEPTIONIST, name="desk")
        assertNotContains(desk.get(pair[0].get_absolute_url()), page_of(pair[0]))
        assert desk.get(page_of(pair[0])).status_code == 403

    def test_finds_others_and_never_the_person_themselves(self, manager, pair):
        byron, lovelace = pair
        answer = manager.get(page_of(byron), {"q": "ada"})
        assert [person for person, _ in answer.context["found"]] == [lovelace]
        assertContains(manager.get(page_of(byron), {"q": "zzz"}), "No other record has these words")

    def test_a_person_is_not_merged_with_themselves(self, manager, pair):
        answer = manager.get(page_of(pair[0]), {"other": pair[0].uuid}, follow=True)
        assertContains(answer, "This is one and the same person.")
        nobody = {"other": "00000000-0000-4000-8000-000000000000"}
        assert manager.get(page_of(pair[0]), nobody).status_code == 404


class TestSideBySide:
    def test_says_what_would_go_along_and_proposes_who_has_more_pictures(self, manager, pair, operator):
        byron, lovelace = pair
        hall = groups.create_group(actor=operator, name="Hall")
        groups.put_into_group(actor=operator, group=hall, people=[byron])
        answer = manager.get(page_of(byron), {"other": lovelace.uuid})
        one, other = answer.context["sides"]
        assert (one.pictures, other.pictures, one.new_groups, other.new_groups) == (2, 3, [hall], [])
        assert answer.context["stays"] == lovelace
        assertContains(answer, "So do the groups: Hall.")

    def test_needs_the_same_few_queries_however_many_pictures_and_groups(
        self, manager, enroll, operator, django_assert_max_num_queries
    ):
        one, other = enroll("Ada", 1), enroll("Bea", 2, 3, 4, 5, 6)
        for number in range(4):
            groups.put_into_group(
                actor=operator, group=groups.create_group(actor=operator, name=f"G{number}"), people=[one, other]
            )
        with django_assert_max_num_queries(19):
            manager.get(page_of(one), {"other": other.uuid})


class TestMerge:
    def test_the_one_who_was_chosen_stays_and_the_other_page_takes_it_back(self, pair):
        byron, lovelace = pair
        corrector = make_operator(name="corrects, sees no reports")
        rights = [right.codename for right in (Right.SEE_PEOPLE, Right.CORRECT)]
        corrector.user_permissions.set(Permission.objects.filter(codename__in=rights))
        client = client_of(corrector)
        answer = client.post(page_of(byron), {"other": lovelace.uuid, "stays": byron.uuid}, follow=True)
        assert answer.redirect_chain == [(byron.get_absolute_url(), 302)]
        assertContains(answer, "Ada Lovelace was merged into Ada Byron.")
        assert FaceSample.objects.filter(person=byron).count() == 5
        merged = client.get(lovelace.get_absolute_url())
        undo = merged.context["merged"]
        back = client.post(f"/enrollment/hygiene/actions/{undo.uuid}/undo/", {"from": lovelace.uuid})
        assertRedirects(back, lovelace.get_absolute_url())
        assert FaceSample.objects.filter(person=lovelace).count() == 3

    @pytest.mark.parametrize("stays", ["", "00000000-0000-4000-8000-000000000000"])
    def test_changes_nothing_before_somebody_was_chosen(self, manager, pair, stays):
        byron, lovelace = pair
        answer = manager.post(page_of(byron), {"other": lovelace.uuid, "stays": stays})
        assertContains(answer, "Say which of the two records stays.", status_code=400)
        assert Person.objects.filter(is_active=True).count() == 2

    def test_says_why_two_who_were_noted_as_different_stay_two(self, manager, pair, operator):
        byron, lovelace = pair
        hygiene.note_pair(actor=operator, first=byron, second=lovelace, comparison_score=0.4)
        answer = manager.post(page_of(byron), {"other": lovelace.uuid, "stays": byron.uuid})
        assertContains(answer, "noted as different people", status_code=400)
