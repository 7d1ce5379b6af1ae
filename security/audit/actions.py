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
    APPROVAL_ASKED = "approval.asked", "Second person asked"
    APPROVAL_GIVEN = "approval.given", "Second person agreed"
    APPROVAL_REFUSED = "approval.refused", "Second person refused"
    APPROVAL_USED = "approval.used", "Done after a second person agreed"
    OPERATOR_CREATED = "operator.created", "Operator created"
    OPERATOR_ROLES = "operator.roles", "Operator's roles changed"
    OPERATOR_ACTIVATED = "operator.activated", "Operator activated"
    OPERATOR_DEACTIVATED = "operator.deactivated", "Operator deactivated"
    SIGNED_IN = "operator.signed_in", "Signed in"
    SIGNED_OUT = "operator.signed_out", "Signed out"
    SIGN_IN_FAILED = "operator.sign_in_failed", "Sign-in failed"
    SIGN_INS_ENDED = "operator.sign_ins_ended", "Other sign-ins ended"
    PASSWORD_CHANGED = "operator.password_changed", "Password changed"
    ONE_TIME_PASSWORD_ISSUED = "operator.one_time_password_issued", "One-time password issued"
    SECOND_FACTOR_SET_UP = "operator.second_factor_set_up", "Second factor set up"
    SECOND_FACTOR_SWITCHED_OFF = "operator.second_factor_off", "Second factor switched off"
    SECOND_FACTOR_RESET = "operator.second_factor_reset", "Second factor reset by an administrator"
    RECOVERY_CODE_USED = "operator.recovery_code_used", "Recovery code used"
    RECOVERY_CODES_RENEWED = "operator.recovery_codes_renewed", "Recovery codes replaced"
    OPERATOR_LINKED = "operator.linked", "Operator linked to the OpenID provider"
    RETENTION_SAVED = "retention.saved", "Retention rules saved"
    RETENTION_RAN = "retention.ran", "Retention ran"
