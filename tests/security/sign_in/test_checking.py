"""The one way in: right and wrong passwords, tries in parallel, and what is told of them."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection

from facesite.logs import JsonFormatter
from security.audit.actions import Action
from security.models import AuditEvent, FailedSignIns
from security.sign_in import checking, failures
from security.sign_in.checking import TooManyTries, WrongPassword, check_password, in_words
from security.sign_in.limits import ACCOUNT, ADDRESS, AUDIT_ROWS, digest_of

PASSWORD = "operator-password"
HERE = "192.0.2.7"


def refuse(name: str, times: int, address: str = HERE) -> None:
    for _ in range(times):
        with pytest.raises(WrongPassword):
            check_password(name=name, password="wrong", address=address)


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """One entry for every password that was hashed."""
    seen: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self, password, salt):
        seen.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return seen


@pytest.mark.django_db
class TestCheckPassword:
    def test_gives_the_operator_for_the_right_password(self, operator):
        assert check_password(name="olivia", password=PASSWORD, address=HERE) == operator

    @pytest.mark.parametrize("name", ["olivia", "nobody"])
    def test_says_the_same_of_a_wrong_password_and_of_a_wrong_name(self, operator, name):
        with pytest.raises(WrongPassword, match="enter a correct username and password"):
            check_password(name=name, password="wrong", address=HERE)

    def test_lets_nobody_in_who_was_deactivated(self, operator):
        operator.is_active = False
        operator.save()
        with pytest.raises(WrongPassword):
            check_password(name="olivia", password=PASSWORD, address=HERE)

    def test_after_too_many_says_when_to_try_again_even_if_the_password_is_right(self, operator):
        refuse("olivia", ACCOUNT.free)
        with pytest.raises(TooManyTries, match=r"Too many wrong passwords\. Try again in 30 seconds\.") as refused:
            check_password(name="olivia", password=PASSWORD, address=HERE)
        assert refused.value.seconds == 30

    def test_hashes_nothing_while_somebody_must_wait(self, operator, hashed):
        refuse("olivia", ACCOUNT.free)
        before = len(hashed)
        for _ in range(20):
            with pytest.raises(TooManyTries):
                check_password(name="olivia", password="wrong", address=HERE)
        assert len(hashed) == before

    def test_what_was_refused_early_does_not_make_the_wait_longer(self, operator):
        refuse("olivia", ACCOUNT.free)
        before = set(FailedSignIns.objects.values_list("key", "failures"))
        with pytest.raises(TooManyTries):
            check_password(name="olivia", password="wrong", address=HERE)
        assert set(FailedSignIns.objects.values_list("key", "failures")) == before


@pytest.mark.django_db(transaction=True)
class TestInParallel:
    def test_32_tries_at_once_are_no_way_around_the_limits(self, hashed):
        def try_one(number: int) -> str:
            try:
                check_password(name=f"name-{number}", password="wrong", address=HERE)
            except checking.SignInRefused as refusal:
                return refusal.code
            finally:
                connection.close()
            return "in"

        with ThreadPoolExecutor(32) as pool:
            told = list(pool.map(try_one, range(32)))
        assert len(hashed) <= ADDRESS.free + checking.AT_ONCE - 1
        assert told.count("too_many_tries") == 32 - len(hashed)


@pytest.mark.django_db
class TestWhatIsTold:
    def test_a_failure_is_a_log_line_with_the_address_and_without_the_name(self, operator, caplog):
        refuse("olivia", 1)
        line = json.loads(JsonFormatter().format(caplog.records[-1]))
        assert (line["message"], line["level"]) == ("sign_in_failed", "warning")
        assert (line["address"], line["account"]) == (HERE, str(operator.pk))
        assert "olivia" not in str(line)

    def test_a_name_that_nobody_has_is_not_logged_either(self, caplog):
        refuse("typed-my-password-here", 1)
        assert "typed-my" not in caplog.text + str([vars(record) for record in caplog.records])

    def test_a_try_that_came_too_early_is_one_too(self, operator, caplog):
        refuse("olivia", ACCOUNT.free)
        with pytest.raises(TooManyTries):
            check_password(name="olivia", password="wrong", address=HERE)
        record = caplog.records[-1]
        assert record.getMessage() == "sign_in_refused"
        assert record.data["retry_after_s"] == 30
        assert record.levelno == logging.WARNING

    def test_a_failure_is_in_the_audit_trail(self, operator):
        refuse("olivia", 1)
        row = AuditEvent.objects.get(action=Action.SIGN_IN_FAILED)
        assert row.target == f"operator:{operator.pk}"
        assert row.facts["reason"] == "wrong_password"

    def test_nobody_can_fill_the_audit_trail_from_outside(self, monkeypatch):
        monkeypatch.setattr(failures, "ROWS_PER_HOUR", 3)
        for number in range(8):
            refuse(f"name-{number}", 1, f"198.51.100.{number}")
        assert AuditEvent.objects.filter(action=Action.SIGN_IN_FAILED).count() == 3

    def test_the_next_row_says_how_many_were_left_out(self, monkeypatch):
        monkeypatch.setattr(failures, "ROWS_PER_HOUR", 3)
        for number in range(8):
            refuse(f"name-{number}", 1, f"198.51.100.{number}")
        hour = FailedSignIns.objects.get(key=digest_of(AUDIT_ROWS))
        hour.last_at -= timedelta(hours=1, seconds=1)
        hour.save()
        refuse("name", 1)
        assert AuditEvent.objects.latest("number").facts["left_out_before"] == 5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (30, "30 seconds"), (60, "1 minute"), (90, "90 seconds"), (150, "3 minutes"), (7200, "2 hours")],
)
def test_times_are_said_in_words(seconds, words):
    assert in_words(timedelta(seconds=seconds)) == words
