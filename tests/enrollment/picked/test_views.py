"""Several people at once, from their list."""

from __future__ import annotations

import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.groups import actions
from enrollment.models import Person
from security.roles.table import Role
from tests.support.downloads import downloaded
from tests.support.operators import make_client
from tests.verification.rows import make_person

pytestmark = pytest.mark.django_db
PICKED, PEOPLE = "/enrollment/people/picked/", "/enrollment/people/"


@pytest.fixture
def manager():
    return make_client(Role.MANAGER)


@pytest.fixture
def trio() -> list[Person]:
    return [make_person(name) for name in ("Ada", "Bob", "Cy")]


def send(client, deed: str, *people: Person, **more):
    return client.post(PICKED, {"deed": deed, "person": [str(person.uuid) for person in people], **more}, follow=True)


class TestTheList:
    def test_offers_each_role_what_it_may_do(self, trio):
        assertContains(make_client(Role.MANAGER).get(PEOPLE), "Pick Ada")
        officer = make_client(Role.PRIVACY_OFFICER, name="officer").get(PEOPLE)
        assertContains(officer, '<option value="erase">Erase</option>', html=True)
        receptionist = make_client(Role.RECEPTIONIST, name="desk").get(PEOPLE)
        assertContains(receptionist, '<option value="put">Put into the group</option>', html=True)
        assertNotContains(receptionist, '<option value="erase">')

    def test_is_ordered_as_asked(self, manager, trio):
        def names(order: str) -> list[str]:
            page = manager.get(PEOPLE, {"sort": order})
            return [person.name for person, _ in page.context["rows"]]

        assert names("") == ["Ada", "Bob", "Cy"]
        assert names("newest") == ["Cy", "Bob", "Ada"]
        assert names("oldest") == ["Ada", "Bob", "Cy"]


class TestPicked:
    def test_people_are_deactivated_and_activated_together(self, manager, trio):
        ada, bob, cy = trio
        assertContains(send(manager, "deactivate", ada, bob), "2 people were deactivated")
        assert list(Person.objects.filter(is_active=True)) == [cy]
        assertContains(send(manager, "activate", ada, bob, cy), "2 people were activated; 1 was active already")

    def test_people_are_put_into_a_group_and_taken_out(self, manager, trio):
        ada, bob, cy = trio
        group = actions.create_group(actor=None, name="Visitors")
        assertContains(send(manager, "put", ada, bob, to_group=str(group.uuid)), "2 people were put into Visitors")
        assertContains(send(manager, "take", bob, cy, to_group=str(group.uuid)), "1 person was taken out of Visitors")
        assert list(group.people.all()) == [ada]
        assertContains(send(manager, "put", ada), "Choose the group, too.")

    def test_all_that_the_filter_finds_are_meant_on_every_page(self, manager):
        for number in range(30):
            make_person(f"Visitor {number:02}")
        host = make_person("Host")
        answer = manager.post(PICKED, {"deed": "deactivate", "everybody": "on", "q": "visitor"})
        assertRedirects(answer, f"{PEOPLE}?q=visitor")
        assert list(Person.objects.filter(is_active=True)) == [host]

    @pytest.mark.django_db(transaction=True)
    def test_an_export_holds_exactly_those(self, trio):
        ada, bob, _ = trio
        officer = make_client(Role.PRIVACY_OFFICER)
        answer = officer.post(PICKED, {"deed": "export", "person": [str(ada.uuid), str(bob.uuid)]})
        text = downloaded(answer)
        assert "Ada" in text and "Bob" in text and "Cy" not in text

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ({"deed": "deactivate"}, "Nobody is picked"),
            ({"deed": "deactivate", "person": ["nonsense"]}, "could not be read"),
            ({}, "Choose what to do."),
            ({"deed": "erase", "people": "00000000-0000-0000-0000-000000000000"}, "Select a valid choice"),
        ],
    )
    def test_what_makes_no_sense_changes_nothing_and_says_so(self, manager, trio, data, words):
        assertContains(manager.post(PICKED, data, follow=True), words)
        assert Person.objects.filter(is_active=True).count() == 3


class TestErasing:
    @pytest.fixture
    def officer(self):
        return make_client(Role.PRIVACY_OFFICER)

    def test_asks_for_the_number_first(self, officer, trio):
        ada, bob, _ = trio
        page = send(officer, "erase", ada, bob)
        assertContains(page, "Erase 2 people?")
        assertContains(page, "Bob")
        again = officer.post(PICKED, {"deed": "erase", "people": page.context["people"], "typed_number": "3"})
        assertContains(again, "Nobody was erased.", status_code=400)
        assert Person.objects.count() == 3

    def test_of_several_waits_for_a_second_person(self, officer, trio):
        people = ",".join(str(person.uuid) for person in trio[:2])
        asked = officer.post(PICKED, {"deed": "erase", "people": people, "typed_number": "2"})
        assertContains(asked, "a second person must agree first", status_code=403)
        assert Person.objects.count() == 3

    def test_of_one_is_done_at_once(self, officer, trio):
        answer = officer.post(PICKED, {"deed": "erase", "people": str(trio[0].uuid), "typed_number": "1"})
        assertRedirects(answer, PEOPLE)
        assert sorted(person.name for person in Person.objects.all()) == ["Bob", "Cy"]

    def test_names_over_a_thousand_in_one_field(self, officer):
        Person.objects.bulk_create(Person(name=f"Visitor {number:04}") for number in range(1_100))
        page = officer.post(PICKED, {"deed": "erase", "everybody": "on"})
        assertContains(page, "Erase 1100 people?")
        assertContains(page, "and 1000 more")
        people = page.context["people"]
        assert officer.post(PICKED, {"deed": "erase", "people": people, "typed_number": "1100"}).status_code == 403
