"""What the pages about people share. It has no page."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from enrollment import selectors
from enrollment.errors import PersonUnknown
from enrollment.models import Person
from enrollment.receipts import HandedOut

RECEIPT_COOKIE = "erasure_receipt"
RECEIPT_SECONDS = 15 * 60
"""So long the browser that erased somebody can print and save the copy of the receipt that has the name on it."""


def person_or_404(uuid: UUID) -> Person:
    """Raises Http404 when there is no such person."""
    try:
        return selectors.person_by_uuid(uuid)
    except PersonUnknown as error:
        raise Http404(str(error)) from None


def hand_out(response: HttpResponse, person_uuid: UUID, copy: HandedOut) -> HttpResponse:
    """Give the name for the receipt to this browser alone, in a signed cookie for that page. The site keeps none."""
    value = signing.dumps([copy.name, copy.salt], salt=f"{RECEIPT_COOKIE}:{person_uuid}", compress=True)
    response.set_cookie(
        RECEIPT_COOKIE,
        value,
        max_age=RECEIPT_SECONDS,
        path=reverse("enrollment:receipt", args=[person_uuid]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


def handed_out(request: HttpRequest, person_uuid: UUID) -> HandedOut | None:
    """What hand_out() gave to this browser; None: nothing, or too long ago."""
    try:
        name, salt = signing.loads(
            request.COOKIES.get(RECEIPT_COOKIE, ""), salt=f"{RECEIPT_COOKIE}:{person_uuid}", max_age=RECEIPT_SECONDS
        )
    except signing.BadSignature:
        return None
    return HandedOut(str(name), str(salt))
