"""manage.py approvals."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from security.roles.second_person import Action, ask, require_second_person, waiting
from security.roles.table import Role
from tests.support.operators import make_operator

pytestmark = pytest.mark.django_db


class TestApprovals:
    def test_the_server_agrees_where_there_is_no_second_operator(self, capsys):
        officer = make_operator(Role.PRIVACY_OFFICER, name="paula")
        approval = ask(actor=officer, action=Action.ERASE_MANY, target=["person:a", "person:b"])
        call_command("approvals")
        said = capsys.readouterr().out
        assert f"{approval.pk}: Erase several people (2)" in said
        assert "paula" not in said
        call_command("approvals", "agree", str(approval.pk))
        require_second_person(actor=officer, action=Action.ERASE_MANY, target=["person:a", "person:b"])

    def test_refuses_for_good(self):
        approval = ask(actor=make_operator(Role.PRIVACY_OFFICER), action=Action.ERASE_MANY, target=["person:a"])
        call_command("approvals", "refuse", str(approval.pk))
        assert not waiting().exists()
        with pytest.raises(CommandError, match="answered already"):
            call_command("approvals", "agree", str(approval.pk))

    def test_says_when_nothing_waits_and_when_there_is_no_such_request(self, capsys):
        call_command("approvals", "list")
        assert capsys.readouterr().out == "Nothing waits.\n"
        with pytest.raises(CommandError, match="no such request"):
            call_command("approvals", "agree", "7")
