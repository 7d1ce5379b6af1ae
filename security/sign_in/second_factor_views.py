"""Pages of the second factor: the code after the password, the app's set-up, recovery codes, and switching it off."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from security.addresses import client_address
from security.sign_in import codes, halfway, second_factor
from security.sign_in.checking import SignInRefused, TooManyTries
from security.sign_in.openid import BY_OPENID, ID_TOKEN
from security.sign_in.owing import SECOND_FACTOR, debt_of
from security.sign_in.second_factor import SecondFactorRefused
from security.sign_in.second_factor_forms import CodeForm, ProofForm, SetUpForm, WithPassword
from security.sign_in.trying import within_limits
from security.sign_in.web import finish, safe_destination
from security.web import read_or_post


@sensitive_post_parameters()
@read_or_post
def code(request: HttpRequest) -> HttpResponse:
    """After the password: the app's code, or a recovery code."""
    operator = halfway.who(request.session)
    if operator is None or not second_factor.is_on(operator):
        return _begin_again(request)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        refusal = _try(request, operator, form, lambda: second_factor.check_code(operator=operator, code=code))
        if refusal is None:
            return _finish(request, operator)
        return _page(request, "security/second_factor_code.html", {"form": form}, refusal)
    return _page(request, "security/second_factor_code.html", {"form": form})


@sensitive_post_parameters()
@read_or_post
def set_up(request: HttpRequest) -> HttpResponse:
    """An app for an operator: signed in, or half signed in where the site lets nobody in without one."""
    signed_in = request.user.is_authenticated
    operator = cast(User, request.user) if signed_in else halfway.who(request.session)
    if operator is None:
        return _begin_again(request)
    is_on = second_factor.is_on(operator)
    if not signed_in and (is_on or not second_factor.is_demanded(operator)):
        return _begin_again(request)
    form = SetUpForm(request.POST or None, operator=operator, signed_in=signed_in, is_on=is_on)
    refusal = None
    if request.method == "POST" and form.is_valid():
        refusal = _try(request, operator, form, lambda: _confirm(operator, form))
        if refusal is None:
            return _signed_in_with_codes(request, operator, form.written)
    secret = second_factor.begin_set_up(actor=operator)
    address = codes.address_for_apps(secret, name=operator.get_username(), site=f"facesite ({request.get_host()})")
    context = {
        "form": form,
        "is_on": is_on,
        "signed_in": signed_in,
        "is_owed": not is_on and (not signed_in or debt_of(operator, request.session) == SECOND_FACTOR),
        "qr": mark_safe(codes.drawn(address)),  # noqa: S308 (it is drawn here, of squares alone)
        "secret": codes.spelled(secret),
        "address": address,
    }
    return _page(request, "security/second_factor.html", context, refusal)


set_up.open_to_those_owing = (SECOND_FACTOR,)  # type: ignore[attr-defined]


@login_required
@sensitive_post_parameters()
@read_or_post
def new_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes for a password and a code."""
    operator = cast(User, request.user)
    form = ProofForm(request.POST or None, operator=operator)
    if not second_factor.is_on(operator):
        return redirect("account:home")
    refusal = None
    if request.method == "POST" and form.is_valid():

        def renew() -> None:
            form.written = second_factor.renew_recovery_codes(actor=operator, code=form.cleaned_data["code"])

        refusal = _try(request, operator, form, renew)
        if refusal is None:
            return _codes_page(request, form.written, reverse("account:home"))
    return _page(request, "security/second_factor_proof.html", {"form": form, "off": False}, refusal)


@login_required
@sensitive_post_parameters()
@read_or_post
def switch_off(request: HttpRequest) -> HttpResponse:
    """End the second factor for a password and a code."""
    operator = cast(User, request.user)
    form = ProofForm(request.POST or None, operator=operator)
    if not second_factor.is_on(operator):
        return redirect("account:home")
    refusal = None
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        refusal = _try(request, operator, form, lambda: second_factor.switch_off(actor=operator, code=code))
        if refusal is None:
            messages.success(request, _("The second factor is off. Your password alone logs you in."))
            return redirect("account:home")
    context = {"form": form, "off": True, "demanded": second_factor.is_demanded(operator)}
    return _page(request, "security/second_factor_proof.html", context, refusal)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Forget who is half signed in."""
    if not request.user.is_authenticated:
        halfway.end(request.session)
    return redirect("login")


def _confirm(operator: User, form: SetUpForm) -> None:
    if form.is_on:
        second_factor.check_code(operator=operator, code=form.cleaned_data["present_code"])
    form.written = second_factor.confirm_set_up(actor=operator, code=form.cleaned_data["code"])


def _try(request: HttpRequest, operator: User, form: forms.Form, service: Callable[[], None]) -> Exception | None:
    """The service within the limits of tries; its refusal, which the form shows then, or None."""
    address = client_address(request.META)
    try:
        if isinstance(form, WithPassword):
            form.check_password(address)
        with within_limits(operator, address=address):
            service()
    except (SecondFactorRefused, SignInRefused) as refusal:
        form.add_error(None, str(refusal))
        return refusal
    return None


def _signed_in_with_codes(request: HttpRequest, operator: User, written: list[str]) -> HttpResponse:
    if request.user.is_authenticated:
        onward = safe_destination(request) if "next" in request.GET else reverse("account:home")
        return _codes_page(request, written, onward)
    return _codes_page(request, written, _finish(request, operator).headers["Location"])


def _finish(request: HttpRequest, operator: User) -> HttpResponse:
    """The second half of the sign-in."""
    by = halfway.how(request.session)
    halfway.end(request.session)
    response = finish(request, operator, destination=safe_destination(request), by=f"{by} and code")
    if by == BY_OPENID:
        request.session[ID_TOKEN] = ""  # signing out leads to the provider; halfway kept no token for it
    return response


def _codes_page(request: HttpRequest, written: list[str], onward: str) -> HttpResponse:
    """The only time that they are shown: nothing keeps them in words."""
    return render(request, "security/recovery_codes.html", {"codes": written, "onward": onward})


def _page(
    request: HttpRequest, template: str, context: dict[str, object], refusal: Exception | None = None
) -> HttpResponse:
    page = render(request, template, context)
    if isinstance(refusal, TooManyTries):
        page.status_code = 429
        page.headers["Retry-After"] = str(refusal.seconds)
    return page


def _begin_again(request: HttpRequest) -> HttpResponseRedirect:
    if request.user.is_authenticated:
        return HttpResponseRedirect(safe_destination(request))
    if halfway.KEY in request.session:
        halfway.end(request.session)
        messages.info(request, _("Show your password once more: the code was not given in time."))
    return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': safe_destination(request)})}")
