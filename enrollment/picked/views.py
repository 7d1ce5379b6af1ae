"""The page that does something with several people. Parse, authorise, call one service, render."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from enrollment import selectors, services
from enrollment.exports import stream_people
from enrollment.finding import PeopleFilter, find_people
from enrollment.groups.actions import put_into_group, take_out_of_group
from enrollment.models import Person, PersonGroup
from enrollment.picked.forms import ConfirmForm, Deed, PickedForm
from security.actors import Actor
from security.numbers import grouped
from security.rights import Right
from security.tables import in_chunks
from security.web import actor_of, download, requires

NAMED = 100
"""Names on the page that asks once more."""
CHUNK = 500


@requires(Right.SEE_PEOPLE)
@require_POST
def picked(request: HttpRequest) -> HttpResponseBase:
    """One deed for all who were picked; before an erasure, a page that asks once more."""
    actor = actor_of(request)
    form = PickedForm(request.POST, actor=actor, ticked=request.POST.getlist("person"))
    back = _list_again(request)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect(back)
    deed, everybody = Deed(form.cleaned_data["deed"]), form.cleaned_data["everybody"]
    all_that_fit = find_people(PeopleFilter(request.POST))
    if deed == Deed.EXPORT:
        ticked = selectors.search_people().filter(uuid__in=form.cleaned_data["people"])
        return download(stream_people(all_that_fit if everybody else ticked, actor=actor, picked=True), "people.csv")
    people = list(all_that_fit) if everybody else by_uuid(form.cleaned_data["people"])
    if deed == Deed.ERASE:
        return _erase(request, actor, people, back)
    messages.success(request, _do(deed, actor, people, form.cleaned_data["to_group"]))
    return redirect(back)


def by_uuid(uuids: Sequence[UUID]) -> list[Person]:
    """Those that are still there, by name."""
    found = (person for chunk in in_chunks(uuids, CHUNK) for person in Person.objects.filter(uuid__in=chunk))
    return sorted(found, key=lambda person: (person.name, person.pk))


def _do(deed: Deed, actor: Actor, people: Sequence[Person], group: PersonGroup | None) -> str:
    """What happened, as a sentence."""
    if deed == Deed.PUT and group:
        number = put_into_group(actor=actor, group=group, people=people)
        done = ngettext("{count} person was put into {group}", "{count} people were put into {group}", number)
        others = ngettext("{count} was there already.", "{count} were there already.", len(people) - number)
        return _both(done, number, others, len(people) - number, group=group.name)
    if deed == Deed.TAKE and group:
        number = take_out_of_group(actor=actor, group=group, people=people)
        done = ngettext("{count} person was taken out of {group}", "{count} people were taken out of {group}", number)
        others = ngettext("{count} was not in it.", "{count} were not in it.", len(people) - number)
        return _both(done, number, others, len(people) - number, group=group.name)
    active = deed == Deed.ACTIVATE
    number = services.set_active(actor=actor, people=people, active=active)
    rest = len(people) - number
    if active:
        done = ngettext("{count} person was activated", "{count} people were activated", number)
        others = ngettext(
            "{count} was active already, or their consent has ended.",
            "{count} were active already, or their consent has ended.",
            rest,
        )
    else:
        done = ngettext("{count} person was deactivated", "{count} people were deactivated", number)
        others = ngettext("{count} was that already.", "{count} were that already.", rest)
    return _both(done, number, others, rest)


def _erase(request: HttpRequest, actor: Actor, people: Sequence[Person], back: str) -> HttpResponse:
    if not people:
        messages.error(request, _("None of these people is there any more."))
        return redirect(back)
    asked = "typed_number" in request.POST
    form = ConfirmForm(request.POST if asked else None, number=len(people))
    if form.is_valid():
        number = services.erase_people(actor=actor, people=people)
        erased = ngettext(
            "{count} person was erased for good, with all their face data.",
            "{count} people were erased for good, with all their face data.",
            number,
        )
        messages.success(request, erased.format(count=grouped(number)))
        return redirect("enrollment:people")
    context: dict[str, Any] = {
        "form": form,
        "number": len(people),
        "named": people[:NAMED],
        "more": max(0, len(people) - NAMED),
        "people": ",".join(str(person.uuid) for person in people),
        "back": back,
    }
    return render(request, "enrollment/erase_picked.html", context, status=400 if form.errors else 200)


def _list_again(request: HttpRequest) -> str:
    """The list as it was filtered."""
    kept = urlencode(list(_filters(request)))
    return reverse("enrollment:people") + (f"?{kept}" if kept else "")


def _filters(request: HttpRequest) -> Iterator[tuple[str, str]]:
    for name in PeopleFilter.base_fields:
        if value := request.POST.get(name):
            yield name, value


def _both(done: str, number: int, others: str, rest: int, *, group: str = "") -> str:
    """How many it was done with, and how many not."""
    return f"{done.format(count=grouped(number), group=group)}; {others.format(count=grouped(rest))}"
