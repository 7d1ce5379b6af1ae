from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from attendance.kiosks import services
from attendance.kiosks.checking import find_kiosk, roster
from attendance.kiosks.selectors import kiosks_not_seen
from attendance.models import Kiosk
from security.allowing import NotAllowed, is_allowed
from security.machines import accounts_of_people
from security.models import AuditEvent
from security.rights import Right
from security.roles.table import Role
from tests.support.kiosks import HERE, make_kiosk, paired_kiosk
from tests.support.operators import make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unread_roster() -> None:
    roster.forget()


class TestPairKiosk:
    def test_takes_a_code_once_however_it_is_typed(self):
        kiosk, code = make_kiosk()
        _, token = services.pair_kiosk(code=f" {code.lower().replace('-', '')} ", address=HERE)
        state = find_kiosk(token)
        assert state
        assert state.pk == kiosk.pk
        with pytest.raises(services.WrongCode):
            services.pair_kiosk(code=code, address=HERE)

    def test_keeps_neither_code_nor_token(self):
        _, code = make_kiosk()
        row = Kiosk.objects.values_list().get()
        _, token = services.pair_kiosk(code=code, address=HERE)
        assert code not in str(row)
        assert token not in str(Kiosk.objects.values_list().get())

    def test_refuses_a_code_whose_time_is_over(self):
        _, code = make_kiosk()
        Kiosk.objects.update(code_expires_at=timezone.now())
        with pytest.raises(services.WrongCode):
            services.pair_kiosk(code=code, address=HERE)

    def test_lets_an_address_guess_a_few_times_only(self):
        _, code = make_kiosk()
        for _ in range(10):
            with pytest.raises(services.WrongCode):
                services.pair_kiosk(code="2222-2222", address=HERE)
        with pytest.raises(services.TooManyCodes, match="Wait 30 seconds"):
            services.pair_kiosk(code=code, address=HERE)
        services.pair_kiosk(code=code, address="192.0.2.99")

    def test_puts_the_earlier_device_out(self, staff):
        kiosk, token = paired_kiosk()
        code = services.make_code(actor=staff, kiosk=kiosk)
        assert find_kiosk(token)
        services.pair_kiosk(code=code, address=HERE)
        assert find_kiosk(token) is None


class TestRevokeKiosk:
    def test_puts_the_device_out(self, staff, django_capture_on_commit_callbacks):
        kiosk, token = paired_kiosk()
        state = find_kiosk(token)
        assert state
        assert roster.state_of(state)
        told: list[str] = []
        roster.listen(kiosk.pk, lambda: told.append("look"))
        with django_capture_on_commit_callbacks(execute=True):
            services.revoke_kiosk(actor=staff, kiosk=kiosk)
        assert (find_kiosk(token), roster.state_of(state), told) == (None, None, ["look"])
        with pytest.raises(ValidationError, match="was revoked"):
            services.make_code(actor=staff, kiosk=kiosk)

    def test_is_for_those_who_manage_the_site(self):
        kiosk, _ = make_kiosk()
        with pytest.raises(NotAllowed):
            services.revoke_kiosk(actor=make_operator(Role.MANAGER), kiosk=kiosk)


class TestNoteCamera:
    def test_pins_the_first_camera_and_flags_every_other(self, staff):
        kiosk, token = paired_kiosk()
        state = find_kiosk(token)
        assert state
        assert services.note_camera(kiosk=state, device="a", label="Front camera")
        assert services.note_camera(kiosk=state, device="a", label="Front camera")
        assert not services.note_camera(kiosk=state, device="b", label="OBS Virtual Camera")
        assert not services.note_camera(kiosk=state, device="b", label="OBS Virtual Camera")
        assert AuditEvent.objects.filter(action="kiosk.camera_changed", target=f"kiosk:{kiosk.uuid}").count() == 1
        assert not services.note_camera(kiosk=state, device="a", label="Front camera")  # a person has to look
        services.accept_camera(actor=staff, kiosk=kiosk)
        assert services.note_camera(kiosk=state, device="a", label="Front camera")

    def test_takes_the_other_camera_once_somebody_has_accepted_it(self, staff):
        kiosk, token = paired_kiosk()
        state = find_kiosk(token)
        assert state
        services.note_camera(kiosk=state, device="a", label="Front camera")
        services.note_camera(kiosk=state, device="b", label="Better camera")
        services.accept_camera(actor=staff, kiosk=kiosk)
        assert services.note_camera(kiosk=state, device="b", label="Better camera")
        assert not services.note_camera(kiosk=state, device="a", label="Front camera")


class TestAKiosk:
    def test_may_be_a_kiosk_and_nothing_else(self):
        state = find_kiosk(paired_kiosk()[1])
        assert state
        assert [right for right in Right if is_allowed(state.actor(), right)] == [Right.USE_KIOSK]

    def test_has_an_account_that_no_page_of_operators_shows(self):
        kiosk, _ = make_kiosk()
        assert kiosk.account not in accounts_of_people()
        assert not kiosk.account.is_active

    def test_shares_its_name_with_no_other(self):
        make_kiosk("Front door")
        with pytest.raises(ValidationError, match="of this name"):
            make_kiosk("front  door")

    def test_is_missed_after_five_silent_minutes(self):
        _, token = paired_kiosk()
        make_kiosk("Never paired")
        state = find_kiosk(token)
        assert state
        services.note_seen(kiosk=state)
        assert not kiosks_not_seen()
        later = timezone.now() + timedelta(minutes=6)
        assert [each.name for each in kiosks_not_seen(later)] == ["Front door"]
