"""What the history and the inbox of unknown faces keep, and for how long. security/retention/ runs these rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from enrollment.services import lock_people
from security.retention.rules import OwnDays, RetentionRule, delete_rows, old_rows
from verification.models import ChallengeTry, FalseMatch, UnknownFace, UnknownPolicy, VerificationAttempt
from verification.review import unknowns
from verification.services import erase_old_pictures
from verification.sightings import look_up_again

PICTURE_DAYS = 30
TRY_DAYS = 1


def _pictures(now: datetime, days: int) -> QuerySet[VerificationAttempt]:
    """The inbox shows the attempts' pictures, so they stay as long as their faces wait there."""
    waiting = UnknownFace.objects.filter(attempt=OuterRef("pk"))
    # `in`, for Django writes `= True` without the comparison, and SQLite then passes the index by.
    old = VerificationAttempt.objects.filter(has_picture__in=[True], created_at__lt=now - timedelta(days=days))
    return old.filter(~Exists(waiting)).order_by("created_at")


def count_pictures(now: datetime, days: int) -> int:
    return _pictures(now, days).count()


def erase_pictures(now: datetime, days: int, limit: int) -> int:
    return erase_old_pictures(attempts=list(_pictures(now, days).values_list("pk", flat=True)[:limit]))


def _attempts(now: datetime, days: int) -> QuerySet[VerificationAttempt]:
    """Not those with a wrong match that still counts: what operators taught the site would go with them."""
    taught = FalseMatch.objects.filter(attempt=OuterRef("pk"), undone_at=None)
    old = VerificationAttempt.objects.filter(created_at__lt=now - timedelta(days=days))
    return old.filter(~Exists(taught)).order_by("created_at")


def _tries(now: datetime, days: int) -> QuerySet[ChallengeTry]:
    return ChallengeTry.objects.filter(at__lt=now - timedelta(days=days)).order_by("pk")


def count_attempts(now: datetime, days: int) -> int:
    return _attempts(now, days).count()


def erase_attempts(now: datetime, days: int, limit: int) -> int:
    """Whoever is named in them was then seen last in one that stays, if at all. People first, as in an erasure."""
    named = dict(_attempts(now, days).values_list("pk", "matched_person")[:limit])
    people = {person for person in named.values() if person}
    with transaction.atomic():
        lock_people(people)
        erased = delete_rows(_attempts(now, days).filter(pk__in=named))
        look_up_again(people)
    return erased


count_unknown, erase_unknown = old_rows(unknowns.expired_faces)
count_tries, erase_tries = old_rows(_tries)


def _unknown_days() -> int:
    return unknowns.current_unknown_policy().days


RULES = (
    RetentionRule(
        key="unknown_faces",
        label=_("Unknown faces"),
        explanation=_(
            "Faces that matched nobody, where the site keeps them at all: crop and vector. The page of unknown faces "
            "sets the same number, and turning it off there erases them all."
        ),
        count_due=count_unknown,
        erase_batch=erase_unknown,
        default_days=UnknownPolicy().days,
        most_days=30,
        may_keep=False,
        own_days=OwnDays(_unknown_days, unknowns.save_unknown_days),
    ),
    RetentionRule(
        key="attempt_pictures",
        label=_("Pictures of attempts"),
        explanation=_(
            "The small picture of the face in each attempt of the history, of strangers too. Verdict, scores, time and "
            "names stay. A face in the inbox of unknown faces keeps its picture until it leaves the inbox."
        ),
        count_due=count_pictures,
        erase_batch=erase_pictures,
        default_days=PICTURE_DAYS,
    ),
    RetentionRule(
        key="attempts",
        label=_("Attempts"),
        explanation=_(
            "Whole lines of the history, with verdict, scores, time, person and operator. Kept unless you choose "
            "otherwise, for they explain decisions later and hold no picture once that is erased. An attempt with a "
            "recorded wrong match stays until that is taken back."
        ),
        count_due=count_attempts,
        erase_batch=erase_attempts,
        default_days=None,
        least_days=30,
        floor_reason=_("Unknown faces, which belong to attempts, may be kept for 30 days."),
    ),
    RetentionRule(
        key="challenge_tries",
        housekeeping=True,
        label=_("Tries of head movements"),
        explanation=_("When a challenge was tried and how it ended. After five failures within minutes it must wait."),
        count_due=count_tries,
        erase_batch=erase_tries,
        default_days=TRY_DAYS,
        most_days=30,
        may_keep=False,
    ),
)
