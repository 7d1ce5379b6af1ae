"""The audit trail, the rights that roles are made of, what runs once a day and what retention did."""

from __future__ import annotations

from django.conf import settings
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


class Lease(models.Model):
    """A lock on work that one process of the site does at a time; security/leases.py takes and frees it."""

    name = models.CharField(max_length=60, unique=True)
    holder = models.CharField(max_length=100, blank=True, default="", help_text="Empty: nobody.")
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class DailyTask(models.Model):
    """When a task of security/daily.py is due, and how its last run went."""

    name = models.CharField(max_length=60, unique=True)
    due_at = models.DateTimeField()
    asked_by = models.CharField(max_length=60, blank=True, default="", help_text="Who asked; empty: the clock.")
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="Empty: it is running, or its process ended half-way.")
    problem = models.CharField(max_length=100, blank=True, default="", help_text="What it failed with; empty: nothing.")

    def __str__(self) -> str:
        return self.name


class RetentionPolicy(models.Model):
    """After how many days what is erased. Every save is a new row; the newest one counts."""

    days = models.JSONField(default=dict, help_text="Rule's key -> days, or null: kept. A rule's default, if missing.")
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "retention policies"

    def __str__(self) -> str:
        return f"retention from {self.saved_at:%Y-%m-%d %H:%M}"


class RetentionRun(models.Model):
    """One run through the site's retention rules: what was due, and what was erased so far."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped before its end"

    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    begun_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=60, help_text="operator:<id>, command, or product: the clock.")
    process = models.CharField(max_length=60, help_text="Host and process.")
    days = models.JSONField(default=dict, help_text="Rule's key -> days that were in force.")
    due = models.JSONField(default=dict, help_text="Rule's key -> how many were due when the run came to it.")
    erased = models.JSONField(default=dict, help_text="Rule's key -> how many were erased.")
    problems = models.JSONField(default=dict, help_text="Rule's key -> what it failed with.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"retention run {self.pk} ({self.get_state_display()})"
