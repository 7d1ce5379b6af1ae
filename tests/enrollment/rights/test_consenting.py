from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from enrollment import services
from enrollment.consent.records import NO_CONSENT, Consent, How
from enrollment.errors import ConsentEnded, ConsentInvalid, MergeRefused
from enrollment.hygiene.actions import merge_people, undo_action
from enrollment.models import ConsentPolicy, ErasureReceipt, FaceSample, Person
from enrollment.rights.consenting import (
    count_due_people,
    erase_due_people,
    expire_consents,
    record_consent,
    undo_withdrawal,
    withdraw_consent,
)
from enrollment.runtime.gallery import current_gallery, gallery_for, mark_gallery_stale, reset_gallery
from security.allowing import NotAllowed
from security.models import AuditEvent
from security.roles.table import Role
from tests.enrollment.conftest import CONTRACT, DIMENSION
from tests.support.consent import ON_PAPER
from tests.support.operators import make_operator

pytestmark = pytest.mark.django_db


def today(**later):
    return timezone.localdate() + timedelta(**later)


def in_days(number: int):
    return timezone.now() + timedelta(days=number)


def searched() -> int:
    mark_gallery_stale()  # a test's transaction is never committed, so nobody is told of the change
    return gallery_for(CONTRACT, DIMENSION).people


class TestWithdrawConsent:
    def test_takes_the_person_out_of_searches_at_once(self, enroll, staff):
        ada = enroll("Ada", 1)
        enroll("Grace", 2)
        assert searched() == 2
        withdrawn = withdraw_consent(actor=staff, person=ada)
        ada.refresh_from_db()
        assert (ada.is_active, searched()) == (False, 1)
        assert (withdrawn.withdrawn_by, withdrawn.erase_on) == (staff, today(days=14))

    def test_the_face_is_not_found_any_more(self, engine, enroll_real, drafts_of, staff):
        person = enroll_real("Bill_Gates", slice(2))
        probe = drafts_of("Bill_Gates")[3].embedding
        assert current_gallery(engine).search(probe, 1)[0].person_id == str(person.uuid)
        withdraw_consent(actor=staff, person=person)
        mark_gallery_stale()
        assert current_gallery(engine).search(probe, 1) == []

    def test_waits_as_long_as_the_sites_policy_says(self, enroll, staff):
        ConsentPolicy.objects.create(grace_days=3)
        assert withdraw_consent(actor=staff, person=enroll("Ada", 1)).erase_on == today(days=3)

    def test_is_written_down_without_the_name(self, enroll, staff):
        ada = enroll("Ada", 1)
        withdraw_consent(actor=staff, person=ada)
        row = AuditEvent.objects.get(action="person.consent_withdrawn")
        assert (row.target, row.facts["erase_on"]) == (f"person:{ada.uuid}", today(days=14).isoformat())
        assert "Ada" not in str(row.facts)

    def test_comes_once(self, enroll, staff):
        ada = enroll("Ada", 1)
        withdraw_consent(actor=staff, person=ada)
        with pytest.raises(ConsentInvalid, match="ended already"):
            withdraw_consent(actor=staff, person=ada)

    def test_counts_where_no_consent_was_recorded_too(self, enroll, staff):
        assert withdraw_consent(actor=staff, person=enroll("Ada", 1, consent=NO_CONSENT)).erase_on

    @pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.MANAGER, Role.PRIVACY_OFFICER])
    def test_is_noted_by_whoever_enrols_corrects_or_erases(self, enroll, role):
        assert withdraw_consent(actor=make_operator(role), person=enroll("Ada", 1)).ended

    def test_is_nothing_for_a_kiosk(self, enroll):
        with pytest.raises(NotAllowed):
            withdraw_consent(actor=make_operator(Role.KIOSK), person=enroll("Ada", 1))

    def test_nobody_searches_the_person_by_another_door(self, enroll, staff, make_draft):
        ada = enroll("Ada", 1)
        withdraw_consent(actor=staff, person=ada)
        assert services.set_active(actor=staff, people=[ada], active=True) == 0
        with pytest.raises(ConsentEnded):
            services.update_person(actor=staff, person=ada, name="Ada", external_id=None, is_active=True)
        with pytest.raises(ConsentEnded):
            services.add_samples(actor=staff, person=ada, samples=[make_draft(5)], despite_duplicate=True)
        with pytest.raises(MergeRefused, match="consent"):
            merge_people(actor=staff, keep=enroll("Grace", 2), merge=ada, contract_id=CONTRACT)
        assert searched() == 1

    def test_takes_merged_records_along_and_undoing_the_merge_wakes_nobody(self, enroll, staff):
        ada, again = enroll("Ada", 1), enroll("A. L.", 2)
        merge = merge_people(actor=staff, keep=ada, merge=again, contract_id=CONTRACT)
        with pytest.raises(ConsentInvalid, match="merged into Ada"):
            withdraw_consent(actor=staff, person=again)
        withdraw_consent(actor=staff, person=ada)
        undo_action(actor=staff, action=merge)
        reset_gallery()
        assert searched() == 0


class TestUndoWithdrawal:
    def test_lets_the_consent_count_again(self, enroll, staff):
        ada = enroll("Ada", 1)
        withdraw_consent(actor=staff, person=ada)
        restored = undo_withdrawal(actor=staff, person=ada)
        assert (restored.ended, restored.erase_on, searched()) == (False, None, 1)
        assert erase_due_people(now=in_days(99)) == 0
        assert AuditEvent.objects.filter(action="person.consent_restored").count() == 1

    def test_wakes_nobody_who_was_not_searched_before(self, enroll, staff):
        ada = enroll("Ada", 1)
        services.set_active(actor=staff, people=[ada], active=False)
        withdraw_consent(actor=staff, person=ada)
        undo_withdrawal(actor=staff, person=ada)
        assert searched() == 0

    def test_needs_a_withdrawal(self, enroll, staff):
        with pytest.raises(ConsentInvalid, match="Nothing was withdrawn"):
            undo_withdrawal(actor=staff, person=enroll("Ada", 1))


class TestRecordConsent:
    def test_renews_an_ended_one(self, enroll, staff):
        ada = enroll("Ada", 1)
        withdraw_consent(actor=staff, person=ada)
        record_consent(actor=staff, person=ada, consent=replace(ON_PAPER, note="Folder 7"))
        assert searched() == 1
        assert erase_due_people(now=in_days(99)) == 0
        assert [record.note for record in ada.consents.all()] == ["Folder 7", ""]

    def test_takes_no_legal_basis_that_the_policy_does_not_allow(self, enroll, staff):
        with pytest.raises(ConsentInvalid, match="policy"):
            record_consent(actor=staff, person=enroll("Ada", 1), consent=Consent(How.NOT_ASKED, "contract"))

    def test_is_nothing_for_a_kiosk(self, enroll):
        with pytest.raises(NotAllowed):
            record_consent(actor=make_operator(Role.KIOSK), person=enroll("Ada", 1), consent=ON_PAPER)


class TestExpireConsents:
    def test_leaves_the_last_day_alone_and_ends_the_search_on_the_next(self, enroll, staff):
        ada = enroll("Ada", 1, consent=replace(ON_PAPER, valid_until=today()))
        assert expire_consents() == 0
        assert expire_consents(now=in_days(1)) == 1
        ada.refresh_from_db()
        record = ada.consents.get()
        assert (ada.is_active, record.ended, record.erase_on) == (False, True, today(days=15))
        assert AuditEvent.objects.get(action="person.consent_expired").actor == "product"

    def test_the_first_search_of_a_day_sees_it(self, enroll, monkeypatch):
        ada = enroll("Ada", 1, consent=replace(ON_PAPER, valid_until=today()))
        ada.consents.update(valid_until=today(days=-1))
        # A test is one transaction, in which a process would not begin the day.
        monkeypatch.setattr("enrollment.runtime.gallery._in_transaction", lambda: False)
        assert searched() == 0

    def test_a_renewed_consent_does_not_expire(self, enroll, staff):
        ada = enroll("Ada", 1, consent=replace(ON_PAPER, valid_until=today()))
        record_consent(actor=staff, person=ada, consent=ON_PAPER)
        assert expire_consents(now=in_days(5)) == 0

    def test_a_merged_record_follows_the_person_who_holds_its_samples(self, enroll, staff):
        ada = enroll("Ada", 1)
        again = enroll("A. L.", 2, consent=replace(ON_PAPER, valid_until=today()))
        merge_people(actor=staff, keep=ada, merge=again, contract_id=CONTRACT)
        assert expire_consents(now=in_days(5)) == 0
        assert erase_due_people(now=in_days(99)) == 0


class TestEraseDuePeople:
    def test_erases_on_the_day_that_was_named(self, enroll, staff):
        ada, grace = enroll("Ada", 1), enroll("Grace", 2)
        withdraw_consent(actor=staff, person=ada)
        assert (count_due_people(now=in_days(13)), erase_due_people(now=in_days(13))) == (0, 0)
        assert (count_due_people(now=in_days(14)), erase_due_people(now=in_days(14))) == (1, 1)
        assert list(Person.objects.all()) == [grace]
        assert FaceSample.objects.count() == 1
        receipt = ErasureReceipt.objects.get()
        assert (receipt.person_uuid, receipt.statement["erased_by"]) == (ada.uuid, "product")

    def test_keeps_the_day_that_was_named_when_the_policy_changes(self, enroll, staff):
        withdraw_consent(actor=staff, person=enroll("Ada", 1))
        ConsentPolicy.objects.create(grace_days=0)
        assert erase_due_people(now=in_days(1)) == 0

    def test_erases_those_whose_consent_expired_too(self, enroll):
        enroll("Ada", 1, consent=replace(ON_PAPER, valid_until=today()))
        expire_consents(now=in_days(1))
        assert erase_due_people(now=in_days(15)) == 1
        assert not Person.objects.exists()

    def test_goes_in_batches(self, enroll, staff):
        for seed in (1, 2, 3):
            withdraw_consent(actor=staff, person=enroll(f"Person {seed}", seed))
        assert [erase_due_people(now=in_days(20), limit=2) for _ in range(3)] == [2, 1, 0]
