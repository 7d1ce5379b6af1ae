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
    SITE_KEY_ADOPTED = "site_key.adopted", "Site key taken into use"
    SITE_KEY_ROTATED = "site_key.rotated", "Site key rotated"
    FACES_ENCRYPTED = "faces.encrypted", "Older faces encrypted"
    BACKUP_WRITTEN = "backup.written", "Backup written"
    BACKUP_RESTORED = "backup.restored", "Backup restored"
