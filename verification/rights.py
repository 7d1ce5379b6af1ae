"""What the history, wrong matches and the inbox hold about a person, for the copy that they may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from enrollment.hooks import Held
from enrollment.models import Person
from security.days import moment
from verification.models import ConfusedFace, FalseMatch, UnknownFace, VerificationAttempt
from verification.review.unknowns import current_unknown_policy
from verification.sealed import read_confused, read_picture, read_unknown_crops, read_unknown_vectors


def held_about(person: Person) -> Iterator[Held]:
    """Attempts that matched, claimed or probably showed the person; wrong matches; faces found to be theirs.

    Pictures: only those of attempts that named the person and were not recorded as wrong, and those that an operator
    said are theirs. Any other may show somebody else.
    """
    yield Held(
        "attempts",
        (_attempt(attempt, person) for attempt in attempts_of(person).defer("thumbnail").iterator(chunk_size=500)),
        _pictures(shown_to(person)),
    )
    yield Held("false_matches", _false_matches(person))
    faces = UnknownFace.objects.filter(handled_by__person=person).order_by("pk")
    yield Held(
        "unknown_faces",
        (_unknown(face) for face in faces.defer("crop").iterator(chunk_size=200)),
        _crops(faces),
    )


def _pictures(attempts: QuerySet[VerificationAttempt]) -> Iterator[tuple[str, bytes]]:
    for attempt in attempts.iterator(chunk_size=100):
        if jpeg := read_picture(attempt):
            yield f"history/{attempt.uuid}.jpg", jpeg


def _crops(faces: QuerySet[UnknownFace]) -> Iterator[tuple[str, bytes]]:
    for face in faces.iterator(chunk_size=50):
        for png in read_unknown_crops([face]).values():
            yield f"unknown/{face.uuid}.png", png


def attempts_of(person: Person) -> QuerySet[VerificationAttempt]:
    """Oldest first: all in which the person was matched or claimed, or which are erased with them."""
    involved = Q(matched_person=person) | Q(claimed_person=person) | Q(nearest_person=person)
    told = FalseMatch.objects.filter(other_person=person, undone_at=None).values("attempt")
    return VerificationAttempt.objects.filter(involved | Q(pk__in=told)).order_by("pk")


def shown_to(person: Person) -> QuerySet[VerificationAttempt]:
    """The attempts whose picture shows the person, as far as anybody knows."""
    wrong = FalseMatch.objects.filter(person=person, undone_at=None).values("attempt")
    told = FalseMatch.objects.filter(other_person=person, undone_at=None).values("attempt")
    named = Q(matched_person=person) & ~Q(pk__in=wrong)
    return VerificationAttempt.objects.filter(named | Q(pk__in=told)).exclude(thumbnail=b"").order_by("pk")


def periods() -> Iterator[str]:
    """How long the inbox of unknown faces keeps what it keeps."""
    policy = current_unknown_policy()
    if policy.keep:
        yield ngettext(
            "Faces that match nobody who is enrolled: {count} day, unless they are found to be somebody who is.",
            "Faces that match nobody who is enrolled: {count} days, unless they are found to be somebody who is.",
            policy.days,
        ).format(count=policy.days)
    else:
        yield _("Faces that match nobody who is enrolled: not kept for recognition.")


def _attempt(attempt: VerificationAttempt, person: Person) -> dict[str, Any]:
    return {
        "attempt": str(attempt.uuid),
        "at": moment(attempt.created_at),
        "mode": attempt.mode,
        "source": attempt.source,
        "verdict": attempt.verdict,
        "named_you": attempt.matched_person_id == person.pk,
        "you_were_claimed": attempt.claimed_person_id == person.pk,
        "comparison_score": attempt.comparison_score,
        "runner_up": attempt.runner_up,
        "match_threshold": attempt.match_threshold,
        "fmr": attempt.fmr,
        "liveness_verdict": attempt.liveness_verdict,
        "liveness_score": attempt.liveness_score,
        "quality_score": attempt.quality_score,
        "frames_agreed": attempt.frames_agreed,
        "frames_seen": attempt.frames_seen,
        "reasons": attempt.reasons,
        "operator": f"operator:{attempt.operator_id}" if attempt.operator_id else None,
        "contract_id": attempt.contract_id,
    }


def _false_matches(person: Person) -> Iterator[dict[str, Any]]:
    """The vector belongs to whose face it was: it is given to `other_person` alone."""
    about = FalseMatch.objects.filter(Q(person=person) | Q(other_person=person)).select_related("attempt")
    for one in about.defer("attempt__thumbnail").order_by("pk"):
        yours = one.other_person_id == person.pk
        yield {
            "attempt": str(one.attempt.uuid),
            "recorded_at": moment(one.created_at),
            "undone_at": moment(one.undone_at),
            "named_you": one.person_id == person.pk,
            "was_your_face": yours,
            "faces": [_confused(face, one) for face in one.faces.order_by("pk")] if yours else [],
        }


def _confused(face: ConfusedFace, false_match: FalseMatch) -> dict[str, Any]:
    (vector,) = read_confused([(face.embedding, false_match.uuid)], face.contract_id)
    return {
        "contract_id": face.contract_id,
        "comparison_score": face.comparison_score,
        "embedding": [] if vector is None else [float(value) for value in vector],
    }


def _unknown(face: UnknownFace) -> dict[str, Any]:
    return {
        "face": str(face.uuid),
        "picture": f"unknown/{face.uuid}.png",
        "kept_at": moment(face.kept_at),
        "quality_score": face.quality_score,
        "quality": face.quality,
        "contract_id": face.contract_id,
        "embedding": [float(value) for value in read_unknown_vectors([face]).get(face.pk, ())],
    }
