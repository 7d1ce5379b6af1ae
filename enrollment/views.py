"""Pages of people and their samples. Parse, authorise, call one service, render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from enrollment import selectors, services
from enrollment.consent import CONSENT_TEXT, CONSENT_VERSION
from enrollment.drafts import SampleDraft
from enrollment.errors import DuplicateCandidate, EnrollmentError, PersonUnknown, PossibleDuplicate, SampleUnknown
from enrollment.fitting import DraftsFit, judge_drafts
from enrollment.forms import EraseForm, NewPersonPhotosForm, PeopleFilter, PersonFields, PhotosForm
from enrollment.models import Person
from enrollment.photos import (
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
from enrollment.runtime import engine_if_ready
from recognizer.errors import RecognizerError

PEOPLE_PER_PAGE = 25
SEARCH_LIMIT = 20

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@login_required
@require_safe
def enroll(request: HttpRequest) -> HttpResponse:
    """The guided capture of a new person."""
    return _capture_page(request, None)


@login_required
@require_safe
def capture(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The same guided capture, adding samples to somebody already enrolled."""
    return _capture_page(request, person_or_404(uuid))


def _capture_page(request: HttpRequest, person: Person | None) -> HttpResponse:
    context = {"person": person, "consent_text": CONSENT_TEXT, "consent_version": CONSENT_VERSION}
    return render(request, "enrollment/enroll.html", context)


@login_required
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    form = PeopleFilter(request.GET)
    form.is_valid()  # a filter that is not understood filters nothing
    wanted = form.cleaned_data.get("active", "")
    found = selectors.search_people(form.cleaned_data.get("q", ""))
    if wanted:
        found = found.filter(is_active=wanted == "yes")
    page = Paginator(found, PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    covers = selectors.cover_thumbnails(page.object_list)
    context = {
        "form": form,
        "page": page,
        "rows": [(person, covers.get(person.pk)) for person in page.object_list],
        "filtered": bool(form.cleaned_data.get("q") or wanted),
    }
    return render(request, "enrollment/people.html", context)


@login_required
@require_GET
def people_search(request: HttpRequest) -> JsonResponse:
    """For the person picker: active people whose name or external ID contains every word of `q`."""
    found = selectors.search_people(request.GET.get("q", ""), only_active=True)[:SEARCH_LIMIT]
    rows = [{"id": str(person.uuid), "name": person.name, "external_id": person.external_id} for person in found]
    return JsonResponse({"people": rows}, headers={"Cache-Control": "private, no-store"})


@login_required
@read_or_post
def person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One person; a POST changes name and external ID."""
    person = person_or_404(uuid)
    initial = {"name": person.name, "external_id": person.external_id}
    form = PersonFields(request.POST if request.method == "POST" else None, person=person, initial=initial)
    if form.is_valid():
        try:
            services.update_person(actor=actor_of(request), person=person, **form.cleaned_data)
        except EnrollmentError as error:
            form.add_service_error(error)
        else:
            messages.success(request, "The details were saved.")
            return redirect(person)
    context = {"person": person, "form": form, "merged_into": selectors.merged_into(person)}
    context |= _samples_context(person)
    return render(request, "enrollment/person.html", context, status=400 if form.errors else 200)


def _samples_context(person: Person) -> dict[str, Any]:
    """Samples without their crops, and those that the running pack's searches do not know."""
    engine = engine_if_ready()
    samples = list(selectors.samples_of(person, contract_id=engine.contract_id if engine else None).defer("crop"))
    missing = [sample for sample in samples if engine and getattr(sample, "template_id", None) is None]
    return {
        "samples": samples,
        "has_set_aside": any(sample.set_aside for sample in samples),
        "not_searched": [sample for sample in missing if not sample.set_aside],
    }


@login_required
@require_POST
def person_active(request: HttpRequest, uuid: UUID) -> HttpResponse:
    person, active = person_or_404(uuid), request.POST.get("active") == "yes"
    services.set_active(actor=actor_of(request), people=[person], active=active)
    if active:
        messages.success(request, f"{person.name} is active again and will be recognised.")
    else:
        messages.success(request, f"{person.name} was deactivated and will not be recognised any more.")
    return redirect(person)


@login_required
@read_or_post
def erase(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Says exactly what goes; the name must be typed before it does."""
    person = person_or_404(uuid)
    form = EraseForm(request.POST if request.method == "POST" else None, person=person)
    if form.is_valid():
        services.erase_people(actor=actor_of(request), people=[person])
        messages.success(request, "The person and all their face data were erased for good.")
        return redirect("enrollment:people")
    merged = selectors.with_merged([person])[1:]
    samples = selectors.erased_samples([person]).count()
    context = {"person": person, "form": form, "merged": merged, "sample_count": samples}
    return render(request, "enrollment/erase.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def sample_image(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        jpeg = selectors.thumbnail_bytes(selectors.sample_by_uuid(uuid).crop)
    except SampleUnknown:
        raise Http404 from None
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)


@login_required
@read_or_post
def remove_sample(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        sample = selectors.sample_by_uuid(uuid)
        if request.method == "POST":
            services.remove_sample(actor=actor_of(request), sample=sample)
            messages.success(request, "The sample was removed.")
            return redirect(sample.person)
    except SampleUnknown:
        raise Http404("There is no such picture. It may have been removed already.") from None
    is_last = sample.person.samples.count() == 1
    return render(request, "enrollment/remove_sample.html", {"sample": sample, "is_last": is_last})


@login_required
@read_or_post
def upload(request: HttpRequest) -> HttpResponse:
    """Enrol a new person from pictures."""
    return _upload(request, None)


@login_required
@read_or_post
def upload_to_person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return _upload(request, person_or_404(uuid))


def _upload(request: HttpRequest, person: Person | None) -> HttpResponse:
    """Saves at once when nothing is open; else shows what is, and which pictures can be used."""
    form_class = PhotosForm if person else NewPersonPhotosForm
    if request.method != "POST":
        return _upload_page(request, person, form_class())
    form = form_class(request.POST, request.FILES)
    form.is_valid()
    drafts: list[SampleDraft] = []
    groups: list[GroupPicture] = []
    outcomes: list[PhotoOutcome] = []
    candidates: Sequence[DuplicateCandidate] = ()
    try:
        drafts = release_drafts(request.POST.get("held", ""), actor_of(request))
        held_groups = release_groups(request.POST.get("groups", ""), actor_of(request))
        chosen, groups = choose_faces(held_groups, request.POST.dict())
        drafts += chosen
        outcomes = _check_new_photos(form, len(drafts), len(groups))
        drafts += [outcome.draft for outcome in outcomes if outcome.draft]
        groups += [outcome.group for outcome in outcomes if outcome.group]
        target = selectors.person_by_uuid(request.POST["add_to"]) if request.POST.get("add_to") else None
        if drafts and not groups and (target or not form.errors):
            saved = _save_photos(request, form, drafts, target or person, sure=target is not None)
            _tell_refused(request, outcomes)
            return redirect(saved)
    except PossibleDuplicate as error:
        candidates = error.candidates
    except EnrollmentError as error:
        form.add_service_error(error)
    except RecognizerError as error:
        form.add_error(None, str(error))
    if not drafts and not groups and not form.errors.keys() & {"photos", NON_FIELD_ERRORS}:
        form.add_error("photos", "None of these pictures can be used." if outcomes else "Choose at least one picture.")
    return _upload_page(request, person, form, drafts, groups, outcomes, candidates)


def _check_new_photos(form: PhotosForm, held: int, groups: int) -> list[PhotoOutcome]:
    files = form.cleaned_data.get("photos") or []
    if held + groups + len(files) > MAX_FILES:
        form.add_error("photos", f"With those chosen before, these are more than {MAX_FILES} pictures. Choose fewer.")
        return []
    outcomes = []
    for outcome in check_photos(files):
        groups += outcome.group is not None
        outcomes.append(outcome if outcome.group is None or groups <= MAX_GROUPS else _one_group_too_many(outcome))
    return outcomes


def _one_group_too_many(outcome: PhotoOutcome) -> PhotoOutcome:
    message = f"Faces can be chosen in {MAX_GROUPS} group pictures at a time. Add this one again afterwards."
    return PhotoOutcome(outcome.file_name, code="several_faces", message=message)


def _save_photos(
    request: HttpRequest, form: PhotosForm, drafts: Sequence[SampleDraft], person: Person | None, *, sure: bool
) -> Person:
    actor, different = actor_of(request), not sure and "despite_duplicate" in request.POST
    fit = judge_drafts(drafts, person)
    if person:
        kept = services.add_samples(
            actor=actor,
            person=person,
            samples=drafts,
            despite_duplicate=sure or different,
            note_different=different,
        )
        _tell_misfits(request, fit)
        messages.success(request, f"{count_of(len(kept), 'new sample')} of {person.name} saved.")
        return person
    person = services.enroll_person(
        actor=actor,
        name=form.cleaned_data["name"],
        external_id=form.cleaned_data["external_id"],
        consent_version=CONSENT_VERSION,
        samples=drafts,
        despite_duplicate=different,
        note_different=different,
    )
    _tell_misfits(request, fit)
    messages.success(request, f"{person.name} was enrolled from {count_of(len(drafts), 'picture')}.")
    return person


def _tell_misfits(request: HttpRequest, fit: DraftsFit) -> None:
    if fit.sentence:
        messages.warning(request, fit.sentence)


def _tell_refused(request: HttpRequest, outcomes: Sequence[PhotoOutcome]) -> None:
    for outcome in outcomes:
        if outcome.message:
            messages.warning(request, f"{outcome.file_name} was not used. {outcome.message}")


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
        "consent_text": CONSENT_TEXT,
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


def count_of(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def person_or_404(uuid: UUID) -> Person:
    try:
        return selectors.person_by_uuid(uuid)
    except PersonUnknown as error:
        raise Http404(str(error)) from None


def actor_of(request: HttpRequest) -> AbstractBaseUser:
    """The operator; every view here requires a login."""
    return cast(AbstractBaseUser, request.user)
