"""The inbox of unknown faces. Parse, authorise, call one service, render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from enrollment.errors import EnrollmentError, PossibleDuplicate
from enrollment.models import Person
from enrollment.reasons import sentence_of
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import current_gallery
from recognizer.errors import RecognizerError
from security.rights import Right
from security.web import actor_of, read_or_post, requires
from verification import selectors
from verification.forms import NewPersonForm, PersonChoiceForm, UnknownPolicyForm
from verification.models import InboxAction, UnknownFace
from verification.policy import current_policy
from verification.review import unknowns
from verification.review.wording import choices_of

CLUSTERS_PER_PAGE = 20
FACES_PER_CLUSTER = 6
MOST_FACES = 120
"""Faces shown on the page of a cluster. Faces that are not shown are not touched."""


@requires(Right.REVIEW_UNKNOWN)
@read_or_post
def inbox(request: HttpRequest) -> HttpResponse:
    """All clusters; a POST dismisses or deletes those that were ticked, or opens them as one."""
    if request.method == "POST":
        return _handle_many(request)
    unknowns.purge_unknowns()
    clusters, problem = _clusters(request)
    page = Paginator(clusters, CLUSTERS_PER_PAGE).get_page(request.GET.get("page"))
    shown = [face for cluster in page.object_list for face in cluster.faces[:FACES_PER_CLUSTER]]
    policy = unknowns.current_unknown_policy()
    context = {
        "policy": policy,
        "policy_form": UnknownPolicyForm(instance=policy),
        "page": page,
        "thumbnails": selectors.thumbnail_urls(face.attempt for face in shown),
        "faces_per_cluster": f":{FACES_PER_CLUSTER}",
        "actions": unknowns.undoable_actions(),
        "problem": problem,
        "searching": unknowns.may_search(actor_of(request)),
    }
    return render(request, "verification/unknown.html", context)


@requires(Right.REVIEW_UNKNOWN)
@require_POST
def unlock(request: HttpRequest) -> HttpResponse:
    """Ask for the second operator who opens the search."""
    unknowns.ask_to_search(actor=actor_of(request))
    messages.success(
        request,
        _(
            "Asked. Another operator with the same right agrees under Site, Approvals; then faces are grouped for an "
            "hour."
        ),
    )
    return redirect("verification:unknown")


@requires(Right.SET_RETENTION)
@require_POST
def save_policy(request: HttpRequest) -> HttpResponse:
    """It is about keeping pictures of people who were not asked."""
    form = UnknownPolicyForm(request.POST)
    if form.is_valid():
        policy = unknowns.save_unknown_policy(actor=actor_of(request), **form.cleaned_data)
        kept = ngettext(
            "Unknown faces are kept for {count} day from now on.",
            "Unknown faces are kept for {count} days from now on.",
            policy.days,
        ).format(count=policy.days)
        messages.success(request, kept if policy.keep else _("Unknown faces are not kept; the inbox was emptied."))
    else:
        messages.error(request, _("Choose between 1 and 30 days. Nothing was changed."))
    return redirect("verification:unknown")


@requires(Right.REVIEW_UNKNOWN)
@require_POST
def undo(request: HttpRequest, uuid: UUID) -> HttpResponse:
    action = InboxAction.objects.filter(uuid=uuid).first()
    if action is None:
        raise Http404(_("There is no such action."))
    try:
        back = unknowns.undo_inbox_action(actor=actor_of(request), action=action)
        said = ngettext("Undone: {count} face back in the inbox.", "Undone: {count} faces back in the inbox.", back)
        messages.success(request, said.format(count=back))
    except (unknowns.InboxRefused, EnrollmentError) as error:
        messages.error(request, str(error))
    return redirect("verification:unknown")


@requires(Right.REVIEW_UNKNOWN)
@read_or_post
def cluster(request: HttpRequest) -> HttpResponse:
    """`?face=UUID&face=UUID`: the clusters of these faces as one. A POST enrols, assigns, dismisses or deletes."""
    unknowns.purge_unknowns()
    clusters, problem = _clusters(request)
    wanted = set(_uuids(request.GET.getlist("face")))
    faces = [face for one in clusters if wanted & {face.uuid for face in one.faces} for face in one.faces]
    if not faces:
        messages.error(request, problem or _("These faces are no longer in the inbox."))
        return redirect("verification:unknown")
    shown = sorted(faces, key=lambda face: -face.quality_score)[:MOST_FACES]
    ticked = _uuids(request.POST.getlist("face"))
    do = request.POST.get("do", "")
    person = NewPersonForm(request.POST if do == "enrol" else None)
    choice = PersonChoiceForm(request.POST if do == "assign" else None, required=True)
    context: dict[str, Any] = {
        "person_form": person,
        "choice_form": choice,
        "despite": "despite_duplicate" in request.POST,
    }
    if request.method == "POST":
        try:
            if done := _handle_one(request, do, ticked, person, choice):
                messages.success(request, done)
                return redirect("verification:unknown")
        except PossibleDuplicate as error:
            context["candidates"] = error.candidates
        except EnrollmentError as error:
            if do == "enrol":
                person.add_service_error(error)
            else:
                context["refused"] = str(error)
        except unknowns.InboxRefused as error:
            context["refused"] = str(error)
    nearest = unknowns.nearest_for(actor=actor_of(request), faces=shown, gallery=current_gallery(get_engine()))
    choices, posted = choices_of(choice, nearest), request.method == "POST"
    context["legend"] = _("Enrolled people who look most like them") if nearest else _("Who it is")
    context |= _cluster_context(shown, len(faces), ticked if posted else None, choices)
    return render(request, "verification/unknown_cluster.html", context, status=409 if posted else 200)


def _handle_one(
    request: HttpRequest, do: str, faces: Sequence[UUID], person: NewPersonForm, choice: PersonChoiceForm
) -> str:
    """Do it, and say in a sentence what was done; empty: a form must be corrected. Raises what unknowns.py raises."""
    actor, despite = actor_of(request), "despite_duplicate" in request.POST
    if do == "enrol" and person.is_valid():
        name, external_id = person.cleaned_data["name"], person.cleaned_data["external_id"]
        unknowns.enrol_unknown(
            actor=actor,
            faces=faces,
            name=name,
            external_id=external_id,
            consent=person.given(),
            despite_duplicate=despite,
        )
        said = ngettext("{name} was enrolled from {count} face.", "{name} was enrolled from {count} faces.", len(faces))
        return said.format(name=name, count=len(faces))
    if do == "assign" and choice.is_valid() and choice.chosen:
        action = unknowns.assign_unknown(actor=actor, faces=faces, person=choice.chosen, despite_duplicate=despite)
        number = len(action.samples)
        said = ngettext("{count} sample of {name} added.", "{count} samples of {name} added.", number)
        return said.format(name=choice.chosen, count=number)
    if do == "dismiss":
        return _dismissed(unknowns.dismiss_unknown(actor=actor, faces=faces).face_count)
    if do == "delete":
        return _deleted(unknowns.delete_unknown(actor=actor, faces=faces))
    return ""


def _dismissed(faces: int) -> str:
    return ngettext("{count} face dismissed.", "{count} faces dismissed.", faces).format(count=faces)


def _deleted(faces: int) -> str:
    return ngettext("{count} face deleted for good.", "{count} faces deleted for good.", faces).format(count=faces)


def _handle_many(request: HttpRequest) -> HttpResponse:
    """Handle exactly the faces that the page showed. A face that has joined a cluster since stays in the inbox."""
    groups = [_uuids(value.split()) for value in request.POST.getlist("cluster")]
    faces, do, actor = [face for group in groups for face in group], request.POST.get("do", ""), actor_of(request)
    if not faces:
        messages.error(request, _("Tick at least one group of faces."))
    elif do == "together":
        query = urlencode([("face", str(group[0])) for group in groups if group])
        return redirect(f"{reverse('verification:unknown_cluster')}?{query}")
    else:
        try:
            if do == "dismiss":
                action = unknowns.dismiss_unknown(actor=actor, faces=faces)
                messages.success(request, _dismissed(action.face_count))
            elif do == "delete":
                gone = unknowns.delete_unknown(actor=actor, faces=faces)
                messages.success(request, _deleted(gone))
        except unknowns.InboxRefused as error:
            messages.error(request, str(error))
    return redirect("verification:unknown")


def _clusters(request: HttpRequest) -> tuple[list[unknowns.Cluster], str]:
    """The clusters and "", or none and a sentence that says why the recogniser cannot be used."""
    try:
        engine = get_engine()
        unknowns.embed_anew(engine)
        threshold = current_policy(engine).match_threshold
        found = unknowns.clusters_for(actor=actor_of(request), contract_id=engine.contract_id, threshold=threshold)
        return found, ""
    except RecognizerError as error:
        return [], sentence_of(error)


def _cluster_context(
    shown: Sequence[UnknownFace],
    total: int,
    ticked: Sequence[UUID] | None,
    choices: Sequence[tuple[Person, float | None]],
) -> dict[str, Any]:
    return {
        "faces": [(face, ticked is None or face.uuid in ticked) for face in shown],
        "left_out": total - len(shown),
        "thumbnails": selectors.thumbnail_urls(face.attempt for face in shown),
        "choices": choices,
    }


def _uuids(texts: Sequence[str]) -> list[UUID]:
    """The UUIDs among these texts."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
