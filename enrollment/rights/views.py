"""Pages for what people may ask for: their consent, a copy of their data, a receipt of their erasure."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from enrollment.errors import ConsentInvalid, PersonUnknown
from enrollment.receipts import counted_in, receipt_json, receipt_of
from enrollment.rights.consenting import record_consent, undo_withdrawal, withdraw_consent
from enrollment.rights.export import export_person
from enrollment.rights.forms import ConsentRecordForm
from enrollment.web import handed_out, person_or_404
from security.rights import Right
from security.signing import site_public_key
from security.web import actor_of, read_or_post, requires
from security.written_days import written

IN_MEMORY = 5_000_000
"""Bytes of a copy that stay in memory; a larger one goes to a file without a name, which the system forgets when it is
closed."""


@requires(Right.SEE_PEOPLE)
@read_or_post
def consent(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Record a consent on paper, renew one, or record another legal basis."""
    person = person_or_404(uuid)
    form = ConsentRecordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            record_consent(actor=actor_of(request), person=person, consent=form.given())
        except (ConsentInvalid, PersonUnknown) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The record was saved and counts from now on."))
            return redirect(person)
    context = {"person": person, "form": form}
    return render(request, "enrollment/consent_record.html", context, status=400 if form.errors else 200)


@requires(Right.SEE_PEOPLE)
@require_POST
def withdraw(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The person is not searched from now on. Nobody is asked why."""
    person = person_or_404(uuid)
    try:
        ended = withdraw_consent(actor=actor_of(request), person=person)
        messages.success(
            request,
            _("{name} is not recognised any more, and will be erased on {day}.").format(
                name=person.name,
                day=written(ended.erase_on, "j F Y"),  # type: ignore[arg-type]
            ),
        )
    except (ConsentInvalid, PersonUnknown) as error:
        messages.error(request, str(error))
    return redirect(person)


@requires(Right.SEE_PEOPLE)
@require_POST
def undo(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Take a withdrawal back before the erasure."""
    person = person_or_404(uuid)
    try:
        undo_withdrawal(actor=actor_of(request), person=person)
        messages.success(request, _("The withdrawal was undone. The consent counts again."))
    except (ConsentInvalid, PersonUnknown) as error:
        messages.error(request, str(error))
    return redirect(person)


@requires(Right.EXPORT)
@read_or_post
def export(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    """A copy of everything held about the person; a POST makes it."""
    person = person_or_404(uuid)
    if request.method != "POST":
        return render(request, "enrollment/export_person.html", {"person": person})
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the response closes it
    try:
        export_person(actor=actor_of(request), person=person, file=file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    response = FileResponse(
        file, as_attachment=True, filename=f"person-{person.uuid}.zip", content_type="application/zip"
    )
    response["Cache-Control"] = "private, no-store"
    return response


@requires(Right.ERASE)
@require_safe
def receipt(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The receipt of an erasure, to print. The name is on it only in the browser that erased, for some minutes."""
    return _receipt_page(request, uuid, "enrollment/receipt.html")


@requires(Right.ERASE)
@require_safe
def receipt_file(request: HttpRequest, uuid: UUID, kind: str) -> HttpResponse:
    """The same as a file: JSON that a machine can verify, or HTML to keep."""
    found = receipt_of(uuid)
    if found is None:
        raise Http404("There is no such receipt.")
    if kind == "json":
        text = receipt_json(found, handed_out(request, uuid))
        response = HttpResponse(text, content_type="application/json; charset=utf-8")
    else:
        response = _receipt_page(request, uuid, "enrollment/receipt_file.html")
    response["Content-Disposition"] = f'attachment; filename="erasure-receipt-{uuid}.{kind}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _receipt_page(request: HttpRequest, uuid: UUID, template: str) -> HttpResponse:
    found = receipt_of(uuid)
    if found is None:
        raise Http404("There is no such receipt.")
    copy = handed_out(request, uuid)
    context = {
        "receipt": found,
        "name": copy.name if copy else "",
        "counts": counted_in(found),
        "public_key": site_public_key(),
        "document": receipt_json(found, copy),
    }
    return render(request, template, context)
