"""The second factor's service: set-up, codes that count once, recovery codes, switching off, reset."""

from __future__ import annotations

import base64
from datetime import timedelta
from time import time

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone
from django_otp.oath import totp

from security.allowing import NotAllowed
from security.encryption.rotating import rotate
from security.encryption.site_keys import new_site_key
from security.models import AuditEvent, RecoveryCode, SecondFactor, SecondFactorKey
from security.sign_in import codes, second_factor
from security.sign_in.sealing import seal_older_secrets
from security.sign_in.second_factor import SecondFactorRefused, WrongCode

pytestmark = pytest.mark.django_db


def code_of(secret: bytes, *, steps: int = 0) -> str:
    """What the app shows now, or some half minutes from now."""
    return f"{totp(secret, t0=-30 * steps):06d}"


def turn_on(operator) -> tuple[bytes, list[str]]:
    secret = second_factor.begin_set_up(actor=operator)
    return secret, second_factor.confirm_set_up(actor=operator, code=code_of(secret))


def actions() -> list[str]:
    """Beside the site key's, which the first secret takes into use."""
    return [event.action for event in AuditEvent.objects.order_by("number") if event.action != "site_key.adopted"]


class TestSetUp:
    def test_is_on_once_the_app_has_shown_a_code(self, operator):
        secret = second_factor.begin_set_up(actor=operator)
        assert not second_factor.is_on(operator)
        written = second_factor.confirm_set_up(actor=operator, code=code_of(secret))
        assert second_factor.is_on(operator)
        assert second_factor.recovery_codes_left(operator) == len(written) == 10
        assert actions() == ["operator.second_factor_set_up"]

    def test_a_wrong_code_turns_nothing_on(self, operator):
        secret = second_factor.begin_set_up(actor=operator)
        with pytest.raises(WrongCode):
            second_factor.confirm_set_up(actor=operator, code=code_of(secret, steps=5))
        assert not second_factor.is_on(operator)
        assert actions() == []

    def test_a_page_that_is_loaded_again_shows_the_same_secret(self, operator):
        assert second_factor.begin_set_up(actor=operator) == second_factor.begin_set_up(actor=operator)

    def test_a_secret_that_was_shown_long_ago_is_replaced(self, operator):
        old = second_factor.begin_set_up(actor=operator)
        SecondFactor.objects.update(created_at=timezone.now() - timedelta(minutes=31))
        with pytest.raises(SecondFactorRefused, match="half an hour"):
            second_factor.confirm_set_up(actor=operator, code=code_of(old))
        assert second_factor.begin_set_up(actor=operator) != old

    def test_another_app_replaces_the_first_one_only_when_it_has_shown_a_code(self, operator):
        first, written = turn_on(operator)
        second = second_factor.begin_set_up(actor=operator)
        second_factor.check_code(operator=operator, code=code_of(first, steps=1))
        second_factor.confirm_set_up(actor=operator, code=code_of(second))
        for old in (code_of(first, steps=1), written[0]):
            with pytest.raises(WrongCode):
                second_factor.check_code(operator=operator, code=old)
        second_factor.check_code(operator=operator, code=code_of(second, steps=1))

    def test_neither_secret_nor_recovery_codes_can_be_read_in_the_database(self, operator):
        secret, written = turn_on(operator)
        (factor,) = SecondFactor.objects.all()
        stored = factor.sealed_secret + "".join(RecoveryCode.objects.values_list("digest", flat=True))
        for plain in (codes.spelled(secret).replace(" ", ""), secret.hex(), written[0]):
            assert plain not in stored


class TestCheckCode:
    def test_no_code_counts_twice(self, operator):
        secret, _ = turn_on(operator)
        with pytest.raises(WrongCode):  # the set-up has used it
            second_factor.check_code(operator=operator, code=code_of(secret))
        second_factor.check_code(operator=operator, code=code_of(secret, steps=1))
        with pytest.raises(WrongCode):
            second_factor.check_code(operator=operator, code=code_of(secret, steps=1))

    def test_an_older_code_counts_no_more_after_a_newer_one(self, operator):
        secret, _ = turn_on(operator)
        SecondFactor.objects.update(last_step=int(time()) // 30 + 1)
        with pytest.raises(WrongCode):
            second_factor.check_code(operator=operator, code=code_of(secret))

    def test_a_recovery_code_counts_once_and_is_written_down(self, operator):
        _, written = turn_on(operator)
        second_factor.check_code(operator=operator, code=written[3].upper().replace("-", " "))
        assert second_factor.recovery_codes_left(operator) == 9
        with pytest.raises(WrongCode):
            second_factor.check_code(operator=operator, code=written[3])
        event = AuditEvent.objects.get(action="operator.recovery_code_used")
        assert event.facts == {"left": 9}
        assert written[3] not in str(AuditEvent.objects.values_list("facts", flat=True))

    def test_nobody_elses_codes_count(self, operator, staff):
        _, written = turn_on(operator)
        secret, _ = turn_on(staff)
        for code in (written[0], code_of(secret, steps=1)):
            with pytest.raises(WrongCode):
                second_factor.check_code(operator=staff if code == written[0] else operator, code=code)

    def test_a_secret_that_cannot_be_read_is_told_and_recovery_codes_go_on(self, operator):
        secret, written = turn_on(operator)
        SecondFactorKey.objects.all().delete()
        with pytest.raises(SecondFactorRefused, match="recovery code"):
            second_factor.check_code(operator=operator, code=code_of(secret, steps=1))
        second_factor.check_code(operator=operator, code=written[0])

    def test_another_secret_key_changes_nothing(self, operator, settings):
        secret, _ = turn_on(operator)
        settings.SECRET_KEY = "another-key"
        second_factor.check_code(operator=operator, code=code_of(secret, steps=1))

    def test_a_secret_of_another_row_does_not_open(self, operator, staff):
        turn_on(staff)
        secret, _ = turn_on(operator)
        stolen = SecondFactor.objects.get(operator=operator).sealed_secret
        SecondFactor.objects.filter(operator=staff).update(sealed_secret=stolen)
        with pytest.raises(SecondFactorRefused, match="cannot read"):
            second_factor.check_code(operator=staff, code=code_of(secret, steps=1))


class TestOlderSecrets:
    """Versions before this one sealed secrets with SECRET_KEY."""

    @pytest.fixture
    def secret(self, operator) -> bytes:
        secret, _ = turn_on(operator)
        cipher = AESGCM(HKDF(SHA256(), 32, None, b"facesite second factor 1").derive(settings.SECRET_KEY.encode()))
        sealed = b"x" * 12 + cipher.encrypt(b"x" * 12, secret, f"second_factor:{operator.pk}".encode())
        SecondFactor.objects.update(sealed_secret=base64.b64encode(sealed).decode())
        SecondFactorKey.objects.all().delete()
        return secret

    def test_are_read(self, operator, secret):
        second_factor.check_code(operator=operator, code=code_of(secret, steps=1))

    def test_are_read_with_an_earlier_secret_key_too(self, operator, secret, settings):
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key"
        second_factor.check_code(operator=operator, code=code_of(secret, steps=1))

    def test_are_sealed_with_keys_of_their_own_and_need_secret_key_no_more(self, operator, secret, settings):
        assert [seal_older_secrets() for _ in range(2)] == [1, 0]
        settings.SECRET_KEY = "another-key"
        second_factor.check_code(operator=operator, code=code_of(secret, steps=1))
        assert actions().count("second_factors.sealed") == 1

    def test_stay_where_nobody_can_read_them(self, operator, secret, settings):
        settings.SECRET_KEY = "another-key"
        assert seal_older_secrets() == 0
        assert not SecondFactorKey.objects.exists()


class TestRotation:
    def test_wraps_the_keys_of_apps_too(self, operator, settings):
        secret, _ = turn_on(operator)
        old = settings.FACESITE_DATA_KEY
        settings.FACESITE_DATA_KEY = f"{new_site_key().text},{old}"
        assert list(rotate()) == [1]
        settings.FACESITE_DATA_KEY = settings.FACESITE_DATA_KEY.partition(",")[0]
        second_factor.check_code(operator=operator, code=code_of(secret, steps=1))


class TestRenewRecoveryCodes:
    def test_older_ones_count_no_more(self, operator):
        secret, old = turn_on(operator)
        new = second_factor.renew_recovery_codes(actor=operator, code=code_of(secret, steps=1))
        with pytest.raises(WrongCode):
            second_factor.check_code(operator=operator, code=old[0])
        second_factor.check_code(operator=operator, code=new[0])

    def test_asks_for_a_code(self, operator):
        turn_on(operator)
        with pytest.raises(WrongCode):
            second_factor.renew_recovery_codes(actor=operator, code="000000")
        assert actions() == ["operator.second_factor_set_up"]


class TestSwitchOff:
    def test_takes_everything_away(self, operator):
        secret, _ = turn_on(operator)
        second_factor.switch_off(actor=operator, code=code_of(secret, steps=1))
        assert not second_factor.is_on(operator)
        assert not SecondFactor.objects.exists() and not RecoveryCode.objects.exists()
        assert actions()[-1] == "operator.second_factor_off"

    def test_asks_for_a_code(self, operator):
        turn_on(operator)
        with pytest.raises(WrongCode):
            second_factor.switch_off(actor=operator, code="123")
        assert second_factor.is_on(operator)

    def test_is_refused_where_the_site_demands_it(self, operator, settings):
        secret, _ = turn_on(operator)
        settings.FACESITE_SECOND_FACTOR = "required"
        with pytest.raises(SecondFactorRefused, match="cannot be switched off"):
            second_factor.switch_off(actor=operator, code=code_of(secret, steps=1))


class TestReset:
    def test_an_administrator_takes_it_away(self, operator, staff):
        turn_on(operator)
        second_factor.reset_second_factor(actor=staff, operator=operator)
        assert not second_factor.is_on(operator)
        event = AuditEvent.objects.get(action="operator.second_factor_reset")
        assert (event.actor, event.target) == (f"operator:{staff.pk}", f"operator:{operator.pk}")

    def test_nobody_else_may(self, operator):
        turn_on(operator)
        with pytest.raises(NotAllowed):
            second_factor.reset_second_factor(actor=operator, operator=operator)
        assert second_factor.is_on(operator)

    def test_without_one_nothing_is_written_down(self, operator, staff):
        second_factor.reset_second_factor(actor=staff, operator=operator)
        assert actions() == []


class TestIsDemanded:
    @pytest.mark.parametrize(
        ("setting", "of_staff", "of_others"),
        [("optional", False, False), ("staff", True, False), ("required", True, True)],
    )
    def test_follows_the_setting(self, django_user_model, settings, setting, of_staff, of_others):
        settings.FACESITE_SECOND_FACTOR = setting
        assert second_factor.is_demanded(django_user_model(is_staff=True)) is of_staff
        assert second_factor.is_demanded(django_user_model(is_staff=False)) is of_others
