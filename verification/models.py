"""The history of decisions and the policies that they were made under, wrong matches, unknown faces, challenges.

services.py writes attempts and policies, live/challenges.py tries, review/feedback.py false matches and
review/unknowns.py the inbox of unknown faces. Erasing people or faces also empties thumbnails of attempts.
Pictures and embeddings are encrypted: sealed.py writes and reads their bytes.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Value
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from enrollment.models import Person
from security.models import WrappedKey


class VerificationAttempt(models.Model):
    """One decision about one face: the question, the answer, and everything that the answer rests on."""

    class Mode(models.TextChoices):
        IDENTIFY = "identify", _("Identify (who is it?)")
        VERIFY = "verify", _("Verify (is it the claimed person?)")

    class Source(models.TextChoices):
        LIVE = "live", _("Live page")
        KIOSK = "kiosk", _("Kiosk")
        PHOTO = "photo", _("Photo check")
        COMMAND = "command", _("Command line")
        API = "api", _("API")

    class Verdict(models.TextChoices):
        MATCH = "match", _("Match")
        NON_MATCH = "non_match", _("No match")
        ATTACK = "attack", _("Attack")
        UNCERTAIN = "uncertain", _("Uncertain")

    class LivenessVerdict(models.TextChoices):
        BONA_FIDE = "bona_fide", _("Live person")
        ATTACK = "attack", _("Attack")
        UNCERTAIN = "uncertain", _("Uncertain")
        NOT_CHECKED = "not_checked", _("Not checked")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.LIVE)
    claimed_person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    matched_person = models.ForeignKey(
        Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="attempts"
    )
    nearest_person = models.ForeignKey(
        Person,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text=_(
            "Whom the face may have been where nobody was named: erasing them erases its picture. Shown nowhere."
        ),
    )
    verdict = models.CharField(max_length=10, choices=Verdict.choices, db_index=True)
    comparison_score = models.FloatField(
        null=True, blank=True, help_text=_("Cosine, -1 to 1; empty: nobody to compare.")
    )
    runner_up = models.FloatField(null=True, blank=True)
    match_threshold = models.FloatField()
    fmr = models.FloatField(help_text=_("False-match rate per comparison that the threshold stands for."))
    liveness_verdict = models.CharField(
        max_length=12, choices=LivenessVerdict.choices, default=LivenessVerdict.NOT_CHECKED
    )
    liveness_score = models.FloatField(null=True, blank=True)
    quality_score = models.FloatField(null=True, blank=True)
    frames_agreed = models.PositiveIntegerField()
    frames_seen = models.PositiveIntegerField()
    reasons = models.JSONField(default=list, blank=True)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    thumbnail = models.BinaryField(
        max_length=50_000, blank=True, default=b"", help_text=_("JPEG; empty after erasure.")
    )
    contract_id = models.CharField(max_length=80)
    has_picture = models.GeneratedField(
        expression=GreaterThan(Length("thumbnail"), Value(0)),
        output_field=models.BooleanField(),
        db_persist=True,
        help_text=_("The database's own word, so that retention finds old pictures without reading a single one."),
    )
    gallery_revision = models.PositiveBigIntegerField(
        null=True, editable=False, help_text=_("Of the gallery that was searched; empty: decided before this was kept.")
    )
    policy = models.ForeignKey(
        "VerificationPolicy",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        help_text=_("The saved policy that decided; empty: the defaults, as nobody had saved one."),
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("attempt")
        indexes = [
            models.Index(fields=["has_picture", "created_at"], name="pictures_by_age"),
            models.Index(fields=["matched_person", "created_at"], name="when_a_person_was_seen"),
            # The dashboard counts days by verdict, and whom they named, without opening a row with a picture in it.
            models.Index(fields=["verdict", "created_at", "matched_person"], name="who_was_named_when"),
        ]

    def __str__(self) -> str:
        moment = f"{timezone.localtime(self.created_at):%Y-%m-%d %H:%M:%S}"
        return gettext("{verdict} at {moment}").format(verdict=self.get_verdict_display(), moment=moment)

    @property
    def before_a_camera(self) -> bool:
        """Whether somebody stood there, and several frames were looked at."""
        return self.source in (self.Source.LIVE, self.Source.KIOSK)


class PictureKey(WrappedKey):
    """The key of one attempt's thumbnail. It goes when the picture is erased, whatever the reason."""

    attempt = models.OneToOneField(VerificationAttempt, on_delete=models.CASCADE, related_name="picture_key")


class VerificationPolicy(models.Model):
    """What counts as a match. Every save is a new row with who and when; the newest one counts."""

    class Liveness(models.TextChoices):
        REQUIRED = "required", _("Required")
        ADVISORY = "advisory", _("Shown, but never decides")
        OFF = "off", pgettext_lazy("liveness", "Off")

    class FalseMatchRate(models.TextChoices):
        ONE_IN_1000 = "0.001", _("1 in 1,000")
        ONE_IN_10000 = "0.0001", _("1 in 10,000")
        ONE_IN_100000 = "0.00001", _("1 in 100,000")

    fmr = models.CharField(
        max_length=10,
        choices=FalseMatchRate.choices,
        default=FalseMatchRate.ONE_IN_10000,
        verbose_name=_("false-match rate"),
    )
    liveness = models.CharField(max_length=10, choices=Liveness.choices, default=Liveness.REQUIRED)
    match_threshold = models.FloatField(
        null=True,
        blank=True,
        help_text=_("Measured on the site's own gallery; empty: the model pack's own for the rate."),
    )
    contract_id = models.CharField(
        max_length=80,
        blank=True,
        help_text=_("Where match_threshold counts; in another embedding space the pack's does."),
    )
    evidence = models.JSONField(default=dict, blank=True, help_text=_("What match_threshold was measured on."))
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("verification policies")

    def __str__(self) -> str:
        said = gettext("{rate} wrong matches, liveness {liveness}")
        return said.format(rate=self.get_fmr_display(), liveness=self.get_liveness_display().lower())


class ChallengeTry(models.Model):
    """A challenge that was begun. It counts as failed until it is passed: nobody gains by giving up a hard one."""

    session = models.CharField(max_length=64, help_text=_("SHA-256 of the operator's session key."))
    at = models.DateTimeField(default=timezone.now, help_text=_("When it began, and then when it ended."))
    passed = models.BooleanField(default=False)
    code = models.CharField(max_length=40, blank=True, help_text=_("How it ended; empty: it never did."))

    class Meta:
        verbose_name_plural = _("challenge tries")
        indexes = [models.Index(fields=["session", "at"], name="challenge_session_at")]

    def __str__(self) -> str:
        return f"{self.code or 'begun'} at {timezone.localtime(self.at):%Y-%m-%d %H:%M:%S}"


class FalseMatch(models.Model):
    """An operator said of a match: not this person. Erasing the attempt or either person erases this too."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    attempt = models.ForeignKey(VerificationAttempt, on_delete=models.CASCADE, related_name="false_matches")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="false_matches")
    other_person = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, related_name="+", help_text=_("Whose face it was, where known.")
    )
    effect = models.JSONField(default=dict, help_text=_("What it changed when it was recorded: counts."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("false matches")

    def __str__(self) -> str:
        return gettext("false match {number}").format(number=self.pk)


class FalseMatchKey(WrappedKey):
    """The key of the embeddings of one false match. It goes with them, when the record is taken back or erased."""

    false_match = models.OneToOneField(FalseMatch, on_delete=models.CASCADE, related_name="key")


class ConfusedFace(models.Model):
    """The face of a false match in one embedding space. Scores of different spaces are never compared."""

    false_match = models.ForeignKey(FalseMatch, on_delete=models.CASCADE, related_name="faces")
    contract_id = models.CharField(max_length=80)
    comparison_score = models.FloatField(help_text=_("What made it a match, -1 to 1."))
    raised_threshold = models.FloatField(help_text=_("What a face like it must reach to be named as the person."))
    embedding = models.BinaryField(max_length=16_384, help_text=_("Little-endian float32, L2-normalised."))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["false_match", "contract_id"], name="one_face_per_false_match_and_contract")
        ]

    def __str__(self) -> str:
        return f"face {self.pk} of false match {self.false_match_id}"


class UnknownPolicy(models.Model):
    """Whether faces that matched nobody are kept for a while. Every save is a new row; the newest one counts."""

    keep = models.BooleanField(_("keep unknown faces"), default=False)
    days = models.PositiveSmallIntegerField(
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(30)],
        help_text=_("1 to 30; then they are erased."),
    )
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("unknown policies")

    def __str__(self) -> str:
        if not self.keep:
            return gettext("not kept")
        return ngettext("kept for {count} day", "kept for {count} days", self.days).format(count=self.days)


class InboxAction(models.Model):
    """What an operator did with unknown faces, with everything that undoing it needs. Ids only, no names."""

    class Kind(models.TextChoices):
        ENROL = "enrol", _("Enrolled as a new person")
        ASSIGN = "assign", _("Added to a person")
        DISMISS = "dismiss", _("Dismissed")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # Erasing the person erases this row, and with it the unknown faces that were enrolled as or added to them.
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="+")
    samples = models.JSONField(default=list, help_text=_("uuids of the samples that were added."))
    face_count = models.PositiveIntegerField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.pk})"


class UnknownFace(models.Model):
    """A face of the live page that matched nobody, kept for some days where the policy says so."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    attempt = models.OneToOneField(VerificationAttempt, on_delete=models.CASCADE, related_name="unknown_face")
    kept_at = models.DateTimeField(default=timezone.now, db_index=True)
    handled_by = models.ForeignKey(InboxAction, on_delete=models.CASCADE, null=True, related_name="faces")
    quality = models.JSONField(help_text=_("The measures; see recognizer.types.Quality."))
    quality_score = models.FloatField()
    contract_id = models.CharField(max_length=80)
    embedding = models.BinaryField(max_length=16_384, help_text=_("Little-endian float32, L2-normalised."))
    # The last column, for the reason given in enrollment.models.FaceSample.
    crop = models.BinaryField(max_length=200_000, help_text=_("Aligned 112 x 112 face as PNG bytes, without loss."))

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"unknown face {self.pk}"


class UnknownKey(WrappedKey):
    """The key of one unknown face. It goes with the face."""

    face = models.OneToOneField(UnknownFace, on_delete=models.CASCADE, related_name="key")
