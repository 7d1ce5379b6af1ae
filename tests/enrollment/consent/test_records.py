from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import timezone

from enrollment.consent.records import (
    NO_CONSENT,
    Consent,
    How,
    basis_sentence,
    consent_at_enrolment,
    people_without_record,
    write_consent,
)
from enrollment.consent.texts import current_text
from enrollment.errors import ConsentInvalid, ConsentRequired
from enrollment.models import ConsentPolicy
from tests.support.consent import ON_PAPER

pytestmark = pytest.mark.django_db


class TestConsentAtEnrolment:
    def test_a_tick_is_a_consent_to_the_text_that_was_shown(self):
        given = consent_at_enrolment(ticked=True)
        assert (given.how, given.legal_basis, given.text, given.valid_until) == (
            "ticked",
            "consent",
            current_text(),
            None,
        )

    def test_lasts_as_long_as_the_policy_says(self):
        ConsentPolicy.objects.create(months=24)
        until = consent_at_enrolment(ticked=True).valid_until
        assert until is not None and until > timezone.localdate() + timedelta(days=700)

    def test_without_the_tick_there_is_none(self):
        with pytest.raises(ConsentRequired):
            consent_at_enrolment(ticked=False)

    def test_without_the_tick_the_other_basis_is_recorded_where_the_policy_has_one(self):
        ConsentPolicy.objects.create(
            bases=["contract"], tick_required=False, unticked_basis="contract", unticked_note="Work contract"
        )
        given = consent_at_enrolment(ticked=False)
        assert (given.how, given.legal_basis, given.note) == ("not_asked", "contract", "Work contract")


class TestWriteConsent:
    def test_notes_who_gave_it_how_to_whom_and_until_when(self, enroll, operator):
        until = timezone.localdate() + timedelta(days=30)
        record = write_consent(enroll("Ada", 1), replace(ON_PAPER, valid_until=until, note=" in  the safe "), operator)
        assert (record.how, record.legal_basis, record.given_to, record.valid_until, record.note) == (
            "paper",
            "consent",
            operator,
            until,
            "in the safe",
        )
        assert record.given_at is not None

    def test_nobody_gave_anything_where_nobody_was_asked(self, enroll):
        person = enroll("Ada", 1, consent=NO_CONSENT)
        record = person.consent
        assert (record.given_at, record.is_recorded) == (None, False)

    def test_another_legal_basis_needs_a_note(self, enroll):
        with pytest.raises(ConsentInvalid, match="which legal basis"):
            write_consent(enroll("Ada", 1), Consent(How.NOT_ASKED, "other"), None)

    def test_refuses_a_last_day_that_is_over(self, enroll):
        with pytest.raises(ConsentInvalid, match="in the past"):
            write_consent(enroll("Ada", 1), replace(ON_PAPER, valid_until=date(2020, 1, 1)), None)

    def test_the_newest_record_counts_and_the_others_stay(self, enroll):
        person = enroll("Ada", 1, consent=NO_CONSENT)
        write_consent(person, ON_PAPER, None)
        assert basis_sentence(person.consent) == "Consent, on paper"
        assert person.consents.count() == 2


class TestPeopleWithoutRecord:
    def test_are_those_whom_nobody_wrote_a_basis_down_for(self, enroll):
        imported = enroll("Imported", 1, consent=NO_CONSENT)
        enroll("Asked", 2)
        later = enroll("Asked later", 3, consent=NO_CONSENT)
        write_consent(later, ON_PAPER, None)
        assert list(people_without_record()) == [imported]


class TestBasisSentence:
    @pytest.mark.parametrize(
        ("consent", "sentence"),
        [
            (NO_CONSENT, "No consent recorded"),
            (Consent(How.TICKED), "Consent, ticked here"),
            (Consent(How.NOT_ASKED, "contract"), "Contract"),
            (Consent(How.NOT_ASKED, "other", note="Law"), "Another legal basis"),
        ],
        ids=["imported", "ticked", "contract", "other"],
    )
    def test_says_what_was_recorded(self, enroll, consent, sentence):
        assert basis_sentence(enroll("Ada", 1, consent=consent).consent) == sentence

    def test_says_so_when_there_is_none(self):
        assert basis_sentence(None) == "No consent recorded"
