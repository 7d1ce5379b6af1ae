from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User

from security.audit.actions import Action
from security.models import AuditEvent, FailedSignIns, OneTimePassword, SignIn
from security.sign_in import limits
from security.sign_in.checking import OneTimePasswordUsed, check_password
from security.sign_in.one_time import issue_one_time_password, make_password, owes_password

HERE = "192.0.2.7"


def fresh(operator: User) -> User:
    return User.objects.get(pk=operator.pk)


@pytest.mark.django_db
class TestIssueOneTimePassword:
    def test_gives_a_password_that_works_once(self, operator, staff):
        password = issue_one_time_password(actor=staff, operator=operator)
        assert check_password(name="olivia", password=password, address=HERE) == operator
        with pytest.raises(OneTimePasswordUsed, match=r"was used already.*create_first_operator --again"):
            check_password(name="olivia", password=password, address=HERE)

    def test_ends_the_old_password_and_all_sign_ins(self, operator, operator_client, staff):
        issue_one_time_password(actor=staff, operator=operator)
        assert not fresh(operator).check_password("operator-password")
        assert not SignIn.objects.filter(operator=operator).exists()
        assert operator_client.get("/").status_code == 302

    def test_another_one_works_once_more(self, operator, staff):
        used = issue_one_time_password(actor=staff, operator=operator)
        check_password(name="olivia", password=used, address=HERE)
        again = issue_one_time_password(actor=staff, operator=operator)
        assert check_password(name="olivia", password=again, address=HERE) == operator

    def test_what_strangers_did_does_not_delay_its_use(self, operator, staff):
        for number in range(20):
            limits.count_failure(limits.trial_of("olivia", f"198.51.100.{number}"))
        issue_one_time_password(actor=staff, operator=operator)
        assert not limits.wait_for(limits.trial_of("olivia", HERE))
        assert FailedSignIns.objects.exists()  # of the strangers' addresses

    def test_is_in_the_audit_trail_without_the_password(self, operator, staff):
        password = issue_one_time_password(actor=staff, operator=operator)
        row = AuditEvent.objects.get(action=Action.ONE_TIME_PASSWORD_ISSUED)
        assert (row.actor, row.target) == (f"operator:{staff.pk}", f"operator:{operator.pk}")
        assert password not in str(row.facts)


@pytest.mark.django_db
class TestOwesPassword:
    def test_until_another_password_is_chosen(self, operator):
        assert not owes_password(fresh(operator))
        issue_one_time_password(actor=None, operator=operator)
        assert owes_password(fresh(operator))

    def test_a_password_set_by_other_means_settles_it(self, operator):
        """`manage.py changepassword`, or the admin."""
        used = issue_one_time_password(actor=None, operator=operator)
        check_password(name="olivia", password=used, address=HERE)
        again = fresh(operator)
        again.set_password("chosen-by-command")
        again.save()
        assert not owes_password(fresh(operator))
        assert check_password(name="olivia", password="chosen-by-command", address=HERE) == operator

    def test_a_hash_that_is_renewed_at_the_sign_in_does_not(self, operator, settings):
        password = issue_one_time_password(actor=None, operator=operator)
        before = fresh(operator).password
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
        assert check_password(name="olivia", password=password, address=HERE) == operator
        assert fresh(operator).password != before
        assert owes_password(fresh(operator))
        assert OneTimePassword.objects.get().used_at


def test_a_password_can_be_read_aloud():
    assert re.fullmatch(r"([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}", make_password())
    assert make_password() != make_password()
