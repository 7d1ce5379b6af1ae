"""The audit trail, the rights that roles are made of, and the keys of what is encrypted."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils import timezone

from security.rights import RIGHTS


class AuditEvent(models.Model):
    """One change, in the words of who, what and when: ids and settings only, so that it may outlive an erasure.

    audit/recording.py appends rows. Nothing changes one, and only retention takes the oldest away.
    """

    number = models.PositiveBigIntegerField(unique=True, help_text="1, 2, 3 ... without gaps.")
    at = models.DateTimeField()
    action = models.CharField(max_length=60)
    actor = models.CharField(max_length=60, help_text="operator:<id>, command, product ...: no names.")
    target = models.CharField(max_length=100, blank=True, help_text="person:<uuid>, policy:<id> ...; empty: the site.")
    facts = models.JSONField(default=dict, help_text="Counts, codes, settings before and after.")
    source = models.CharField(max_length=100, blank=True, help_text="From where: an address, or a command's name.")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, help_text="SHA-256 over this row and previous_hash, in hexadecimal digits.")

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.number} {self.action}"


class AuditHead(models.Model):
    """A table of one row: the chain's last link. Every writer locks it, so that numbers have no gaps."""

    SINGLETON_PK = 1

    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"audit row {self.number}"


class Rights(models.Model):
    """No table: the place that Django's permissions of rights.py hang on."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [(right.codename, label) for right, label in RIGHTS.items()]


def random_key_id() -> int:
    """63 random bits: an id that was erased never comes back."""
    return secrets.randbits(63)


class WrappedKey(models.Model):
    """One data key, encrypted with the site key. Each app has a table of them for each kind of owner.

    A row goes with its owner (CASCADE), and then nothing that it encrypted can be read, in older backups neither.
    """

    id = models.BigIntegerField(primary_key=True, default=random_key_id)
    wrapped = models.BinaryField(max_length=60, help_text="Nonce, encrypted key and tag; see encryption/data_keys.py.")
    site_key = models.CharField(max_length=16, help_text="Fingerprint of the site key that it is wrapped with.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"key {self.pk}"


class EncryptionState(models.Model):
    """A table of one row: which site key this database belongs to, and whether older rows are encrypted too."""

    SINGLETON_PK = 1

    site_key = models.CharField(max_length=16, help_text="Fingerprint of the site key that all keys are wrapped with.")
    rotated_at = models.DateTimeField(null=True)
    sealed_at = models.DateTimeField(null=True, help_text="Since when nothing is left in plain; empty: not known.")

    def __str__(self) -> str:
        return f"site key {self.site_key}"
