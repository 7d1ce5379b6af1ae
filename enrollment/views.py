"""Pages of people and their samples. Parse, authorise, call one service, render."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from enrollment import selectors, services
from enrollment.consent.records import basis_sentence, end_sentence
from enrollment.errors import ConsentEnded, EnrollmentError, PersonUnknown, SampleUnknown
from enrollment.finding import PeopleFilter, find_people
from enrollment.forms import ConsentFields, EraseForm, MoreAboutPerson, PersonDetails, ValidityForm
from enrollment.groups.forms import GroupsOfPersonForm
from enrollment.models import FaceSample, Person
from enrollment.picked.forms import PickedForm
from enrollment.runtime.engine import engine_if_ready
from enrollment.sealed import CropUnreadable, is_unreadable, read_crop
from enrollment.thumbnails import shown_bytes
from enrollment.web import hand_out, person_or_404
from security.allowing import is_allowed
from security.rights import Right
from security.web import actor_of, read_or_post, requires

PEOPLE_PER_PAGE = 25
SEARCH_LIMIT = 20


@requires(Right.ENROL)
@require_safe
def enroll(request: HttpRequest) -> HttpResponse:
    """The guided capture of a new person."""
    return _capture_page(request, None)


@requires(Right.ENROL)
@require_safe
def capture(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The same guided capture, adding samples to somebody already enrolled."""
    return _capture_page(request, person_or_404(uuid))


def _capture_page(request: HttpRequest, person: Person | None) -> HttpResponse:
    context: dict[str, Any] = {"person": person}
    if person is None:
        context |= {"consent": ConsentFields(), "more": MoreAboutPerson(actor=actor_of(request))}
    return render(request, "enrollment/enroll.html", context)


@requires(Right.SEE_PEOPLE)
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    form = PeopleFilter(request.GET, sees_history=is_allowed(actor_of(request), Right.SEE_HISTORY))
    found = find_people(form)
    # What stands beside each is looked up of those on the page, not of everybody who must be put in order.
    page = Paginator(found.values_list("pk", flat=True), PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    keys = list(page.object_list)
    shown = found.in_bulk(keys)
    on_page = [shown[key] for key in keys if key in shown]
    covers = selectors.cover_thumbnails(on_page)
    context = {
        "form": form,
        "grid": _as_grid(request),
        "page": page,
        "rows": [(person, covers.get(person.pk)) for person in on_page],
        "filtered": bool(form.asked),
        "kept": [(name, value) for name in form.fields if (value := request.GET.get(name))],
        "picked": PickedForm(actor=actor_of(request), auto_id="picked_%s"),
    }
    return render(request, "enrollment/people.html", context)


def _as_grid(request: HttpRequest) -> bool:
    """Whether portraits are shown instead of rows: asked for by `view`, and kept while the operator is signed in."""
    if request.GET.get("view") in {"grid", "list"}:
        request.session["people_view"] = request.GET["view"]
    return request.session.get("people_view") == "grid"


@requires(Right.SEE_PEOPLE)
@require_GET
def people_search(request: HttpRequest) -> JsonResponse:
    """For the person picker: active people whose name or external ID contains every word of `q`."""
    found = selectors.search_people(request.GET.get("q", ""), only_active=True)[:SEARCH_LIMIT]
    rows = [{"id": str(person.uuid), "name": person.name, "external_id": person.external_id} for person in found]
    return JsonResponse({"people": rows}, headers={"Cache-Control": "private, no-store"})


@requires(Right.SEE_PEOPLE)
@read_or_post
def person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One person; a POST changes name, external ID and notes."""
    person = person_or_404(uuid)
    initial = {"name": person.name, "external_id": person.external_id, "notes": person.notes}
    form = PersonDetails(request.POST if request.method == "POST" else None, person=person, initial=initial)
    if form.is_valid():
        try:
            services.update_person(actor=actor_of(request), person=person, **form.cleaned_data)
        except EnrollmentError as error:
            form.add_service_error(error)
        else:
            messages.success(request, _("The details were saved."))
            return redirect(person)
    context = {"person": person, "form": form, "merged": selectors.merge_of(person)}
    context["validity_form"] = ValidityForm(
        initial={"valid_from": person.valid_from, "valid_until": person.valid_until}
    )
    context["group_form"] = GroupsOfPersonForm(person=person)
    context |= _samples_context(person) | _consent_context(person) | {"unreadable": is_unreadable(person)}
    return render(request, "enrollment/person.html", context, status=400 if form.errors else 200)


def _samples_context(person: Person) -> dict[str, Any]:
    """Samples without their crops, and those that the running pack's searches do not know."""
    engine = engine_if_ready()
    samples = list(selectors.samples_of(person, contract_id=engine.contract_id if engine else None).defer("crop"))
    missing = [sample for sample in samples if engine and getattr(sample, "template_id", None) is None]
    return {
        "samples": samples,
        "portrait": selectors.portrait_among(person, samples),
        "has_set_aside": any(sample.set_aside for sample in samples),
        "not_searched": [sample for sample in missing if not sample.set_aside],
    }


def _consent_context(person: Person) -> dict[str, Any]:
    """The record that counts, what it says in words, and the ones before it."""
    records = list(person.consents.select_related("text", "given_to", "withdrawn_by"))
    current = records[0] if records else None
    return {
        "consent": current,
        "consent_basis": basis_sentence(current),
        "consent_end": end_sentence(current) if current else "",
        "consent_history": [(record, basis_sentence(record)) for record in records[1:]],
    }


@requires(Right.CORRECT, Right.ERASE)
@require_POST
def person_active(request: HttpRequest, uuid: UUID) -> HttpResponse:
    person, active = person_or_404(uuid), request.POST.get("active") == "yes"
    changed = services.set_active(actor=actor_of(request), people=[person], active=active)
    if active and not changed and not person.is_active:
        messages.error(request, str(ConsentEnded()))
    elif active:
        messages.success(request, _("{name} is active again and will be recognised.").format(name=person.name))
    else:
        messages.success(
            request, _("{name} was deactivated and will not be recognised any more.").format(name=person.name)
        )
    return redirect(person)


@requires(Right.CORRECT)
@require_POST
def validity(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The days on which the person is recognised."""
    person, form = person_or_404(uuid), ValidityForm(request.POST)
    if not form.is_valid():
        for sentence in dict.fromkeys(chain.from_iterable(form.errors.values())):
            messages.error(request, str(sentence))
        return redirect(person)
    try:
        person = services.set_validity(actor=actor_of(request), person=person, **form.cleaned_data)
    except EnrollmentError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The days were saved."))
    return redirect(person)


@requires(Right.ERASE)
@read_or_post
def erase(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Says exactly what goes; the name must be typed before it does."""
    person = person_or_404(uuid)
    form = EraseForm(request.POST if request.method == "POST" else None, person=person)
    if form.is_valid():
        try:
            __, copy = services.erase_person(actor=actor_of(request), person=person)
        except PersonUnknown as error:  # somebody else was faster
            raise Http404(str(error)) from None
        messages.success(request, _("The person and all their face data were erased for good."))
        return hand_out(redirect("enrollment:receipt", person.uuid), person.uuid, copy)
    merged = selectors.with_merged([person])[1:]
    samples = selectors.erased_samples([person]).count()
    context = {"person": person, "form": form, "merged": merged, "sample_count": samples}
    return render(request, "enrollment/erase.html", context, status=400 if form.errors else 200)


@requires(Right.SEE_PEOPLE)
@require_safe
def sample_image(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return _picture(lambda: selectors.sample_by_uuid(uuid))


@requires(Right.SEE_PEOPLE)
@require_safe
def portrait(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The picture that stands for a person, for the live page: it hears of people by their uuid alone."""
    return _picture(lambda: selectors.cover_of(selectors.person_by_uuid(uuid)))


def _picture(find: Callable[[], FaceSample]) -> HttpResponse:
    """404 where there is no such picture, or none that can be read."""
    try:
        jpeg = shown_bytes(read_crop(find()))
    except (PersonUnknown, SampleUnknown, CropUnreadable):
        raise Http404 from None
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)


@requires(Right.CORRECT)
@require_POST
def choose_portrait(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The sample that stands for its person from now on."""
    try:
        sample = selectors.sample_by_uuid(uuid)
        services.choose_portrait(actor=actor_of(request), sample=sample)
    except (PersonUnknown, SampleUnknown) as error:
        raise Http404(str(error)) from None
    words = _("This picture stands for {name} from now on: in lists, on the live page and on kiosks.")
    messages.success(request, words.format(name=sample.person.name))
    return redirect(sample.person)


@requires(Right.CORRECT)
@read_or_post
def remove_sample(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        sample = selectors.sample_by_uuid(uuid)
        if request.method == "POST":
            services.remove_sample(actor=actor_of(request), sample=sample)
            messages.success(request, _("The sample was removed."))
            return redirect(sample.person)
    except SampleUnknown:
        raise Http404("There is no such picture. It may have been removed already.") from None
    is_last = sample.person.samples.count() == 1
    return render(request, "enrollment/remove_sample.html", {"sample": sample, "is_last": is_last})
