"""The pages of groups, and the groups of one person. Parse, authorise, call one service, render."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from enrollment import selectors
from enrollment.errors import EnrollmentError, GroupUnknown
from enrollment.groups import actions
from enrollment.groups.forms import GroupForm, GroupsOfPersonForm
from enrollment.models import PersonGroup
from enrollment.web import person_or_404
from security.rights import Right
from security.web import actor_of, read_or_post, requires


@requires(Right.CORRECT)
@read_or_post
def groups(request: HttpRequest) -> HttpResponse:
    """All groups; a POST makes a new one."""
    form = GroupForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            group = actions.create_group(actor=actor_of(request), name=form.cleaned_data["name"])
        except EnrollmentError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("The group {name} was made.").format(name=group.name))
            return redirect("enrollment:groups")
    context = {"form": form, "groups": selectors.groups_with_counts()}
    return render(request, "enrollment/groups.html", context, status=400 if form.errors else 200)


@requires(Right.CORRECT)
@read_or_post
def group(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One group; a POST renames it."""
    found = get_object_or_404(PersonGroup, uuid=uuid)
    form = GroupForm(request.POST if request.method == "POST" else None, group=found, initial={"name": found.name})
    if form.is_valid():
        try:
            actions.rename_group(actor=actor_of(request), group=found, name=form.cleaned_data["name"])
        except EnrollmentError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("The name was saved."))
            return redirect(found)
    context = {"form": form, "group": found, "people_count": found.people.count()}
    return render(request, "enrollment/group.html", context, status=400 if form.errors else 200)


@requires(Right.CORRECT)
@require_POST
def delete(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(PersonGroup, uuid=uuid)
    actions.delete_group(actor=actor_of(request), group=found)
    messages.success(request, _("The group {name} was deleted. Its people stay as they are.").format(name=found.name))
    return redirect("enrollment:groups")


@requires(Right.CORRECT)
@require_POST
def of_person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Which groups a person is in, from the person's page."""
    person = person_or_404(uuid)
    form = GroupsOfPersonForm(request.POST, person=person)
    if form.is_valid():
        actions.set_groups_of(actor=actor_of(request), person=person, groups=form.cleaned_data["groups"])
        messages.success(request, _("The groups were saved."))
    else:
        messages.error(request, str(GroupUnknown()))
    return redirect(person)
