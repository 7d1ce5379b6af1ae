"""/site/ and the pages of operators. Parse, authorise, call one service, render."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from security.actors import Actor
from security.operators import services
from security.operators.forms import NewOperatorForm, RolesForm
from security.operators.services import OperatorRefused
from security.rights import Right
from security.roles.groups import roles_of
from security.roles.table import ROLES
from security.sections import sections_for
from security.web import actor_of, read_or_post, requires


@login_required
@require_safe
def site(request: HttpRequest) -> HttpResponse:
    """What this operator may see and set about the site."""
    return render(request, "security/site.html", {"sections": sections_for(actor_of(request))})


@requires(Right.MANAGE_OPERATORS)
@require_safe
def operators(request: HttpRequest) -> HttpResponse:
    rows = [(operator, [ROLES[role] for role in roles_of(operator)]) for operator in services.list_operators()]
    return render(request, "security/operators.html", {"rows": rows})


@requires(Right.MANAGE_OPERATORS)
@read_or_post
def new_operator(request: HttpRequest) -> HttpResponse:
    """A POST answers with the one-time password itself: it is shown once and kept nowhere."""
    actor = actor_of(request)
    form = NewOperatorForm(
        request.POST if request.method == "POST" else None, assignable=services.assignable_roles(actor)
    )
    if form.is_valid():
        try:
            operator, password = services.create_operator(actor=actor, **form.cleaned_data)
            return _password_page(request, operator, password, new=True)
        except OperatorRefused as error:
            form.add_error(None, str(error))
    return render(request, "security/new_operator.html", {"form": form}, status=400 if form.errors else 200)


@requires(Right.MANAGE_OPERATORS)
@read_or_post
def operator(request: HttpRequest, pk: int) -> HttpResponse:
    """One operator. `do` of a POST: "roles", "activate", "deactivate", "password" or "second_factor"."""
    actor, operator = actor_of(request), get_object_or_404(services.list_operators(), pk=pk)
    do = request.POST.get("do", "") if request.method == "POST" else ""
    form = RolesForm(
        request.POST if do == "roles" else None,
        initial={"roles": roles_of(operator)},
        assignable=services.assignable_roles(actor),
    )
    try:
        if do == "password":
            return _password_page(request, operator, services.renew_password(actor=actor, operator=operator))
        if done := _act(actor, operator, do, form):
            messages.success(request, done)
            return redirect("security:operator", operator.pk)
    except OperatorRefused as error:
        messages.error(request, str(error))
        return redirect("security:operator", operator.pk)
    context: dict[str, Any] = {
        "operator": operator,
        "form": form,
        "own": operator.pk == actor.pk,
        "changeable": services.may_change(actor, operator),
    }
    return render(request, "security/operator.html", context, status=400 if request.method == "POST" else 200)


def _act(actor: Actor, operator: User, do: str, form: RolesForm) -> str:
    """Do it, and say in a sentence what was done; empty: nothing was. Raises OperatorRefused."""
    if do == "roles" and form.is_valid():
        services.set_roles(actor=actor, operator=operator, roles=form.cleaned_data["roles"])
        return _("The roles of {operator} were saved.").format(operator=operator)
    if do == "activate":
        services.set_active(actor=actor, operator=operator, active=True)
        return _("{operator} may sign in again.").format(operator=operator)
    if do == "deactivate":
        services.set_active(actor=actor, operator=operator, active=False)
        return _("{operator} was signed out everywhere and may not sign in any more.").format(operator=operator)
    if do == "second_factor":
        services.forget_second_factor(actor=actor, operator=operator)
        return _("{operator} signs in with the password alone until a second factor is set up again.").format(
            operator=operator
        )
    return ""


def _password_page(request: HttpRequest, operator: User, password: str, *, new: bool = False) -> HttpResponse:
    context = {"operator": operator, "password": password, "new": new}
    return render(request, "security/one_time_password.html", context)
