"""Answers that may be asked for again, tokens for live sessions, webhooks and what they are told."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from security.models import ApiKey, WrappedKey


class FirstAnswer(models.Model):
    """What a request with an Idempotency-Key was answered. It goes after a day, and with the person it is about.

    answers.py writes and reads it.
    """

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    token = models.CharField(max_length=64, help_text=_("SHA-256 of the Idempotency-Key."))
    request = models.CharField(max_length=64, help_text=_("SHA-256 of method, address and body."))
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
    digest = models.CharField(max_length=64, unique=True, help_text=_("SHA-256 of the token."))
    scope = models.CharField(max_length=20)
    person_uuid = models.UUIDField(null=True, help_text=_("Whom the session may verify; empty: it identifies."))
    origins = models.JSONField(default=list, help_text=_("Of the pages that may use it."))
    open_until = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"live session {self.pk}"


class Webhook(models.Model):
    """Where another program hears what happened. webhooks/services.py writes it."""

    class Ended(models.TextChoices):
        """Why nothing is sent any more."""

        BY_HAND = "by_hand", _("Switched off")
        GONE = "gone", _("The receiver answered that it wants nothing more (410)")
        FAILING = "failing", _("Nothing could be delivered for a week")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    url = models.CharField(max_length=500)
    events = models.JSONField(default=list, help_text=_("See webhooks/events.py."))
    secret = models.BinaryField(max_length=200, help_text=_("Sealed; see webhooks/secrets.py."))
    older_secret = models.BinaryField(max_length=200, default=bytes, blank=True, help_text=_("Signs too, for a day."))
    older_until = models.DateTimeField(null=True, blank=True)
    ended = models.CharField(max_length=10, choices=Ended, blank=True, help_text=_("Empty: messages are sent."))
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text=_("The first failure since the last success.")
    )
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"webhook {self.uuid}"


class WebhookKey(WrappedKey):
    """The key of one webhook's secrets."""

    webhook = models.OneToOneField(Webhook, on_delete=models.CASCADE, related_name="key")


class OutboxMessage(models.Model):
    """Something that happened, as it is told. Written in the change's transaction, or not at all."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    event = models.CharField(max_length=40)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    data = models.JSONField()

    def __str__(self) -> str:
        return f"{self.event} {self.uuid}"


class Delivery(models.Model):
    """One message for one webhook. webhooks/delivering.py sends it."""

    message = models.ForeignKey(OutboxMessage, on_delete=models.CASCADE, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    due_at = models.DateTimeField(null=True, db_index=True, help_text=_("Empty: nothing more is tried."))
    tries = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text=_("HTTP's, of the last try; empty: no answer."))
    problem = models.CharField(max_length=200, blank=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"delivery {self.pk}"
