"""The site's pages on consent, and the notice that everybody may read. Parse, authorise, call one service, render."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from enrollment.consent.policy import consent_policy_history, current_consent_policy
from enrollment.consent.texts import current_text, newest_texts, text_history
from enrollment.errors import ConsentInvalid
from enrollment.models import ConsentText
from enrollment.privacy.forms import ConsentPolicyForm, ConsentTextForm, PrivacyNoticeForm
from enrollment.privacy.notice import kept_for
from enrollment.privacy.saving import (
    LanguageInvalid,
    current_privacy_notice,
    save_consent_policy,
    save_consent_text,
    save_privacy_notice,
)
from security.rights import Right
from security.web import actor_of, read_or_post, requires


@requires(Right.SET_CONSENT)
@read_or_post
def consent(request: HttpRequest) -> HttpResponse:
    """The texts with their versions, and the policy. A POST previews a text, or saves it as a new version."""
    if request.method != "POST":
        return _consent_page(request, ConsentTextForm(initial=_text_to_edit(request)))
    form = ConsentTextForm(request.POST)
    if not form.is_valid():
        return _consent_page(request, form)
    if request.POST.get("do") == "preview":
        preview = ConsentText(language=form.cleaned_data["language"], body=form.cleaned_data["body"])
        return _consent_page(request, form, preview=preview)
    try:
        text = save_consent_text(actor=actor_of(request), **form.cleaned_data)
    except ConsentInvalid as error:
        form.add_error("language" if isinstance(error, LanguageInvalid) else "body", str(error))
        return _consent_page(request, form)
    messages.success(
        request,
        _("Saved as version {version}. It is shown from now on; earlier consents keep theirs.").format(
            version=text.version
        ),
    )
    return redirect("site_consent")


@requires(Right.SET_CONSENT)
@require_POST
def consent_policy(request: HttpRequest) -> HttpResponse:
    """Save the policy as a new row."""
    form = ConsentPolicyForm(request.POST)
    if form.is_valid():
        try:
            save_consent_policy(actor=actor_of(request), choice=form.choice())
        except ConsentInvalid as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The consent policy was saved and counts from now on."))
            return redirect("site_consent")
    return _consent_page(request, ConsentTextForm(initial=_text_to_edit(request)), policy_form=form)


@requires(Right.SEE_PEOPLE)
@require_safe
def consent_text(request: HttpRequest, pk: int) -> HttpResponse:
    """One version, as it was and will be."""
    text = ConsentText.objects.filter(pk=pk).first()
    if text is None:
        raise Http404("There is no such version.")
    newest = text.pk in {one.pk for one in newest_texts()}
    return render(request, "enrollment/consent_text.html", {"text": text, "is_newest": newest})


@requires(Right.SET_CONSENT)
@read_or_post
def edit_notice(request: HttpRequest) -> HttpResponse:
    """What the public page says in the site's own words."""
    notice = current_privacy_notice()
    initial = {name: getattr(notice, name) for name in PrivacyNoticeForm.base_fields} if notice else {}
    form = PrivacyNoticeForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        save_privacy_notice(actor=actor_of(request), **form.cleaned_data)
        messages.success(request, _("The notice was saved. Everybody can read it from now on."))
        return redirect("site_privacy_notice")
    context = {"form": form, "notice": notice}
    return render(request, "enrollment/privacy_notice.html", context, status=400 if form.errors else 200)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """For everybody, without a login: purpose, what is kept, for how long, whom to ask, and which rights one has."""
    context = {"notice": current_privacy_notice(), "kept_for": kept_for(), "consent_text": current_text()}
    return render(request, "enrollment/privacy.html", context)


def _text_to_edit(request: HttpRequest) -> dict[str, str]:
    """The newest text of ?language=, else the current one."""
    wanted = request.GET.get("language", "")
    text = next((one for one in newest_texts() if one.language == wanted), None) or current_text()
    return {"language": text.language, "body": text.body} if text else {"language": "en"}


def _consent_page(
    request: HttpRequest,
    form: ConsentTextForm,
    *,
    preview: ConsentText | None = None,
    policy_form: ConsentPolicyForm | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "preview": preview,
        "newest": newest_texts(),
        "history": text_history(),
        "policy_form": policy_form or ConsentPolicyForm.of(current_consent_policy()),
        "policies": consent_policy_history(),
    }
    refused = form.errors or (policy_form and policy_form.errors)
    return render(request, "enrollment/site_consent.html", context, status=400 if refused else 200)
