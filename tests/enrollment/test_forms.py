"""What operators type, without a page around it."""

from __future__ import annotations

import pytest

from enrollment.forms import MoreAboutPerson
from enrollment.groups.actions import create_group
from security.roles.table import Role
from tests.support.operators import make_operator

pytestmark = pytest.mark.django_db


class TestMoreAboutPerson:
    @pytest.mark.parametrize(
        ("role", "sees"), [(Role.RECEPTIONIST, True), (Role.MANAGER, True), (Role.PRIVACY_OFFICER, False)]
    )
    def test_groups_are_for_who_may_put_people_into_them(self, role, sees):
        create_group(actor=None, name="Visitors")
        assert ("groups" in MoreAboutPerson(actor=make_operator(role)).fields) is sees
