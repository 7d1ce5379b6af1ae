"""Answers that may be asked for again. answers.py writes and reads them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from security.models import ApiKey


class FirstAnswer(models.Model):
    """What a request with an Idempotency-Key was answered. It goes after a day, and with the person it is about."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    token = models.CharField(max_length=64, help_text="SHA-256 of the Idempotency-Key.")
    request = models.CharField(max_length=64, help_text="SHA-256 of method, address and body.")
    person_uuid = models.UUIDField(db_index=True)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "token"], name="one_answer_per_key_and_token")]

    def __str__(self) -> str:
        return f"answer {self.pk}"
