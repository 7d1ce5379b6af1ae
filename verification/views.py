"""Pages of decisions: the live page, the photo check and the history. Parse, authorise, call one service, render."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe

from enrollment.errors import PersonUnknown
from enrollment.models import Person
from enrollment.reasons import sentence_of
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import current_gallery
from enrollment.selectors import people_by_uuid, person_by_uuid
from enrollment.thumbnails import jpeg_data_url
from recognizer.errors import RecognizerError
from recognizer.images import encode_thumbnail
from security.keyset import newest_first
from security.rights import Right
from security.web import actor_of, download, read_or_post, requires
from verification import selectors, services
from verification.cards import DecisionCard, card_of
from verification.exports import stream_attempts
from verification.forms import AttemptFilterForm, PhotoForm
from verification.models import VerificationAttempt
from verification.photos import IdentifiedFace, identify_image
from verification.policy import Grounds, policy_in_force
from verification.reasons import SENTENCES
from verification.review.wording import feedback_context

ATTEMPTS_PER_PAGE = 25
PREVIEW_SIDE = 1024
"""Pixels: the longer side of the picture as the photo check shows it."""


@requires(Right.VERIFY, Right.USE_KIOSK)
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The live page; `?person=UUID` asks at once whether it is that person."""
    sentences = {code: str(sentence) for code, sentence in SENTENCES.items()}
    context = {"reason_sentences": sentences, "claimed": _claimed_person(request.GET.get("person", ""))}
    return render(request, "verification/live.html", context)


def _claimed_person(uuid: str) -> Person | None:
    try:
        person = person_by_uuid(uuid)
    except PersonUnknown:
        return None
    return person if person.is_searched else None


@dataclass(frozen=True, slots=True)
class CheckedFace:
    """One face of the photo check; its box in pixels of the picture."""

    left: float
    top: float
    width: float
    height: float
    card: DecisionCard
    thumbnail: str
    attempt: VerificationAttempt | None
    """None: the decision was not kept."""


@requires(Right.VERIFY)
@read_or_post
def photo(request: HttpRequest) -> HttpResponse:
    """Says who is on a picture, and why. The decisions are kept in the history if the box for it is ticked."""
    if request.method != "POST":
        return render(request, "verification/photo.html", {"form": PhotoForm()})
    form = PhotoForm(request.POST, request.FILES)
    result: dict[str, Any] = {}
    if form.is_valid():
        try:
            result = _check_photo(request, form.cleaned_data["photo"].read(), keep=form.cleaned_data["keep"])
        except RecognizerError as error:
            form.add_error("photo", sentence_of(error))
    return render(request, "verification/photo.html", {"form": form} | result, status=200 if result else 400)


def _check_photo(request: HttpRequest, data: bytes, *, keep: bool) -> dict[str, Any]:
    """The faces and what the page shows of them. Raises ImageError, PackError."""
    engine = get_engine()
    gallery, in_force = current_gallery(engine), policy_in_force(engine)
    found = engine.submit(identify_image, data, engine=engine, gallery=gallery, policy=in_force.policy).result()
    preview = engine.submit(encode_thumbnail, found.image, PREVIEW_SIDE).result()
    people = people_by_uuid(face.decision.person_id for face in found.faces if face.decision.person_id)
    faces = []
    for face in found.faces:
        about: dict[str, Any] = {
            "operator": request.user,
            "mode": VerificationAttempt.Mode.IDENTIFY,
            "source": VerificationAttempt.Source.PHOTO,
            "claimed": None,
            "grounds": Grounds(engine.contract_id, gallery.revision, in_force.saved_id),
        }
        if keep:
            attempt = services.record_attempt(decision=face.decision, **about)
        else:
            attempt = services.attempt_from(face.decision, people=people, **about)
        faces.append(_checked_face(face, attempt, kept=keep))
    width, height = found.image_size
    return {"faces": faces, "width": width, "height": height, "preview": jpeg_data_url(preview), "kept": keep}


def _checked_face(face: IdentifiedFace, attempt: VerificationAttempt, *, kept: bool) -> CheckedFace:
    left, top, right, bottom = (float(value) for value in face.detection.box_xyxy)
    return CheckedFace(
        left=left,
        top=top,
        width=right - left,
        height=bottom - top,
        card=card_of(attempt, population=face.decision.policy.population),
        thumbnail=jpeg_data_url(encode_thumbnail(face.decision.best.aligned)),
        attempt=attempt if kept else None,
    )


@requires(Right.SEE_HISTORY)
@require_safe
def attempts(request: HttpRequest) -> HttpResponse:
    form = AttemptFilterForm(request.GET)
    form.is_valid()  # a filter that is not understood filters nothing, and says so
    filters = form.filters()
    found, place = selectors.find_attempts(filters), request.GET.get("at", "")
    page = newest_first(found, moment="created_at", place=place, size=ATTEMPTS_PER_PAGE)
    thumbnails = selectors.thumbnail_urls(page.object_list)
    try:
        person = person_by_uuid(filters.person) if filters.person else None
    except PersonUnknown:
        person = None
    context = {
        "form": form,
        "page": page,
        "thumbnails": thumbnails,
        "person": person,
        "filtered": filters != selectors.AttemptFilters(),
    }
    return render(request, "verification/attempts.html", context, status=400 if form.errors else 200)


@requires(Right.EXPORT)
@require_GET
def export(request: HttpRequest) -> HttpResponseBase:
    """The filtered history as CSV, sent while it is read."""
    form = AttemptFilterForm(request.GET)
    if not form.is_valid():
        return attempts(request)
    filters = form.filters()
    lines = stream_attempts(selectors.find_attempts(filters), actor=actor_of(request), filters=filters)
    return download(lines, f"attempts-{timezone.localdate():%Y-%m-%d}.csv")


@requires(Right.SEE_HISTORY)
@require_safe
def attempt(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        attempt = selectors.attempt_by_uuid(uuid)
    except VerificationAttempt.DoesNotExist:
        raise Http404(_("There is no such attempt.")) from None
    context: dict[str, Any] = {"attempt": attempt, "card": card_of(attempt)}
    context["thumbnail"] = selectors.thumbnail_url(attempt)
    context |= feedback_context(attempt)
    return render(request, "verification/attempt.html", context)
