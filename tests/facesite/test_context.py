"""What templates ask about rights."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from facesite.context import May
from security.rights import Right
from security.roles.table import RIGHTS_OF, Role
from tests.support.operators import client_of, make_operator


def templates() -> list[str]:
    return [path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html")]


def test_every_right_that_a_template_asks_for_exists():
    asked = {name for text in templates() for name in re.findall(r"\bmay\.(\w+)", text)}
    assert asked
    assert asked <= {right.name.lower() for right in Right}


def test_no_template_asks_for_django_s_own_permissions_any_more():
    assert not [text for text in templates() if "perms." in text]


@pytest.mark.django_db
def test_may_answers_for_the_operator():
    may = May(make_operator(Role.MANAGER))
    assert {right for right in Right if may[right.name.lower()]} == RIGHTS_OF[Role.MANAGER]


@pytest.mark.django_db
class TestWhatARoleIsShown:
    """The menu leads only to what the role may open."""

    @pytest.mark.parametrize("page", ["/", "/enrollment/people/", "/verification/attempts/"])
    @pytest.mark.parametrize("role", ["RECEPTIONIST", "MANAGER", "PRIVACY_OFFICER"])
    def test_every_link_of_a_page_answers(self, role, page, engine):
        client = client_of(make_operator(Role[role]))
        answer = client.get(page)
        links = set(re.findall(r'<a [^>]*href="(/[^"#]*)"', answer.content.decode()))
        links = {link for link in links if "export.csv" not in link}  # a stream closes this thread's database
        refused = {link for link in links if client.get(link.replace("&amp;", "&")).status_code == 403}
        assert not refused
