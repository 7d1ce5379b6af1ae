"""Answers that may be asked for again, and tokens for live sessions."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from security.models import ApiKey


class FirstAnswer(models.Model):
    """What a request with an Idempotency-Key was answered. It goes after a day, and with the person it is about.

    answers.py writes and reads it.
    """

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


class LiveTicket(models.Model):
    """A token that opens one live session on somebody else's page. live_sessions.py writes and reads it."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    scope = models.CharField(max_length=20)
    person_uuid = models.UUIDField(null=True, help_text="Whom the session may verify; empty: it identifies.")
    origins = models.JSONField(default=list, help_text="Of the pages that may use it.")
    open_until = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"live session {self.pk}"
