from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from security.audit.actions import Action
from security.models import AuditEvent, OneTimePassword, SignIn
from security.sign_in.one_time import issue_one_time_password
from security.sign_in.passwords import change_password
from tests.conftest import signed_in

NEW = "a-longer-new-password"


@pytest.mark.django_db
class TestChangePassword:
    def test_ends_the_other_sign_ins_and_keeps_this_one(self, operator):
        here, other = signed_in(operator), signed_in(operator)
        change_password(actor=operator, new_password=NEW, session_key=str(here.session.session_key))
        assert User.objects.get(pk=operator.pk).check_password(NEW)
        assert SignIn.objects.get().session_id == here.session.session_key
        assert other.get("/").status_code == 302

    def test_settles_a_one_time_password(self, operator):
        issue_one_time_password(actor=None, operator=operator)
        change_password(actor=operator, new_password=NEW, session_key="")
        assert not OneTimePassword.objects.exists()

    def test_refuses_what_djangos_validators_refuse_and_changes_nothing(self, operator):
        with pytest.raises(ValidationError):
            change_password(actor=operator, new_password="12345678", session_key="")
        assert User.objects.get(pk=operator.pk).check_password("operator-password")

    def test_is_in_the_audit_trail(self, operator):
        signed_in(operator)
        change_password(actor=operator, new_password=NEW, session_key="")
        row = AuditEvent.objects.get(action=Action.PASSWORD_CHANGED)
        assert row.facts == {"sign_ins_ended": 1}
