"""The history of decisions, and the policy that they were made under."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from enrollment.models import Person


class VerificationAttempt(models.Model):
    """One decision about one face: what was asked, what was answered, and everything the answer rests on."""

    class Mode(models.TextChoices):
        IDENTIFY = "identify", "Identify (who is it?)"
        VERIFY = "verify", "Verify (is it the claimed person?)"

    class Source(models.TextChoices):
        LIVE = "live", "Live page"
        PHOTO = "photo", "Photo check"
        COMMAND = "command", "Command line"

    class Verdict(models.TextChoices):
        MATCH = "match", "Match"
        NON_MATCH = "non_match", "No match"
        ATTACK = "attack", "Presentation attack"
        UNCERTAIN = "uncertain", "Uncertain"

    class LivenessVerdict(models.TextChoices):
        BONA_FIDE = "bona_fide", "Live person"
        ATTACK = "attack", "Attack"
        UNCERTAIN = "uncertain", "Uncertain"
        NOT_CHECKED = "not_checked", "Not checked"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.LIVE)
    claimed_person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    matched_person = models.ForeignKey(
        Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="attempts"
    )
    verdict = models.CharField(max_length=10, choices=Verdict.choices, db_index=True)
    comparison_score = models.FloatField(null=True, blank=True, help_text="Cosine, -1 to 1; empty: nobody to compare.")
    runner_up = models.FloatField(null=True, blank=True)
    match_threshold = models.FloatField()
    fmr = models.FloatField(help_text="False-match rate per comparison that the threshold stands for.")
    liveness_verdict = models.CharField(
        max_length=12, choices=LivenessVerdict.choices, default=LivenessVerdict.NOT_CHECKED
    )
    liveness_score = models.FloatField(null=True, blank=True)
    quality_score = models.FloatField(null=True, blank=True)
    frames_agreed = models.PositiveIntegerField()
    frames_seen = models.PositiveIntegerField()
    reasons = models.JSONField(default=list, blank=True)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    thumbnail = models.BinaryField(max_length=50_000, blank=True, default=b"", help_text="JPEG; empty after erasure.")
    contract_id = models.CharField(max_length=80)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "attempt"

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} at {self.created_at:%Y-%m-%d %H:%M:%S}"


class VerificationPolicy(models.Model):
    """What counts as a match. Every save is a new row with who and when; the newest one counts."""

    class Liveness(models.TextChoices):
        REQUIRED = "required", "Required"
        ADVISORY = "advisory", "Shown, but never decides"
        OFF = "off", "Off"

    class FalseMatchRate(models.TextChoices):
        ONE_IN_1000 = "0.001", "1 in 1,000"
        ONE_IN_10000 = "0.0001", "1 in 10,000"
        ONE_IN_100000 = "0.00001", "1 in 100,000"

    fmr = models.CharField(
        max_length=10,
        choices=FalseMatchRate.choices,
        default=FalseMatchRate.ONE_IN_10000,
        verbose_name="false-match rate",
    )
    liveness = models.CharField(max_length=10, choices=Liveness.choices, default=Liveness.REQUIRED)
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "verification policies"

    def __str__(self) -> str:
        return f"{self.get_fmr_display()} wrong matches, liveness {self.get_liveness_display().lower()}"


class ChallengeTry(models.Model):
    """One challenge that was begun. It counts as failed until it is passed: giving up draws no better sequence."""

    session = models.CharField(max_length=64, help_text="SHA-256 of the operator's session key.")
    at = models.DateTimeField(default=timezone.now, help_text="When it began, and then when it ended.")
    passed = models.BooleanField(default=False)
    code = models.CharField(max_length=40, blank=True, help_text="How it ended; empty: it never did.")

    class Meta:
        verbose_name_plural = "challenge tries"
        indexes = [models.Index(fields=["session", "at"], name="challenge_session_at")]

    def __str__(self) -> str:
        return f"{self.code or 'begun'} at {self.at:%Y-%m-%d %H:%M:%S}"
