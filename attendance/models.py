"""The punches that people make in front of a camera or that staff enter by hand, their policy, and devices at doors.

punches/ writes the first two; a correction never changes a punch: it voids it, and another one is entered.
kiosks/services.py writes devices. Schedules and days off say who is expected when; schedules/services.py writes them.
"""

from __future__ import annotations

import itertools
import uuid
from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from attendance.rules import rule_in_words
from enrollment.models import Person, PersonGroup
from security.rights import Right
from verification.models import VerificationAttempt

MOST_COOLDOWN_MINUTES = 240
MOST_GRACE_MINUTES = 240
WEEKDAYS = {
    "1": _("Monday"),
    "2": _("Tuesday"),
    "3": _("Wednesday"),
    "4": _("Thursday"),
    "5": _("Friday"),
    "6": _("Saturday"),
    "7": _("Sunday"),
}
"""Days of the week as schedules keep them: ISO 8601's numbers."""


class AttendancePolicy(models.Model):
    """Whose matches check people in and out beside kiosks. Every save is a new row; the newest one counts."""

    class Cameras(models.TextChoices):
        NONE = "none", _("None")
        DOORS = "doors", _("Those of accounts with the role Kiosk")
        ALL = "all", _("All")

    class Closing(models.TextChoices):
        OPEN = "open", _("Leave the day open until somebody enters it")
        SCHEDULE = "schedule", _("Close it at the end of the person's schedule")
        TIME = "time", _("Close it at a time of day")

    cameras = models.CharField(
        _("live pages that check people in and out"),
        max_length=5,
        choices=Cameras.choices,
        default=Cameras.NONE,
        help_text=_("Kiosks follow their own setting: under Site, Kiosks."),
    )
    cooldown_minutes = models.PositiveSmallIntegerField(
        _("minutes before a second look counts"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_COOLDOWN_MINUTES)],
        help_text=_("Somebody who is seen again within this time neither checks in nor out."),
    )
    closing = models.CharField(
        _("when somebody forgot to check out"),
        max_length=8,
        choices=Closing.choices,
        default=Closing.OPEN,
        help_text=_("Once the day is over, and for open days of the last month too. Each can be taken back."),
    )
    closing_time = models.TimeField(_("time of day at which it is closed"), null=True, blank=True)
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("attendance policies")

    def __str__(self) -> str:
        return self.get_cameras_display()

    def clean(self) -> None:
        if self.closing == self.Closing.TIME and self.closing_time is None:
            raise ValidationError({"closing_time": gettext("Say at which time of day.")})


LONGEST: Final = timedelta(hours=24)
"""A check-out later than this after the check-in ends another stay: somebody forgot two punches."""


class Punch(models.Model):
    """One check-in or check-out."""

    class Direction(models.TextChoices):
        IN = "in", _("Check-in")
        OUT = "out", _("Check-out")

    class Way(models.TextChoices):
        FACE = "face", _("Camera")
        BADGE = "badge", _("PIN or badge number")
        MANUAL = "manual", _("By hand")
        RULE = "rule", _("By rule")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="punches")
    direction = models.CharField(max_length=3, choices=Direction.choices)
    way = models.CharField(max_length=6, choices=Way.choices)
    at = models.DateTimeField()
    attempt = models.OneToOneField(
        VerificationAttempt,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="punch",
        help_text=_("The evidence: one decision is one punch, however often it is told."),
    )
    key = models.UUIDField(
        null=True,
        unique=True,
        editable=False,
        help_text=_("Of a number typed on a kiosk: sent twice, it is one punch. Empty: a camera's, or by hand."),
    )
    reason = models.CharField(max_length=200, blank=True, help_text=_("Why it was entered by hand or by rule."))
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    policy = models.ForeignKey(
        AttendancePolicy,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text=_("The rule that closed the day, and so who made it."),
    )
    paired = models.BooleanField(default=False, editable=False)
    """Whether the other end of the stay is there: so whoever forgot one is found among a million punches."""
    created_at = models.DateTimeField(default=timezone.now)
    voided_at = models.DateTimeField(null=True, editable=False)
    voided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    void_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = _("punches")
        indexes = [
            models.Index(fields=["person", "at"], name="punches_of_person"),
            # Has what the newest are found and put in order by, and whose they are: with less, MariaDB would sort them
            # all, and SQLite look for them in who_came_when, where a whole day lies.
            models.Index(fields=["paired", "voided_at", "at", "id", "direction", "person"], name="punches_alone"),
            models.Index(fields=["at"], name="punches_by_time"),
            # Also holds whose they are, so that no row is looked up.
            models.Index(fields=["direction", "voided_at", "at", "person"], name="who_came_when"),
        ]

    def __str__(self) -> str:
        return gettext("{what} at {time}").format(
            what=self.get_direction_display(), time=f"{timezone.localtime(self.at):%Y-%m-%d %H:%M}"
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        self.pair_again()

    def ends_stay_of(self, came: Punch) -> bool:
        """Whether this check-out ends the stay that `came`, the person's punch before it, began."""
        directions = came.direction, self.direction
        return directions == (self.Direction.IN, self.Direction.OUT) and self.at - came.at <= LONGEST

    def pair_again(self) -> None:
        """Say of this punch and of those beside it whether each is an end of a stay, as reports/stays.py has it.

        Call it in the transaction that wrote it, or took it back, with the person locked.
        """
        own = Punch.objects.filter(person=self.person_id, voided_at=None)
        before = own.filter(Q(at__lt=self.at) | Q(at=self.at, pk__lt=self.pk)).order_by("-at", "-pk").first()
        after = own.filter(Q(at__gt=self.at) | Q(at=self.at, pk__gt=self.pk)).order_by("at", "pk").first()
        line = [punch for punch in (before, None if self.voided_at else self, after) if punch]
        ends = {end for came, left in itertools.pairwise(line) if left.ends_stay_of(came) for end in (came, left)}
        for punch in line:
            faces_the_others = punch.direction == (self.Direction.IN if punch is before else self.Direction.OUT)
            if punch is self or faces_the_others:  # else its other end is further away, and nothing has changed for it
                punch._note_paired(punch in ends)

    def _note_paired(self, paired: bool) -> None:
        if self.paired != paired:
            self.paired = paired
            Punch.objects.filter(pk=self.pk).update(paired=paired)

    @property
    def reason_in_words(self) -> str:
        """Why it was entered, as a page says it: what people wrote as they wrote it."""
        return rule_in_words(self.reason) if self.way == self.Way.RULE else self.reason


class Kiosk(models.Model):
    """A device at a door: what it is called, what it does, and how it proves that it is itself."""

    class Mode(models.TextChoices):
        GREET = "greet", _("Greet people, and nothing else")
        CHECK = "check", _("Check people in and out")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=40, help_text=_("As history, attendance and MQTT name it."))
    place = models.CharField(max_length=80, blank=True, help_text=_("Where it stands; the screen shows it."))
    mode = models.CharField(max_length=5, choices=Mode.choices, default=Mode.CHECK)
    sound = models.BooleanField(default=True)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="kiosk",
        help_text=_(
            "Stands for the kiosk wherever a row says which operator did something. Nobody can sign in with it."
        ),
    )
    token_digest = models.CharField(  # unique where there is one
        max_length=64, unique=True, null=True, blank=True, help_text=_("SHA-256 of the device's token.")
    )
    paired_at = models.DateTimeField(null=True, blank=True)
    code_digest = models.CharField(  # unique where there is one
        max_length=64, unique=True, null=True, blank=True, help_text=_("HMAC of the pairing code.")
    )
    code_expires_at = models.DateTimeField(null=True, blank=True)
    camera_digest = models.CharField(max_length=64, blank=True, help_text=_("Of the camera that it is pinned to."))
    camera_label = models.CharField(max_length=100, blank=True)
    new_camera_digest = models.CharField(max_length=64, blank=True, help_text=_("Of another camera that it came with."))
    new_camera_label = models.CharField(max_length=100, blank=True)
    camera_changed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Not empty: it decides nothing until staff agree.")
    )
    last_seen_at = models.DateTimeField(null=True, blank=True, help_text=_("Written at most once a minute."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class KioskActor(User):
    """A kiosk at work, as the services take it: an operator who may be a kiosk and nothing else."""

    kiosk_id: int

    class Meta:
        proxy = True
        default_permissions = ()

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Nothing of what Django's groups say counts here."""
        return perm == Right.USE_KIOSK


def check_weekdays(value: str) -> None:
    """Raises ValidationError."""
    if not value or set(value) - WEEKDAYS.keys() or sorted(set(value)) != list(value):
        raise ValidationError(gettext("Choose at least one day of the week."))


class Schedule(models.Model):
    """When people are expected on some days of the week. schedules/plans.py says which one counts for whom."""

    name = models.CharField(max_length=100)
    weekdays = models.CharField(max_length=7, validators=[check_weekdays], help_text=_("1 is Monday, 7 Sunday."))
    starts_at = models.TimeField(_("from"))
    ends_at = models.TimeField(_("to"), help_text=_("An end before the start is on the next day."))
    grace_minutes = models.PositiveSmallIntegerField(
        _("minutes of grace"),
        default=5,
        validators=[MaxValueValidator(MOST_GRACE_MINUTES)],
        help_text=_("Somebody who comes later than this after the start is late."),
    )
    valid_from = models.DateField(_("first day"), default=timezone.localdate)
    valid_until = models.DateField(_("last day"), null=True, blank=True, help_text=_("Empty: until it is changed."))
    for_everybody = models.BooleanField(
        default=True, help_text="No: for its groups only, and for nobody once these are gone."
    )
    groups = models.ManyToManyField(PersonGroup, related_name="schedules", blank=True)

    class Meta:
        ordering = ["-valid_from", "-id"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.valid_until and self.valid_from and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": gettext("This day is before the first one.")})
        if self.starts_at is not None and self.starts_at == self.ends_at:
            raise ValidationError({"ends_at": gettext("The end is the same as the start.")})

    @property
    def weekday_names(self) -> list[str]:
        """Short ones, as a table has room for."""
        return [str(WEEKDAYS_ABBR[int(number) - 1]) for number in self.weekdays]

    @property
    def ends_next_day(self) -> bool:
        return self.ends_at < self.starts_at

    def is_in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class DayOff(models.Model):
    """A day on which nobody is expected, such as a public holiday."""

    day = models.DateField(unique=True, error_messages={"unique": _("This day is off already.")})
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["day"]
        verbose_name_plural = _("days off")

    def __str__(self) -> str:
        return self.name
