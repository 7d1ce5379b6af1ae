"""Pages to say "not this person" about a match, and to take it back. Parse, authorise, call one service, render."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from enrollment.models import Person
from enrollment.runtime.engine import get_engine
from enrollment.selectors import cover_thumbnails, search_people
from enrollment.web import actor_of, count_of
from recognizer.errors import RecognizerError
from verification import selectors
from verification.forms import PersonChoiceForm
from verification.models import FalseMatch, VerificationAttempt
from verification.review import feedback


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
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
            messages.success(request, "Recorded. From now on a face like this must do better to be given that name.")
            return redirect("verification:attempt", attempt.uuid)
        face = feedback.examine(attempt, engine)
        context = {"face": face, "effect": effect_sentences(asdict(face.effect), attempt.matched_person)}
        context["choices"] = choices_of(form, feedback.lookalikes_of(attempt, engine))
    except (feedback.FeedbackRefused, RecognizerError) as error:
        context["problem"] = str(error)
    context |= {"attempt": attempt, "form": form, "thumbnail": selectors.thumbnail_url(attempt)}
    context["cover"] = _cover_of(attempt.matched_person)
    status = 400 if form.errors or (form.is_bound and "problem" in context) else 200
    return render(request, "verification/false_match.html", context, status=status)


@login_required
@require_POST
def undo_false_match(request: HttpRequest, uuid: UUID) -> HttpResponse:
    recorded = FalseMatch.objects.select_related("attempt", "person").filter(uuid=uuid).first()
    if recorded is None:
        raise Http404("There is no such record.")
    try:
        feedback.undo_false_match(actor=actor_of(request), recorded=recorded)
        messages.success(request, "Taken back. Decisions are as they were before.")
    except feedback.FeedbackRefused as error:
        messages.error(request, str(error))
    return redirect("verification:attempt", recorded.attempt.uuid)


def feedback_context(attempt: VerificationAttempt) -> dict[str, Any]:
    """For the page of an attempt: what is recorded about it, or whether the operator may say that it is wrong."""
    recorded = feedback.active_false_match(attempt)
    if recorded is None:
        is_match = attempt.verdict == VerificationAttempt.Verdict.MATCH and attempt.matched_person
        return {"may_be_wrong": bool(is_match and attempt.thumbnail)}
    return {
        "false_match": recorded,
        "raised_threshold": feedback.raised_threshold_of(recorded),
        "effect": effect_sentences(recorded.effect, recorded.person),
    }


def effect_sentences(effect: dict[str, int], person: Person | None) -> list[str]:
    """What a record would change, or changed when it was made. effect: the fields of feedback.Effect."""
    name = person or "an erased person"
    samples, attempts = effect.get("samples", 0), effect.get("attempts", 0)
    if samples:
        kept = (
            f"Of {count_of(samples, 'sample')} of {name} that the others recognise, {effect['samples_refused']} would"
        )
        own = f"{kept} not be recognised any more."
    else:
        own = f"{name} has no second sample to try it on."
    if attempts:
        history = (
            f"Of {count_of(attempts, 'attempt')} in the history matched to {name}, {effect['attempts_changed']} would"
        )
        return [own, f"{history} no longer be a match."]
    return [own, f"No attempt in the history matched to {name} can be tried: no picture was kept, or none matches now."]


def choices_of(form: PersonChoiceForm, nearest: list[tuple[Person, float]]) -> list[tuple[Person, float | None]]:
    """The people to choose from: those whom the typed words fit, then the nearest in the gallery with their scores."""
    scores = {person.pk: score for person, score in nearest}
    people = {person.pk: person for person in (*form.found, *(person for person, _ in nearest))}
    return [(person, scores.get(pk)) for pk, person in people.items()]


def _cover_of(person: Person | None) -> str:
    found = search_people().filter(pk=person.pk) if person else search_people().none()
    return next(iter(cover_thumbnails(found).values()), "")


def _attempt_or_404(uuid: UUID) -> VerificationAttempt:
    try:
        return selectors.attempt_by_uuid(uuid)
    except VerificationAttempt.DoesNotExist:
        raise Http404("There is no such attempt.") from None
