"""People, the pictures kept of them and the templates computed from those.

Written only by enrollment.services; read through enrollment.selectors.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse


class Person(models.Model):
    """Somebody enrolled. (The login that works with the product is the operator, a Django user.)"""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    external_id = models.CharField(
        max_length=100, unique=True, null=True, blank=True, help_text="Staff or visitor number in another system."
    )
    is_active = models.BooleanField(default=True, help_text="Only active people are searched.")
    consent_given_at = models.DateTimeField()
    consent_version = models.CharField(max_length=20, help_text="Which consent text the person agreed to.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["name"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("enrollment:person", args=[self.uuid])


class FaceSample(models.Model):
    """One picture kept of a person: the aligned crop, so that templates can be computed again after a model change."""

    class Source(models.TextChoices):
        WEBCAM = "webcam", "Webcam"
        UPLOAD = "upload", "Photo upload"
        FOLDER = "folder", "Folder import"
        LIVE = "live", "Live page"

    class PoseBucket(models.TextChoices):
        FRONT = "front", "Front"
        LEFT = "left", "Slight left"
        RIGHT = "right", "Slight right"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="samples")
    source = models.CharField(max_length=10, choices=Source.choices)
    pose = models.CharField(max_length=10, choices=PoseBucket.choices, default=PoseBucket.FRONT)
    quality_score = models.FloatField()
    quality = models.JSONField(default=dict, help_text="The measures behind the score; see recognizer.types.Quality.")
    digest = models.CharField(max_length=64, help_text="sha256 of the crop's pixels: the same picture is kept once.")
    set_aside = models.BooleanField(default=False, help_text="Kept, but not searched (it does not fit the others).")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # The last column: SQLite walks through a large value to reach what lies behind it.
    crop = models.BinaryField(max_length=200_000, help_text="Aligned 112 x 112 face as PNG bytes, without loss.")

    class Meta:
        ordering = ["id"]
        # Loading the gallery asks whose each sample is; with this index it need not open 100,000 rows that hold crops.
        indexes = [models.Index(fields=["person", "set_aside"], name="searched_samples_of_a_person")]
        constraints = [models.UniqueConstraint(fields=["person", "digest"], name="one_sample_per_picture_and_person")]

    def __str__(self) -> str:
        return f"sample {self.pk} ({self.get_pose_display()})"


class FaceTemplate(models.Model):
    """One embedding of one sample, bound to the embedding space it lives in."""

    sample = models.ForeignKey(FaceSample, on_delete=models.CASCADE, related_name="templates")
    # No index of its own: nearly all templates have the same one, and SQLite, which expects few, would search by it.
    contract_id = models.CharField(max_length=80)
    dimension = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    created_at = models.DateTimeField(auto_now_add=True)
    embedding = models.BinaryField(max_length=16_384, help_text="Little-endian float32, L2-normalised.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["sample", "contract_id"], name="one_template_per_sample_and_contract")
        ]

    def __str__(self) -> str:
        return f"template {self.pk}"

    def clean(self) -> None:
        if len(self.embedding) != 4 * self.dimension:
            raise ValidationError(
                {"embedding": f"{len(self.embedding)} bytes are not {self.dimension} float32 values."}
            )


class GalleryRevision(models.Model):
    """One row. Its number grows with every change that a search could notice; every process watches it."""

    SINGLETON_PK = 1

    number = models.PositiveBigIntegerField(default=0)
    # Tells a database put back from a backup (or flushed) from the one whose numbers a process remembers.
    epoch = models.UUIDField(default=uuid.uuid4, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"revision {self.number}"


class GalleryChange(models.Model):
    """Whose templates a revision touched, so that a process reads those people again and not the whole gallery.

    No foreign key: the line outlives an erased person, as a bare number that says nothing about them.
    """

    revision = models.PositiveBigIntegerField(db_index=True)
    person_uuid = models.UUIDField()

    def __str__(self) -> str:
        return f"revision {self.revision}"
