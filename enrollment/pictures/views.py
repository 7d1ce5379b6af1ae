"""Pages that enrol from pictures instead of a camera. Until they are saved, crops are held in a signed form field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from enrollment import selectors, services
from enrollment.errors import DuplicateCandidate, EnrollmentError, PossibleDuplicate
from enrollment.models import Person
from enrollment.pictures.forms import NewPersonPhotosForm, PhotosForm
from enrollment.pictures.photos import (
    MAX_FILES,
    MAX_GROUPS,
    GroupPicture,
    PhotoOutcome,
    check_photos,
    choose_faces,
    draft_thumbnail,
    hold_drafts,
    hold_groups,
    release_drafts,
    release_groups,
)
from enrollment.reasons import EnrollmentReason, sentence_of
from enrollment.samples.drafts import SampleDraft
from enrollment.services import NewPerson
from enrollment.web import person_or_404
from recognizer.errors import RecognizerError
from security.rights import Right
from security.web import actor_of, lead_to, read_or_post, requires


@requires(Right.ENROL)
@read_or_post
def upload(request: HttpRequest) -> HttpResponse:
    """Enrol a new person from pictures."""
    return _upload(request, None)


@requires(Right.ENROL)
@read_or_post
def upload_to_person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Add pictures to a person who is enrolled already."""
    return _upload(request, person_or_404(uuid))


def _upload(request: HttpRequest, person: Person | None) -> HttpResponse:
    """Save at once when no question is open. Else show the questions and the pictures that can be used."""
    if request.method != "POST":
        return _upload_page(request, person, _form_for(request, person))
    form = _form_for(request, person, request.POST, request.FILES)
    form.is_valid()
    drafts: list[SampleDraft] = []
    groups: list[GroupPicture] = []
    outcomes: list[PhotoOutcome] = []
    candidates: Sequence[DuplicateCandidate] = ()
    try:
        drafts = release_drafts(request.POST.get("held", ""), actor_of(request))
        held_groups = release_groups(request.POST.get("held_groups", ""), actor_of(request))
        chosen, groups = choose_faces(held_groups, request.POST.dict())
        drafts += chosen
        outcomes = _check_new_photos(form, len(drafts), len(groups))
        drafts += [outcome.draft for outcome in outcomes if outcome.draft]
        groups += [outcome.group for outcome in outcomes if outcome.group]
        target = selectors.person_by_uuid(request.POST["add_to"]) if request.POST.get("add_to") else None
        if drafts and not groups and (target or not form.errors):
            saved = _save_photos(request, form, drafts, target or person, sure=target is not None)
            _tell_refused(request, outcomes)
            return lead_to(request, saved)
    except PossibleDuplicate as error:
        candidates = error.candidates
    except EnrollmentError as error:
        form.add_service_error(error)
    except RecognizerError as error:
        form.add_error(None, sentence_of(error))
    if not drafts and not groups and not form.errors.keys() & {"photos", NON_FIELD_ERRORS}:
        form.add_error(
            "photos", _("None of these pictures can be used.") if outcomes else _("Choose at least one picture.")
        )
    return _upload_page(request, person, form, drafts, groups, outcomes, candidates)


def _form_for(request: HttpRequest, person: Person | None, *sent: Any) -> PhotosForm:
    return PhotosForm(*sent) if person else NewPersonPhotosForm(*sent, actor=actor_of(request))


def _check_new_photos(form: PhotosForm, held: int, groups: int) -> list[PhotoOutcome]:
    files = form.cleaned_data.get("photos") or []
    if held + groups + len(files) > MAX_FILES:
        form.add_error(
            "photos",
            _("With those chosen before, these are more than {limit} pictures. Choose fewer.").format(limit=MAX_FILES),
        )
        return []
    outcomes = []
    for outcome in check_photos(files):
        groups += outcome.group is not None
        outcomes.append(outcome if outcome.group is None or groups <= MAX_GROUPS else _one_group_too_many(outcome))
    return outcomes


def _one_group_too_many(outcome: PhotoOutcome) -> PhotoOutcome:
    message = _("Faces can be chosen in {limit} group pictures at a time. Add this one again afterwards.").format(
        limit=MAX_GROUPS
    )
    return PhotoOutcome(outcome.file_name, code=EnrollmentReason.SEVERAL_FACES, message=message)


def _save_photos(
    request: HttpRequest, form: PhotosForm, drafts: Sequence[SampleDraft], person: Person | None, *, sure: bool
) -> Person:
    saved = services.save_samples(
        actor=actor_of(request),
        subject=person or _new_person(form),
        samples=drafts,
        sure=sure,
        different=not sure and "despite_duplicate" in request.POST,
    )
    if saved.fit.sentence:
        messages.warning(request, saved.fit.sentence)
    name, number = saved.person.name, len(saved.samples)
    if person:
        done = ngettext("{count} new sample of {name} saved.", "{count} new samples of {name} saved.", number)
    else:
        done = ngettext(
            "{name} was enrolled from {count} picture.", "{name} was enrolled from {count} pictures.", number
        )
    messages.success(request, done.format(count=number, name=name))
    return saved.person


def _new_person(form: PhotosForm) -> NewPerson:
    assert isinstance(form, NewPersonPhotosForm)  # noqa: S101 - only that form has no person yet
    return form.new_person()


def _tell_refused(request: HttpRequest, outcomes: Sequence[PhotoOutcome]) -> None:
    for outcome in outcomes:
        if outcome.message:
            refused = _("{file} was not used. {why}").format(file=outcome.file_name, why=outcome.message)
            messages.warning(request, refused)


def _upload_page(
    request: HttpRequest,
    person: Person | None,
    form: PhotosForm,
    drafts: Sequence[SampleDraft] = (),
    groups: Sequence[GroupPicture] = (),
    outcomes: Sequence[PhotoOutcome] = (),
    candidates: Sequence[DuplicateCandidate] = (),
) -> HttpResponse:
    thumbnails = {draft.digest: draft_thumbnail(draft) for draft in drafts}
    theirs = selectors.template_thumbnails(candidate.template_id for candidate in candidates)
    context: dict[str, Any] = {
        "person": person,
        "form": form,
        "held": hold_drafts(drafts, actor_of(request)) if drafts else "",
        "groups": groups,
        "held_groups": hold_groups(groups, actor_of(request)) if groups else "",
        "thumbnails": thumbnails.values(),
        "refused": [outcome for outcome in outcomes if outcome.message],
        "candidates": [
            (candidate, thumbnails.get(candidate.digest, ""), theirs.get(candidate.template_id, ""))
            for candidate in candidates
        ],
    }
    asks = candidates or groups
    return render(request, "enrollment/upload.html", context, status=200 if not form.is_bound else 409 if asks else 400)
