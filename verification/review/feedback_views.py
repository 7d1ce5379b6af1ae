"""Pages to say "not this person" about a match, and to take it back. Parse, authorise, call one service, render."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from enrollment.models import Person
from enrollment.reasons import sentence_of
from enrollment.runtime.engine import get_engine
from enrollment.selectors import cover_thumbnails, search_people
from recognizer.errors import RecognizerError
from security.rights import Right
from security.web import actor_of, read_or_post, requires
from verification import selectors
from verification.forms import PersonChoiceForm
from verification.models import FalseMatch, VerificationAttempt
from verification.review import feedback
from verification.review.wording import choices_of, effect_sentences


@requires(Right.CORRECT)
@read_or_post
def false_match(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Shows what recording the wrong match would change, as measured; a POST records it."""
    attempt = _attempt_or_404(uuid)
    form = PersonChoiceForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {}
    try:
        engine = get_engine()
        if form.is_valid():
            face = feedback.examine(attempt, engine, form.chosen)
            actor = actor_of(request)
            feedback.record_false_match(actor=actor, attempt=attempt, face=face, other=form.chosen)
            messages.success(request, _("Recorded. From now on a face like this must do better to be given that name."))
            return redirect("verification:attempt", attempt.uuid)
        face = feedback.examine(attempt, engine)
        context = {"face": face, "effect": effect_sentences(asdict(face.effect), attempt.matched_person)}
        context["choices"] = choices_of(form, feedback.lookalikes_of(attempt, engine))
    except (feedback.FeedbackRefused, RecognizerError) as error:
        context["problem"] = sentence_of(error) if isinstance(error, RecognizerError) else str(error)
    context |= {"attempt": attempt, "form": form, "thumbnail": selectors.thumbnail_url(attempt)}
    context["cover"] = _cover_of(attempt.matched_person)
    status = 400 if form.errors or (form.is_bound and "problem" in context) else 200
    return render(request, "verification/false_match.html", context, status=status)


@requires(Right.CORRECT)
@require_POST
def undo_false_match(request: HttpRequest, uuid: UUID) -> HttpResponse:
    recorded = FalseMatch.objects.select_related("attempt", "person").filter(uuid=uuid).first()
    if recorded is None:
        raise Http404(_("There is no such record."))
    try:
        feedback.undo_false_match(actor=actor_of(request), recorded=recorded)
        messages.success(request, _("Taken back. Decisions are as they were before."))
    except feedback.FeedbackRefused as error:
        messages.error(request, str(error))
    return redirect("verification:attempt", recorded.attempt.uuid)


def _cover_of(person: Person | None) -> str:
    found = search_people().filter(pk=person.pk) if person else search_people().none()
    return next(iter(cover_thumbnails(found).values()), "")


def _attempt_or_404(uuid: UUID) -> VerificationAttempt:
    try:
        return selectors.attempt_by_uuid(uuid)
    except VerificationAttempt.DoesNotExist:
        raise Http404(_("There is no such attempt.")) from None
