"""The pages where managers choose the policy, and see what the site's own gallery and history say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from enrollment.reasons import sentence_of
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import current_gallery
from enrollment.runtime.policy import default_liveness
from recognizer.calibration import Histogram
from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.errors import PackError, TooFewPairs
from recognizer.packs.choosing import policy_for
from recognizer.packs.manifest import Pack
from recognizer.types import DecisionPolicy
from security.numbers import grouped
from security.rights import Right
from security.web import actor_of, read_or_post, requires
from verification.accuracy.calibration import (
    SiteCalibration,
    calibrate_site,
    calibrate_soon,
    predictions,
    site_threshold,
)
from verification.accuracy.charts import Mark, det_chart, det_place, histogram_chart, histogram_line
from verification.accuracy.history import MOST_ATTEMPTS, PastDecision, read_history
from verification.accuracy.kept_scores import kept_scores
from verification.accuracy.strictness import levels_of
from verification.accuracy.watching import watch
from verification.accuracy.what_if import replay, steps_in_words
from verification.forms import PolicyForm, WhatIfForm
from verification.models import VerificationPolicy
from verification.policy import current_policy, nearest_fmr, policy_history
from verification.selectors import find_attempts
from verification.services import reuse_policy, save_policy

REPLAYED_DAYS = 30
CHANGES_PER_PAGE = 25
SAVED = gettext_lazy("The policy holds from now on; open live pages follow within seconds.")


@requires(Right.SEE_REPORTS)
@read_or_post
def calibration(request: HttpRequest) -> HttpResponse:
    """What the site's own scores say, and the policy chosen from it: saving one takes Right.SET_POLICY."""
    try:
        engine = get_engine()
        form = PolicyForm(request.POST or None, initial=_initial(engine.pack))
        if request.method == "POST" and form.is_valid() and _save(request, form, engine):
            messages.success(request, SAVED)
            return redirect("verification:calibration")
        found = calibrate_soon(engine)
        if found is None:
            return render(request, "verification/measuring.html", {"percent": round(100 * kept_scores.share)})
        context = _context(found, form) | {"watched": watch(engine, found.policy, found.gallery_people)}
    except PackError as error:
        return render(request, "verification/calibration.html", {"problem": sentence_of(error)}, status=503)
    return render(request, "verification/calibration.html", context, status=400 if request.method == "POST" else 200)


@requires(Right.SEE_REPORTS)
@require_safe
def what_if(request: HttpRequest) -> HttpResponse:
    """The last weeks decided again under another threshold. Reads only."""
    form = WhatIfForm(request.GET or None)
    context: dict[str, Any] = {"form": form, "days": REPLAYED_DAYS}
    try:
        engine = get_engine()
        context["in_force"] = current_policy(engine)
        if form.is_valid():
            context |= _replayed(request, engine, _other_policy(engine, form.cleaned_data))
    except PackError as error:
        return render(request, "verification/what_if.html", {"problem": sentence_of(error)}, status=503)
    return render(request, "verification/what_if.html", context, status=400 if form.errors else 200)


def _other_policy(engine: FaceEngine, asked: Mapping[str, Any]) -> DecisionPolicy:
    now = current_policy(engine)
    if asked["fmr"]:
        return policy_for(engine.pack, nearest_fmr(engine.pack, float(asked["fmr"])), now.liveness)
    return policy_for(engine.pack, now.fmr, now.liveness, match_threshold=asked["threshold"])


def _replayed(request: HttpRequest, engine: FaceEngine, policy: DecisionPolicy) -> dict[str, Any]:
    people = current_gallery(engine).people
    history = read_history(PastDecision, engine.contract_id, REPLAYED_DAYS)
    found = replay(history.attempts, policy, people)
    page = Paginator(found.changes, CHANGES_PER_PAGE).get_page(request.GET.get("page"))
    named = find_attempts().in_bulk([change.attempt.pk for change in page.object_list])
    return {
        "policy": policy,
        "search_threshold": policy_for_gallery(policy, people).match_threshold,
        "people": people,
        "history": history,
        "most": MOST_ATTEMPTS,
        "found": found,
        "steps": steps_in_words(found.counts),
        "page": page,
        "rows": [(named[one.attempt.pk], one) for one in page.object_list if one.attempt.pk in named],
    }


@requires(Right.SET_POLICY)
@require_POST
def use_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Put an earlier policy back in force."""
    policy = VerificationPolicy.objects.filter(pk=pk).first()
    if policy is None:
        raise Http404(_("There is no such policy."))
    reuse_policy(actor=actor_of(request), policy=policy)
    messages.success(request, SAVED)
    return redirect("verification:calibration")


def _save(request: HttpRequest, form: PolicyForm, engine: FaceEngine) -> bool:
    """Save the policy. False: the form says why not. The site's scores are read only if the threshold is theirs."""
    data = form.cleaned_data
    try:
        own = site_threshold(calibrate_site(engine), data["fmr"]) if data["site_threshold"] else None
    except TooFewPairs as error:
        form.add_error("site_threshold", str(error))
        return False
    save_policy(actor=actor_of(request), fmr=data["fmr"], liveness=data["liveness"], site_threshold=own)
    return True


def _initial(pack: Pack) -> dict[str, Any]:
    [saved] = policy_history(1) or [VerificationPolicy(liveness=default_liveness(pack))]
    return {"fmr": saved.fmr, "liveness": saved.liveness, "site_threshold": saved.match_threshold is not None}


def _context(found: SiteCalibration, form: PolicyForm) -> dict[str, Any]:
    context: dict[str, Any] = {
        "form": form,
        "chosen": {name: form[name].value() for name in form.fields},
        "found": found,
        "measuring": kept_scores.measuring,
        "counts": {kind: grouped(len(getattr(found.distribution, kind))) for kind in ("mated", "non_mated")},
        "history": policy_history(),
        "levels": levels_of(found, site_threshold=bool(form.initial["site_threshold"])),
        "chosen_before": form.initial,
        "liveness_choices": VerificationPolicy.Liveness.choices,
        "liveness_in_force": VerificationPolicy.Liveness(found.policy.liveness.value).label,
        "liveness_setting": settings.FACESITE_LIVENESS,
    }
    return context | (_charts(found) if found.drawable else {})


def _charts(found: SiteCalibration) -> dict[str, Any]:
    scores = found.distribution
    histogram = scores.histogram()
    marks = [
        Mark(choice.label, choice.match_threshold, choice.fmr.value, choice.fnmr.value) for choice in found.choices
    ]
    det = det_chart(
        {_("this site"): scores.det_curve()},
        title=_("Missed people over wrong matches (DET)"),
        name="det",
        background="none",
        marks=marks,
    )
    return {
        "histogram": mark_safe(histogram_chart(histogram, title=_("Comparison scores"), marks=marks)),  # noqa: S308
        "det": mark_safe(det),  # noqa: S308 - made of numbers and of words that charts.py escapes
        "bars": bars_of(scores.histogram(bins=20)),
        "slider": _slider(found, histogram),
    }


def _slider(found: SiteCalibration, histogram: Histogram) -> dict[str, Any]:
    """For the page's script: the predictions, and their places in the charts."""
    mated, non_mated = len(found.distribution.mated), len(found.distribution.non_mated)
    rows = [
        asdict(one)
        | {
            "line": histogram_line(one.threshold, histogram),
            "point": det_place(one.false_matches / non_mated, one.false_non_matches / mated),
        }
        for one in predictions(found)
    ]
    choices = [{"rate": one.rate, "label": one.label, "threshold": one.match_threshold} for one in found.choices]
    return {"rows": rows, "mated": mated, "non_mated": non_mated, "choices": choices}


def bars_of(histogram: Histogram) -> list[dict[str, float | int]]:
    """The histogram as rows of a table: low and high edge of each bin, and its counts."""
    rows = zip(histogram.edges[:-1], histogram.edges[1:], histogram.mated, histogram.non_mated, strict=True)
    return [
        {"low": float(low), "high": float(high), "mated": int(mated), "non_mated": int(non_mated)}
        for low, high, mated, non_mated in rows
    ]
