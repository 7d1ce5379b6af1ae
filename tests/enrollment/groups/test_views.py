"""The pages of groups, and groups on the pages of people."""

from __future__ import annotations

import csv

import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment import selectors
from enrollment.exports import stream_people
from enrollment.groups import actions
from enrollment.models import PersonGroup
from security.roles.table import Role
from tests.support.downloads import without_mark
from tests.support.operators import make_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return make_client(Role.MANAGER)


def test_a_group_is_made_renamed_and_deleted(manager):
    assertContains(manager.get("/enrollment/groups/"), "No groups yet")
    assertRedirects(manager.post("/enrollment/groups/", {"name": "Night shift"}), "/enrollment/groups/")
    assertContains(manager.post("/enrollment/groups/", {"name": "night shift"}), "group of this name", status_code=400)
    group = PersonGroup.objects.get()
    manager.post(group.get_absolute_url(), {"name": "Day shift"})
    assertContains(manager.get("/enrollment/groups/"), "Day shift")
    manager.post(f"{group.get_absolute_url()}delete/")
    assert not PersonGroup.objects.exists()


def test_people_are_put_into_groups_and_found_by_them(manager, enroll):
    ada, bob = enroll("Ada", 1), enroll("Bob", 2)
    group = actions.create_group(actor=None, name="Visitors")
    manager.post(f"{ada.get_absolute_url()}groups/", {"groups": [str(group.uuid)]})
    assertContains(manager.get(ada.get_absolute_url()), "Groups of Ada")
    page = manager.get("/enrollment/people/", {"group": str(group.uuid)})
    assertContains(page, ada.get_absolute_url())
    assertNotContains(page, bob.get_absolute_url())
    assertContains(manager.get("/enrollment/people/", {"group": "nonsense"}), bob.get_absolute_url())
    assertContains(make_client(Role.RECEPTIONIST).get(ada.get_absolute_url()), "<li>Visitors</li>", html=True)
    lines = csv.DictReader(without_mark(stream_people(selectors.search_people(), actor=None)))
    assert [line["groups"] for line in lines] == ["Visitors", ""]
