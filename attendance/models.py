"""Kiosks at the doors, and the punches that people make there or that staff enter by hand."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from enrollment.models import Person
from verification.models import VerificationAttempt


class Kiosk(models.Model):
    """A device at a door. Its account has the one role of a kiosk; it signs in with a token of its own."""

    class Mode(models.TextChoices):
        GREET = "greet", "Greet and verify"
        ATTENDANCE = "attendance", "Check in and out"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=60, help_text="Where it stands: Main entrance.")
    mode = models.CharField(max_length=12, choices=Mode.choices, default=Mode.GREET)
    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="kiosk")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Punch(models.Model):
    """One check-in or check-out. A correction never changes a punch: it voids it and adds another one."""

    class Direction(models.TextChoices):
        IN = "in", "Check-in"
        OUT = "out", "Check-out"

    class Way(models.TextChoices):
        FACE = "face", "Face at a kiosk"
        BADGE = "badge", "Badge number or PIN at a kiosk"
        MANUAL = "manual", "By hand"
        RULE = "rule", "Closed by rule"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="punches")
    direction = models.CharField(max_length=3, choices=Direction.choices)
    way = models.CharField(max_length=6, choices=Way.choices)
    at = models.DateTimeField(db_index=True)
    kiosk = models.ForeignKey(Kiosk, on_delete=models.PROTECT, null=True, blank=True, related_name="punches")
    attempt = models.ForeignKey(
        VerificationAttempt,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The evidence.",
    )
    key = models.UUIDField(
        null=True, unique=True, editable=False, help_text="Of a kiosk's message: sent twice, kept once."
    )
    reason = models.CharField(max_length=200, blank=True, help_text="Why somebody entered it by hand.")
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    voided_at = models.DateTimeField(null=True, editable=False)
    voided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    void_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "punches"
        indexes = [models.Index(fields=["person", "at"], name="punches_of_person")]

    def __str__(self) -> str:
        return f"{self.get_direction_display()} at {timezone.localtime(self.at):%Y-%m-%d %H:%M}"
