"""People, the pictures kept of them and the templates computed from those pictures.

services.py and samples/storing.py write most of it; hygiene/actions.py writes merges and notes about pairs,
packs/switching.py the switches of the model pack, rights/ and privacy/ what is about consent. Crops and embeddings are
encrypted: sealed.py writes and reads their bytes. Pages read through selectors.py. Rooms that need whole tables, such
as runtime/gallery.py and hygiene/report.py, read for themselves.
"""

from __future__ import annotations

import uuid
from datetime import date

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from enrollment.naming import fold
from security.encryption.sealing import OVERHEAD
from security.models import WrappedKey

NOTES_LENGTH = 2_000
FOLDED_LENGTH = 1_000
"""300 characters at most, of which some scripts make three each."""


def default_bases() -> list[str]:
    """Consent alone."""
    return ["consent"]


class FoldedField(models.CharField):  # type: ignore[type-arg]
    """Name and external ID as searches compare them. Every save writes it anew, as with auto_now."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        folded = folded_name(getattr(model_instance, "name", ""), getattr(model_instance, "external_id", None))
        setattr(model_instance, self.attname, folded)
        return folded


def folded_name(name: str, external_id: str | None) -> str:
    """What FoldedField holds. No typed word reaches over the line break."""
    return f"{fold(name)}\n{fold(external_id or '')}"[:FOLDED_LENGTH]


def in_span(day: date, of: str = "") -> models.Q:
    """Whose days, where some were set, include this one. of: "person__", say."""
    begun = models.Q(**{f"{of}valid_from": None}) | models.Q(**{f"{of}valid_from__lte": day})
    lasts = models.Q(**{f"{of}valid_until": None}) | models.Q(**{f"{of}valid_until__gte": day})
    return begun & lasts


def searched_on(day: date | None, of: str = "") -> models.Q:
    """Who may be recognised on a day (None: on some day): active, and in the days that were set for them."""
    active = models.Q(**{f"{of}is_active": True})
    return active if day is None else active & in_span(day, of)


class Person(models.Model):
    """Somebody who is enrolled. (Whoever works with the product is the operator, a Django user.)"""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    external_id = models.CharField(
        max_length=100, unique=True, null=True, blank=True, help_text=_("Staff or visitor number in another system.")
    )
    is_active = models.BooleanField(default=True, help_text=_("Only active people are searched."))
    deactivated_at = models.DateTimeField(null=True, editable=False, help_text=_("Empty: active, or not noted yet."))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    valid_from = models.DateField(null=True, blank=True, help_text=_("The first day; empty: since the enrolment."))
    valid_until = models.DateField(null=True, blank=True, help_text=_("The last day; empty: for good."))
    notes = models.TextField(default="", blank=True, help_text=_("For everybody who may see people."))
    # No foreign key: the two tables would point at each other, and MySQL could not erase from either. A merge moves
    # samples, and an undo brings them back: the choice then counts again.
    portrait = models.UUIDField(null=True, editable=False, help_text="uuid of the sample chosen to stand for them.")
    folded = FoldedField(max_length=FOLDED_LENGTH, default="", blank=True, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False, help_text="verification/sightings.py keeps it.")

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["name"]),
            models.Index(fields=["created_at"], name="people_by_enrolment"),
            # One for each order, for those who were never seen stand by name in both.
            models.Index(fields=["-last_seen_at", "name", "id"], name="people_seen_last_first"),
            models.Index(fields=["last_seen_at", "name", "id"], name="people_unseen_for_longest"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("enrollment:person", args=[self.uuid])

    @property
    def is_in_span(self) -> bool:
        """Whether today is one of the days that were set for this person."""
        return self.is_in_span_on(timezone.localdate())

    def is_in_span_on(self, day: date) -> bool:
        """As in_span(), of one person."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)

    @property
    def is_searched(self) -> bool:
        """What searched_on() asks of the database, for today."""
        return self.is_active and self.is_in_span

    @property
    def consent(self) -> ConsentRecord | None:
        """The record that counts, the newest. One query, unless `consents__text` was prefetched."""
        return max(self.consents.all(), key=lambda record: record.pk, default=None)


class PersonGroup(models.Model):
    """People who are looked at together: a department, a shift, visitors. Somebody may be in several."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100, unique=True)
    people = models.ManyToManyField(Person, related_name="groups", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("enrollment:group", args=[self.uuid])


class PersonKey(WrappedKey):
    """The key of a person's crops and embeddings. After a merge each sample keeps the key that it was enrolled with."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="key")


class FaceSample(models.Model):
    """One picture kept of a person: the aligned crop, so that templates can be computed again after a model change."""

    class Source(models.TextChoices):
        WEBCAM = "webcam", _("Webcam")
        UPLOAD = "upload", pgettext_lazy("what a sample was taken from", "Photo upload")
        FOLDER = "folder", _("Folder import")
        LIVE = "live", _("Live page")

    class PoseBucket(models.TextChoices):
        FRONT = "front", _("Front")
        LEFT = "left", _("Slight left")
        RIGHT = "right", _("Slight right")

    class AsideReason(models.TextChoices):
        OUTLIER = "outlier", _("Does not fit the person's other samples")
        SURPLUS = "surplus", _("More samples than are searched; the others tell more")
        OPERATOR = "operator", _("Set aside by an operator")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="samples")
    source = models.CharField(max_length=10, choices=Source.choices)
    pose = models.CharField(max_length=10, choices=PoseBucket.choices, default=PoseBucket.FRONT)
    quality_score = models.FloatField()
    quality = models.JSONField(
        default=dict, help_text=_("The measures behind the score; see recognizer.types.Quality.")
    )
    digest = models.CharField(max_length=64, help_text=_("sha256 of the crop's pixels: the same picture is kept once."))
    set_aside = models.BooleanField(default=False, help_text=_("Kept, but not searched; set_aside_reason says why."))
    set_aside_reason = models.CharField(max_length=10, choices=AsideReason.choices, blank=True, default="")
    taken_back = models.BooleanField(
        default=False,
        help_text=_("An operator looked at it and took it back: no rule sets it aside or drops it again."),
    )
    merged_from = models.ForeignKey(
        Person,
        on_delete=models.CASCADE,  # erasing a person erases their pictures, wherever a merge has put them
        null=True,
        editable=False,
        related_name="given_samples",
        help_text=_("Who was enrolled with it, when a merge brought it here."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # The last column: SQLite walks through a large value to reach the columns behind it.
    crop = models.BinaryField(max_length=200_000, help_text=_("Aligned 112 x 112 face as PNG bytes, without loss."))

    class Meta:
        ordering = ["id"]
        # Loading the gallery asks for the person of each sample. With this index it need not open 100,000 rows with
        # crops in them.
        indexes = [models.Index(fields=["person", "set_aside"], name="searched_samples_of_a_person")]
        constraints = [models.UniqueConstraint(fields=["person", "digest"], name="one_sample_per_picture_and_person")]

    def __str__(self) -> str:
        return gettext("sample {number} ({pose})").format(number=self.pk, pose=self.get_pose_display())


class FaceTemplate(models.Model):
    """One embedding of one sample, bound to its embedding space by contract_id."""

    sample = models.ForeignKey(FaceSample, on_delete=models.CASCADE, related_name="templates")
    # No index: nearly all templates have the same contract_id, but SQLite would expect few and search by the index.
    contract_id = models.CharField(max_length=80)
    dimension = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    created_at = models.DateTimeField(auto_now_add=True)
    embedding = models.BinaryField(max_length=16_384, help_text=_("Little-endian float32, L2-normalised."))

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["sample", "contract_id"], name="one_template_per_sample_and_contract")
        ]

    def __str__(self) -> str:
        return gettext("template {number}").format(number=self.pk)

    def clean(self) -> None:
        if len(self.embedding) not in (4 * self.dimension, 4 * self.dimension + OVERHEAD):
            raise ValidationError(
                {"embedding": f"{len(self.embedding)} bytes are not {self.dimension} float32 values, sealed or plain."}
            )


class GalleryRevision(models.Model):
    """A table of one row. Its number grows with every change that a search could notice; every process watches it."""

    SINGLETON_PK = 1

    number = models.PositiveBigIntegerField(default=0)
    # Another one when the numbers begin again (a new or a flushed database): so a process does not take them for those
    # that it remembers.
    epoch = models.UUIDField(default=uuid.uuid4, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"revision {self.number}"


class GalleryChange(models.Model):
    """A person whose templates a revision touched: a process then reads those people again, not the whole gallery.

    No foreign key: the row outlives an erased person, as a bare number that says nothing about them.
    """

    revision = models.PositiveBigIntegerField(db_index=True)
    person_uuid = models.UUIDField()

    def __str__(self) -> str:
        return f"revision {self.revision}"


class GalleryCopy(models.Model):
    """What the engine beside the database (GALLERY_URL) holds of one embedding space: how far it has been told.

    GalleryChange is the outbox: its rows are written in the transaction of each change, and this says which of them
    have reached the engine. A process that dies in between leaves the number as it was, so they are sent once more.
    """

    place = models.CharField(max_length=200, help_text=_("Host, port and collection; never the token."))
    contract_id = models.CharField(max_length=80)
    dimension = models.PositiveIntegerField()
    # Of the GalleryRevision that the numbers below belong to; None: the engine has not got everything yet.
    epoch = models.UUIDField(null=True)
    revision = models.PositiveBigIntegerField(default=0, help_text=_("Everything up to here was sent."))
    # The engine shows what it was sent only some seconds later.
    marked_revision = models.PositiveBigIntegerField(default=0, help_text=_("Was sent when marked_at says."))
    marked_at = models.DateTimeField(null=True)
    settled_revision = models.PositiveBigIntegerField(default=0, help_text=_("Every search of the engine sees it."))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["place", "contract_id"], name="one_copy_per_place_and_contract")]

    def __str__(self) -> str:
        return f"revision {self.revision} at {self.place}"


class PersonPair(models.Model):
    """An operator's note on how two people relate. Each pair has one row: the lower primary key comes first."""

    class Kind(models.TextChoices):
        DIFFERENT = "different", _("Different people who look alike")

    first = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.DIFFERENT)
    comparison_score = models.FloatField(null=True, help_text=_("Cosine that raised the question, -1 to 1."))
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    noted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-noted_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="one_note_per_pair_of_people")]

    def __str__(self) -> str:
        return gettext("pair {number} ({kind})").format(number=self.pk, kind=self.get_kind_display())

    def clean(self) -> None:
        if self.first_id >= self.second_id:
            raise ValidationError("The lower primary key comes first, so that a pair is noted once.")


class HygieneAction(models.Model):
    """What an operator did to keep the gallery clean, with everything that undoing it needs. Ids only, no names."""

    class Kind(models.TextChoices):
        MERGE = "merge", _("Merged")
        SET_ASIDE = "set_aside", _("Set aside")
        TAKE_BACK = "take_back", _("Taken back")
        NOTE_PAIR = "note_pair", _("Noted as different")
        FORGET_PAIR = "forget_pair", _("Note removed")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    # Erasing either person erases the row. After a merge `person` has the samples, and `other` was merged.
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="hygiene_actions")
    other = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="+")
    sample = models.ForeignKey(FaceSample, on_delete=models.SET_NULL, null=True, related_name="+")
    details = models.JSONField(default=dict)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    at = models.DateTimeField(auto_now_add=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("handled duplicate or look-alike")
        verbose_name_plural = _("handled duplicates and look-alikes")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.pk})"


class PackSwitch(models.Model):
    """A switch to a model pack. The newest row says which pack is used; switching back adds one more row."""

    pack = models.CharField(max_length=100)
    contract_id = models.CharField(max_length=80)
    switched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    switched_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("pack switches")

    def __str__(self) -> str:
        return f"{self.pack} from {timezone.localtime(self.switched_at):%Y-%m-%d %H:%M}"


class ConsentText(models.Model):
    """What a person agrees to, in one language. A version is never changed: saving a text adds the next number."""

    language = models.CharField(max_length=10, help_text=_("en, de, fr-ca ..."))
    number = models.PositiveIntegerField(help_text=_("1, 2, 3 ... in each language."))
    body = models.TextField(max_length=20_000, help_text=_("Plain text; an empty line begins a new paragraph."))
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["language", "-number"]
        constraints = [models.UniqueConstraint(fields=["language", "number"], name="one_text_per_language_and_number")]

    def __str__(self) -> str:
        return self.version

    @property
    def version(self) -> str:
        """Language and number: "en-2"."""
        return f"{self.language}-{self.number}"

    @property
    def paragraphs(self) -> list[str]:
        """In order, without empty ones."""
        blocks = self.body.replace("\r\n", "\n").split("\n\n")
        return [block.strip() for block in blocks if block.strip()]


class LegalBasis(models.TextChoices):
    """Why the site may keep somebody's face (GDPR, articles 6 and 9)."""

    CONSENT = "consent", _("Consent")
    CONTRACT = "contract", _("Contract")
    OTHER = "other", _("Another legal basis")


class ConsentRecord(models.Model):
    """How somebody agreed, or why nobody was asked. The newest row of a person counts; all go with the person."""

    class How(models.TextChoices):
        TICKED = "ticked", _("Ticked here")
        PAPER = "paper", _("On paper")
        NOT_ASKED = "not_asked", _("Not asked")
        IMPORTED_WITHOUT = "imported_without", _("Imported without")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="consents")
    text = models.ForeignKey(ConsentText, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    how = models.CharField(max_length=20, choices=How.choices)
    legal_basis = models.CharField(
        max_length=10, choices=LegalBasis.choices, blank=True, help_text=_("Empty: none known.")
    )
    note = models.CharField(max_length=300, blank=True)
    given_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: nobody has agreed to anything."))
    given_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    valid_until = models.DateField(null=True, blank=True, help_text=_("The last day; empty: until it is withdrawn."))
    recorded_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    expired_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it was noticed that the last day is over.")
    )
    erase_on = models.DateField(null=True, blank=True, help_text=_("The person is erased on this day."))
    was_active = models.BooleanField(
        default=True, help_text=_("Whether the person was searched when the consent ended.")
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["valid_until"], name="consent_valid_until"),
            models.Index(fields=["erase_on"], name="consent_erase_on"),
        ]

    def __str__(self) -> str:
        return f"consent {self.pk}"

    @property
    def ended(self) -> bool:
        """Withdrawn or expired: the person is not searched, and is erased on `erase_on`."""
        return self.withdrawn_at is not None or self.expired_at is not None

    @property
    def is_recorded(self) -> bool:
        """False: nobody wrote down why the site may keep this person's face."""
        return bool(self.legal_basis)


class ConsentPolicy(models.Model):
    """What the site asks for at enrolment, and what follows an end. Every save is a new row; the newest one counts."""

    bases = models.JSONField(default=default_bases, help_text=_("Which legal bases may be recorded."))
    tick_required = models.BooleanField(default=True, help_text=_("Nobody is enrolled on a page without the tick."))
    unticked_basis = models.CharField(max_length=10, choices=LegalBasis.choices, blank=True)
    unticked_note = models.CharField(max_length=300, blank=True)
    months = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    grace_days = models.PositiveSmallIntegerField(default=14, validators=[MaxValueValidator(90)])
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("consent policies")

    def __str__(self) -> str:
        said = ngettext("erased {count} day after the end", "erased {count} days after the end", self.grace_days)
        return said.format(count=self.grace_days)

    @property
    def bases_said(self) -> list[str]:
        """The legal bases in words, in the order of LegalBasis."""
        return [str(label) for value, label in LegalBasis.choices if value in self.bases]


class PrivacyNotice(models.Model):
    """What the public page says in the site's own words. The newest row counts."""

    purpose = models.TextField(max_length=5_000, blank=True)
    contact = models.TextField(max_length=2_000, blank=True)
    more = models.TextField(max_length=10_000, blank=True)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"notice of {timezone.localtime(self.saved_at):%Y-%m-%d}"


class ErasureReceipt(models.Model):
    """That somebody was erased: when, by whom, how much, and the site's signature. No name: receipts.py says why."""

    person_uuid = models.UUIDField(db_index=True)
    erased_at = models.DateTimeField()
    statement = models.JSONField(help_text=_("What is signed: ids, counts, and a salted hash of the name."))
    signature = models.CharField(max_length=100, help_text=_("Ed25519, base64."))

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"receipt {self.pk}"


class ImportRun(models.Model):
    """One import of a ZIP or a list by a page, and how it ended. Only the newest is kept, and for some days only."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    words = models.CharField(max_length=300, blank=True, help_text="Why it ended early.")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    cancel_asked = models.BooleanField(default=False)
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    begun_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"import of {timezone.localtime(self.begun_at):%Y-%m-%d}"


class ImportLine(models.Model):
    """What became of one person, one file or one row of an import. It goes with the person whom it is about."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="lines")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="+")
    other = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, related_name="+", help_text="Who looks like this person."
    )
    comparison_score = models.FloatField(null=True)
    place = models.CharField(max_length=255, help_text="The folder, the file or the row.")
    outcome = models.CharField(max_length=10)
    code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=300, blank=True)
    is_problem = models.BooleanField(default=False, help_text="Somebody should look at it.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.outcome} {self.code}".strip()
