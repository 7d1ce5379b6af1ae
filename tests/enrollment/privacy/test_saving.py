from __future__ import annotations

from dataclasses import replace

import pytest

from enrollment.consent.policy import current_consent_policy
from enrollment.consent.texts import current_text
from enrollment.errors import ConsentInvalid
from enrollment.models import ConsentText
from enrollment.privacy.saving import (
    PolicyChoice,
    current_privacy_notice,
    save_consent_policy,
    save_consent_text,
    save_privacy_notice,
)
from security.allowing import NotAllowed
from security.models import AuditEvent

pytestmark = pytest.mark.django_db

CHOICE = PolicyChoice(bases=["consent"], grace_days=14)


class TestSaveConsentText:
    def test_adds_a_version_and_leaves_the_one_before_as_it_was(self, staff):
        before = current_text()
        assert before is not None
        saved = save_consent_text(actor=staff, language="EN ", body="I agree.\r\n\r\nTruly.\n")
        assert (saved.version, saved.paragraphs, saved.saved_by) == ("en-2", ["I agree.", "Truly."], staff)
        assert ConsentText.objects.get(pk=before.pk).body == before.body
        assert current_text() == saved

    def test_begins_a_language_with_one(self, staff):
        assert save_consent_text(actor=staff, language="fr-ca", body="Je suis d'accord.").version == "fr-ca-1"

    @pytest.mark.parametrize("language", ["", "english", "e", "de_DE", "<b>"])
    def test_wants_a_code_of_a_language(self, staff, language):
        with pytest.raises(ConsentInvalid, match="as a code"):
            save_consent_text(actor=staff, language=language, body="x")

    def test_the_same_words_again_are_no_version(self, staff):
        text = current_text()
        assert text is not None
        with pytest.raises(ConsentInvalid, match="word for word"):
            save_consent_text(actor=staff, language="en", body=text.body + "\r\n")

    def test_is_written_down(self, staff):
        save_consent_text(actor=staff, language="de", body="Ich bin einverstanden.")
        assert AuditEvent.objects.get(action="consent_text.saved").target == "consent_text:de-1"

    def test_needs_the_right(self, operator):
        with pytest.raises(NotAllowed):
            save_consent_text(actor=operator, language="de", body="x")


class TestSaveConsentPolicy:
    def test_counts_from_now_on_and_the_earlier_ones_stay(self, staff):
        save_consent_policy(actor=staff, choice=CHOICE)
        save_consent_policy(actor=staff, choice=replace(CHOICE, months=24, grace_days=30))
        policy = current_consent_policy()
        assert (policy.months, policy.grace_days, policy.saved_by) == (24, 30, staff)

    def test_writes_down_what_it_was_and_what_it_is(self, staff):
        save_consent_policy(actor=staff, choice=replace(CHOICE, grace_days=7))
        facts = AuditEvent.objects.get(action="consent_policy.saved").facts
        assert (facts["before"]["grace_days"], facts["after"]["grace_days"]) == (14, 7)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"bases": []}, "at least one"),
            ({"bases": ["whim"]}, "at least one"),
            ({"bases": ["contract"]}, "The tick is a consent"),
            ({"tick_required": False}, "which other legal basis"),
            ({"tick_required": False, "unticked_basis": "contract"}, "must be allowed"),
            ({"tick_required": False, "unticked_basis": "consent"}, "which other legal basis"),
            ({"bases": ["consent", "other"], "tick_required": False, "unticked_basis": "other"}, "note"),
            ({"grace_days": 91}, "90"),
            ({"months": 0}, "1"),
        ],
        ids=["none", "unknown", "no consent", "no other", "not allowed", "consent", "no note", "days", "months"],
    )
    def test_refuses_what_contradicts_itself(self, staff, changes, words):
        with pytest.raises(ConsentInvalid, match=words):
            save_consent_policy(actor=staff, choice=replace(CHOICE, **changes))

    def test_needs_the_right(self, operator):
        with pytest.raises(NotAllowed):
            save_consent_policy(actor=operator, choice=CHOICE)


class TestSavePrivacyNotice:
    def test_is_what_the_page_says_from_now_on(self, staff):
        assert current_privacy_notice() is None
        save_privacy_notice(actor=staff, purpose=" The door ", contact="Desk", more="")
        notice = current_privacy_notice()
        assert notice is not None
        assert (notice.purpose, notice.contact, notice.more) == ("The door", "Desk", "")

    def test_needs_the_right(self, operator):
        with pytest.raises(NotAllowed):
            save_privacy_notice(actor=operator, purpose="", contact="", more="")
