"""The page that makes one record of two, chosen by hand. Parse, authorise, call one service, render."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from enrollment import selectors
from enrollment.errors import EnrollmentError, MergeRefused
from enrollment.hygiene.actions import merge_people
from enrollment.hygiene.side_by_side import find_others, stays_by_default, two_sides
from enrollment.models import Person
from enrollment.runtime.engine import get_engine
from enrollment.web import person_or_404
from recognizer.errors import PackError
from security.rights import Right
from security.web import actor_of, read_or_post, requires


@requires(Right.SEE_PEOPLE)
@requires(Right.CORRECT)
@read_or_post
def merge_by_hand(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Without `other`, a search for the other record; with it, both side by side; a POST merges them."""
    person = person_or_404(uuid)
    chosen = request.POST.get("other") or request.GET.get("other")
    if not chosen:
        return _search(request, person)
    status = 200
    try:
        other = selectors.person_by_uuid(chosen)
        sides = two_sides(person, other)
        if request.method == "POST":
            return redirect(_merge(request, person, other))
    except (MergeRefused, PackError) as error:
        messages.error(request, str(error))
        status = 400
        if person.uuid == other.uuid:
            return redirect("enrollment:merge", person.uuid)
    except EnrollmentError as error:  # erased meanwhile, or never there
        raise Http404(str(error)) from None
    context = {"person": person, "other": other, "sides": sides, "stays": stays_by_default(*sides)}
    return render(request, "enrollment/merge.html", context, status=status)


def _search(request: HttpRequest, person: Person) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    context = {"person": person, "text": text, "found": find_others(person, text) if text else []}
    return render(request, "enrollment/merge_with.html", context)


def _merge(request: HttpRequest, person: Person, other: Person) -> Person:
    """Do it; the record that stays. Raises what merge_people() raises, and MergeRefused when nobody was chosen."""
    stays = {str(one.uuid): one for one in (person, other)}.get(request.POST.get("stays", ""))
    if stays is None:
        raise MergeRefused(_("Say which of the two records stays. Nothing was changed."))
    goes = other if stays == person else person
    merge_people(actor=actor_of(request), keep=stays, merge=goes, contract_id=get_engine().contract_id)
    words = _("{other} was merged into {name}. It can be undone on the page of {other}.")
    messages.success(request, words.format(other=goes.name, name=stays.name))
    return stays
