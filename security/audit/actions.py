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
    SIGNED_IN = "operator.signed_in", "Signed in"
    SIGNED_OUT = "operator.signed_out", "Signed out"
    SIGN_IN_FAILED = "operator.sign_in_failed", "Sign-in failed"
    SIGN_INS_ENDED = "operator.sign_ins_ended", "Other sign-ins ended"
    PASSWORD_CHANGED = "operator.password_changed", "Password changed"
    ONE_TIME_PASSWORD_ISSUED = "operator.one_time_password_issued", "One-time password issued"
