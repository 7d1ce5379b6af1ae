"""What an audit row can say was done. The words before the dot are the kind of target."""

from __future__ import annotations

from django.db.models import TextChoices


class Action(TextChoices):
    PERSON_ENROLLED = "person.enrolled", "Person enrolled"
    PERSON_UPDATED = "person.updated", "Person's details changed"
    PERSON_ACTIVATED = "person.activated", "Person activated"
    PERSON_DEACTIVATED = "person.deactivated", "Person deactivated"
    PERSON_ERASED = "person.erased", "Person erased"
    SAMPLES_ADDED = "samples.added", "Samples added"
    POLICY_SAVED = "policy.saved", "Decision policy saved"
    CONSENT_RECORDED = "person.consent_recorded", "Consent recorded"
    CONSENT_WITHDRAWN = "person.consent_withdrawn", "Consent withdrawn"
    CONSENT_RESTORED = "person.consent_restored", "Withdrawal undone"
    CONSENT_EXPIRED = "person.consent_expired", "Consent expired"
    PERSON_EXPORTED = "person.exported", "Copy of everything held about a person made"
    CONSENT_TEXT_SAVED = "consent_text.saved", "Consent text saved"
    CONSENT_POLICY_SAVED = "consent_policy.saved", "Consent policy saved"
    PRIVACY_NOTICE_SAVED = "privacy_notice.saved", "Public privacy notice saved"
