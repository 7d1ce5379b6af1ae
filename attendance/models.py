"""The punches that people make in front of a camera or that staff enter by hand, and the policy they follow.

punches/services.py writes both. A correction never changes a punch: it voids it, and another one is entered.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from enrollment.models import Person
from verification.models import VerificationAttempt

MOST_COOLDOWN_MINUTES = 240


class AttendancePolicy(models.Model):
    """Whose matches check people in and out. Every save is a new row; the newest one counts."""

    class Cameras(models.TextChoices):
        NONE = "none", "No camera: only by hand"
        DOORS = "doors", "Devices at doors (accounts with the role Kiosk)"
        ALL = "all", "Every live page"

    cameras = models.CharField(
        "cameras that check people in and out", max_length=5, choices=Cameras.choices, default=Cameras.NONE
    )
    cooldown_minutes = models.PositiveSmallIntegerField(
        "minutes before a second look counts",
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_COOLDOWN_MINUTES)],
        help_text="Somebody who is seen again within this time neither checks in nor out.",
    )
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "attendance policies"

    def __str__(self) -> str:
        return self.get_cameras_display()


class Punch(models.Model):
    """One check-in or check-out."""

    class Direction(models.TextChoices):
        IN = "in", "Check-in"
        OUT = "out", "Check-out"

    class Way(models.TextChoices):
        FACE = "face", "Camera"
        MANUAL = "manual", "By hand"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="punches")
    direction = models.CharField(max_length=3, choices=Direction.choices)
    way = models.CharField(max_length=6, choices=Way.choices)
    at = models.DateTimeField(db_index=True)
    attempt = models.OneToOneField(
        VerificationAttempt,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="punch",
        help_text="The evidence: one decision is one punch, however often it is told.",
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
