"""The pages where staff set up kiosks. Parse, authorise, call one service, render."""

from __future__ import annotations

from uuid import UUID

import segno
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from attendance.kiosks import selectors, services
from attendance.kiosks.forms import KioskForm
from attendance.kiosks.tokens import CODE_LASTS
from attendance.models import Kiosk
from security.rights import Right
from security.web import actor_of, read_or_post, requires


@requires(Right.MANAGE_SITE)
@require_safe
def kiosks(request: HttpRequest) -> HttpResponse:
    missed = set(selectors.kiosks_not_seen().values_list("pk", flat=True))
    return render(request, "attendance/kiosks.html", {"kiosks": selectors.list_kiosks(), "missed": missed})


@requires(Right.MANAGE_SITE)
@read_or_post
def new_kiosk(request: HttpRequest) -> HttpResponse:
    """A POST answers with the pairing code itself: it is shown once and kept nowhere."""
    form = KioskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            kiosk, code = services.create_kiosk(actor=actor_of(request), **form.cleaned_data)
            return _code_page(request, kiosk, code)
        except ValidationError as error:
            form.add_service_error(error)
    return render(request, "attendance/new_kiosk.html", {"form": form}, status=400 if form.errors else 200)


@requires(Right.MANAGE_SITE)
@read_or_post
def kiosk(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One kiosk: its settings, its camera, when it was seen; a POST saves the settings."""
    found = get_object_or_404(selectors.list_kiosks(), uuid=uuid)
    form = KioskForm(request.POST or None, instance=get_object_or_404(Kiosk, pk=found.pk))
    if request.method == "POST" and form.is_valid():
        try:
            services.change_kiosk(actor=actor_of(request), kiosk=found, **form.cleaned_data)
            messages.success(request, _("The kiosk's settings were saved. Its screen follows."))
            return redirect("kiosks:kiosk", uuid)
        except ValidationError as error:
            form.add_service_error(error)
    context = {"kiosk": found, "form": form, "missed": set(selectors.kiosks_not_seen().values_list("pk", flat=True))}
    return render(request, "attendance/kiosk_settings.html", context, status=400 if form.errors else 200)


@requires(Right.MANAGE_SITE)
@require_POST
def new_code(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(selectors.list_kiosks(), uuid=uuid)
    try:
        return _code_page(request, found, services.make_code(actor=actor_of(request), kiosk=found))
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("kiosks:kiosk", uuid)


@requires(Right.MANAGE_SITE)
@require_POST
def accept_camera(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(selectors.list_kiosks(), uuid=uuid)
    if services.accept_camera(actor=actor_of(request), kiosk=found):
        messages.success(request, _("The other camera was accepted. The kiosk decides again."))
    return redirect("kiosks:kiosk", uuid)


@requires(Right.MANAGE_SITE)
@require_POST
def revoke(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(selectors.list_kiosks(), uuid=uuid)
    if services.revoke_kiosk(actor=actor_of(request), kiosk=found):
        messages.success(
            request, _("{name} was revoked. Its screen asks for a pairing code now.").format(name=found.name)
        )
    return redirect("kiosks:kiosks")


def _code_page(request: HttpRequest, kiosk: Kiosk, code: str) -> HttpResponse:
    """The code stands behind a # in the address: browsers send that to nobody, so no log has it."""
    page = request.build_absolute_uri(reverse("kiosk:page"))
    context = {
        "kiosk": kiosk,
        "code": code,
        "page": page,
        "qr": qr_code(f"{page}#{code}"),
        "minutes": int(CODE_LASTS.total_seconds() // 60),
    }
    return render(request, "attendance/kiosk_code.html", context)


def qr_code(text: str) -> SafeString:
    """As inline SVG, without an XML declaration or sizes of its own."""
    svg = segno.make(text, error="m").svg_inline(omitsize=True, dark="#10141b", border=2)
    return mark_safe(svg)  # noqa: S308  # drawn by segno: squares, and nothing of the text
