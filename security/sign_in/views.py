"""Sign-in and sign-out, and what operators do about their own account."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from security.addresses import client_address
from security.audit.actions import Action
from security.audit.recording import record
from security.languages import choose_language, chosen_language
from security.sign_in.browsers import browser_translated
from security.sign_in.checking import TooManyTries, in_words
from security.sign_in.forms import EndForm, FirstPasswordForm, OwnPasswordForm, SignInForm
from security.sign_in.one_time import owes_password
from security.sign_in.openid import ID_TOKEN, address_of_the_end
from security.sign_in.owing import OWN_PASSWORD, SECOND_FACTOR
from security.sign_in.passwords import change_password
from security.sign_in.second_factor import standing_of
from security.sign_in.sessions import end_sign_ins, idle_limit, lifetime, move_sign_in, sign_ins_of
from security.sign_in.web import next_step
from security.web import read_or_post


class SignIn(LoginView):
    """The login page, for everybody and for the admin."""

    authentication_form = SignInForm
    redirect_authenticated_user = True
    for_staff = False
    """Those who are signed in but may not use the admin hear so, instead of being sent back and forth."""

    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.for_staff and request.user.is_authenticated and not request.user.is_staff:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def form_valid(self, form: Any) -> HttpResponse:
        return next_step(self.request, form.get_user(), destination=self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        return told(super().form_invalid(form), form.refusal)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "ended": sentence_of_end(self.request),
            "openid": settings.FACESITE_OIDC,
            "folded": settings.FACESITE_FOLD_PASSWORDS and self.request.method != "POST",
        }


class SignOut(LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        address = _end_at_the_provider(request)
        with transaction.atomic():
            if request.user.is_authenticated:
                record(Action.SIGNED_OUT, actor=request.user, target=request.user.pk)
            response = super().post(request, *args, **kwargs)
        if address is None:
            return response
        context = {"address": address, "provider": settings.FACESITE_OIDC}
        return render(request, "security/signed_out.html", context)


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """The operator's own account: the password, and where the operator is signed in."""
    here = request.session.session_key
    context = {
        "sign_ins": [
            (sign_in, browser_translated(sign_in.browser), sign_in.session_id == here)
            for sign_in in sign_ins_of(_operator(request))
        ],
        "idle": in_words(idle_limit()),
        "lifetime": in_words(lifetime()),
        "second_factor": standing_of(_operator(request)),
        "languages": settings.LANGUAGES,
        "chosen_language": chosen_language(_operator(request)),
    }
    return render(request, "security/account.html", context)


@login_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose the language of the pages; an empty one: as the browser asks."""
    try:
        choose_language(actor=_operator(request), language=request.POST.get("language", ""), session=request.session)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("account:home")


@login_required
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End one other sign-in of the operator, or all of them."""
    form = EndForm(request.POST)
    if form.is_valid():
        only = form.cleaned_data["sign_in"]
        ended = end_sign_ins(actor=_operator(request), but=request.session.session_key or "", only=only)
        others = ngettext("Signed out in {count} other browser.", "Signed out in {count} other browsers.", ended)
        said = _("That sign-in has ended.") if only else others.format(count=ended)
        messages.success(request, said if ended else _("That sign-in had ended already."))
    return redirect("account:home")


@login_required
@read_or_post
def password(request: HttpRequest) -> HttpResponse:
    """Change the operator's own password; after a one-time password, choose one."""
    operator = _operator(request)
    first = owes_password(operator)
    form = _password_form(request, operator, first=first)
    if not form.is_valid():
        page = render(request, "security/password.html", {"form": form, "first": first})
        return told(page, getattr(form, "refusal", None))
    change_password(
        actor=operator,
        new_password=form.cleaned_data["new_password1"],
        session_key=request.session.session_key or "",
    )
    sign_in = getattr(request, "sign_in", None)
    update_session_auth_hash(request, operator)
    move_sign_in(sign_in, session_key=request.session.session_key or "")
    messages.success(
        request, _("Your password was changed. Other browsers in which you were signed in are signed out.")
    )
    return HttpResponseRedirect(_next_of(request)) if first else redirect("account:home")


password.open_to_those_owing = (OWN_PASSWORD,)  # type: ignore[attr-defined]
SignOut.open_to_those_owing = (OWN_PASSWORD, SECOND_FACTOR)  # type: ignore[attr-defined]


def told(page: HttpResponse, refusal: Any) -> HttpResponse:
    """The same page; after too many tries with the status and the header that programs understand."""
    if isinstance(refusal, TooManyTries):
        page.status_code = 429
        page.headers["Retry-After"] = str(refusal.seconds)
    return page


def sentence_of_end(request: HttpRequest) -> str:
    """Why the sign-in of this browser has ended by itself; empty when it has not."""
    return {
        "idle": _("You were signed out because nobody used this for {time}.").format(time=in_words(idle_limit())),
        "lifetime": _("You were signed out because a sign-in lasts {time} at most.").format(time=in_words(lifetime())),
    }.get(getattr(request, "sign_in_ended", ""), "")


def _operator(request: HttpRequest) -> User:
    return cast(User, request.user)


def _end_at_the_provider(request: HttpRequest) -> str | None:
    """For somebody who signed in through the OpenID provider: where that session ends too. It may ask the provider."""
    id_token = request.session.get(ID_TOKEN)
    if id_token is None or settings.FACESITE_OIDC is None:
        return None
    back = request.build_absolute_uri(reverse("login"))
    return address_of_the_end(settings.FACESITE_OIDC, id_token=id_token, back_to=back)


def _password_form(request: HttpRequest, operator: User, *, first: bool) -> Any:
    data = request.POST if request.method == "POST" else None
    if first:
        return FirstPasswordForm(operator, data)
    return OwnPasswordForm(operator, data, address=client_address(request.META))


def _next_of(request: HttpRequest) -> str:
    """Where the operator wanted to go, if it is on this site; else the dashboard."""
    wanted = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("dashboard")
