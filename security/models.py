"""The audit trail, and the rights that roles are made of."""

from __future__ import annotations

from django.db import models

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
        indexes = [
            models.Index(fields=["target", "number"], name="audit_target"),
            models.Index(fields=["actor", "number"], name="audit_actor"),
            models.Index(fields=["action", "number"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.action}"


class AuditHead(models.Model):
    """A table of one row: the chain's last link. Every writer locks it, so that numbers have no gaps."""

    SINGLETON_PK = 1

    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"audit row {self.number}"


class AuditSeal(models.Model):
    """A signature over the chain up to one row. audit/chain.py says what is signed."""

    kind = models.CharField(max_length=10, help_text="day: once a day; anchor: the rows up to it were taken away.")
    number = models.PositiveBigIntegerField(help_text="Of the row.")
    hash = models.CharField(max_length=64, help_text="Of the row.")
    at = models.DateTimeField()
    key = models.CharField(max_length=16, help_text="Beginning of the SHA-256 of the public key.")
    signature = models.CharField(max_length=100, help_text="Ed25519, in base64.")

    class Meta:
        ordering = ["number", "id"]
        constraints = [models.UniqueConstraint(fields=["number", "kind"], name="one_audit_seal_per_row_and_kind")]

    def __str__(self) -> str:
        return f"{self.kind} seal of row {self.number}"


class AuditCheck(models.Model):
    """One verification of the chain, for the page: the command `audit verify` looks for itself."""

    at = models.DateTimeField(auto_now_add=True)
    whole = models.BooleanField(help_text="All rows were looked at, not only those since the last seal.")
    rows = models.PositiveBigIntegerField()
    through = models.PositiveBigIntegerField(help_text="Number of the last row that fits.")
    problem = models.CharField(max_length=300, blank=True, help_text="A sentence; empty: nothing is wrong.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.problem or f"{self.rows} rows fit"


class Rights(models.Model):
    """No table: the place that Django's permissions of rights.py hang on."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [(right.codename, label) for right, label in RIGHTS.items()]
