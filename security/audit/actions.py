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
