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
    RETENTION_SAVED = "retention.saved", "Retention rules saved"
    RETENTION_RAN = "retention.ran", "Retention ran"
