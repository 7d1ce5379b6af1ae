"""The pages of schedules and days off. Parse, authorise, call one service, render."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from attendance.models import DayOff, Schedule
from attendance.schedules import services
from attendance.schedules.forms import DayOffForm, ScheduleForm
from security.rights import Right
from security.web import actor_of, read_or_post, requires


@requires(Right.MANAGE_SITE)
@read_or_post
def schedules(request: HttpRequest) -> HttpResponse:
    """Both lists; a POST adds a day off."""
    form = DayOffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        off = services.add_day_off(actor=actor_of(request), **form.cleaned_data)
        messages.success(request, _("{name} is a day off now.").format(name=off.name))
        return redirect("attendance:schedules")
    context = {
        "form": form,
        "schedules": Schedule.objects.prefetch_related("groups"),
        "off": DayOff.objects.all(),
        "today": timezone.localdate(),
    }
    return render(request, "attendance/schedules.html", context, status=400 if form.is_bound else 200)


@requires(Right.MANAGE_SITE)
@read_or_post
def schedule(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change one."""
    old = get_object_or_404(Schedule, pk=pk) if pk else None
    form = ScheduleForm(request.POST if request.method == "POST" else None, instance=old)
    if form.is_valid():
        changed = form.save(commit=False)
        saved = services.save_schedule(actor=actor_of(request), schedule=changed, groups=form.chosen_groups())
        messages.success(request, _("{name} was saved.").format(name=saved.name))
        return redirect("attendance:schedules")
    context = {"form": form, "schedule": Schedule.objects.filter(pk=pk).first() if pk else None}
    return render(request, "attendance/schedule.html", context, status=400 if form.is_bound else 200)


@requires(Right.MANAGE_SITE)
@require_POST
def delete_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Schedule, pk=pk)
    services.delete_schedule(actor=actor_of(request), schedule=found)
    messages.success(request, _("{name} was removed. Nobody is late or absent by it any more.").format(name=found.name))
    return redirect("attendance:schedules")


@requires(Right.MANAGE_SITE)
@require_POST
def delete_day_off(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(DayOff, pk=pk)
    services.delete_day_off(actor=actor_of(request), off=found)
    messages.success(request, _("{name} is no day off any more.").format(name=found.name))
    return redirect("attendance:schedules")
