"""History and policy in the admin, to be read. A new policy may be added, and pictures of attempts may be erased."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from enrollment.admin import ListAdmin, name_fields
from enrollment.runtime.engine import engine_if_ready
from enrollment.runtime.gallery import cached_gallery
from security.allowing import is_allowed
from security.rights import Right
from security.web import download
from security.windows import WindowAdmin
from verification import services
from verification.cards import decimals, rate_in_words, reasons_in_words
from verification.exports import stream_attempts
from verification.models import FalseMatch, InboxAction, UnknownPolicy, VerificationAttempt, VerificationPolicy
from verification.policy import false_alarms_per_1000, policy_of, population_of, population_words
from verification.selectors import about_words, thumbnail_url
from verification.services import save_policy
from verification.templatetags.rates import alarms


def rounded(score: float | None, digits: int) -> str:
    """The score with so many decimals; a dash for None."""
    return "–" if score is None else decimals(score, digits)


name_fields(
    {
        VerificationAttempt: {
            "created_at": gettext_lazy("created at"),
            "uuid": gettext_lazy("identifier"),
            "mode": gettext_lazy("mode"),
            "source": gettext_lazy("source"),
            "verdict": gettext_lazy("verdict"),
            "matched_person": gettext_lazy("matched person"),
            "claimed_person": gettext_lazy("claimed person"),
            "liveness_verdict": gettext_lazy("liveness"),
            "operator": gettext_lazy("operator"),
            "contract_id": gettext_lazy("contract id"),
            "policy": gettext_lazy("policy"),
            "gallery_revision": gettext_lazy("gallery revision"),
        },
        VerificationPolicy: {
            "liveness": gettext_lazy("liveness"),
            "saved_by": gettext_lazy("saved by"),
            "saved_at": gettext_lazy("saved at"),
        },
        FalseMatch: {
            "uuid": gettext_lazy("identifier"),
            "attempt": gettext_lazy("attempt"),
            "person": gettext_lazy("person"),
            "other_person": gettext_lazy("other person"),
            "effect": gettext_lazy("effect"),
            "created_by": gettext_lazy("created by"),
            "created_at": gettext_lazy("created at"),
            "undone_by": gettext_lazy("undone by"),
            "undone_at": gettext_lazy("undone at"),
        },
        InboxAction: {
            "uuid": gettext_lazy("identifier"),
            "kind": gettext_lazy("kind"),
            "person": gettext_lazy("person"),
            "face_count": gettext_lazy("face count"),
            "actor": gettext_lazy("actor"),
            "at": gettext_lazy("at"),
            "undone_by": gettext_lazy("undone by"),
            "undone_at": gettext_lazy("undone at"),
        },
        UnknownPolicy: {
            "days": gettext_lazy("days"),
            "saved_by": gettext_lazy("saved by"),
            "saved_at": gettext_lazy("saved at"),
        },
    }
)

VerificationAttempt._meta.verbose_name_plural = gettext_lazy("attempts")
VerificationPolicy._meta.verbose_name = gettext_lazy("verification policy")
FalseMatch._meta.verbose_name = gettext_lazy("false match")
InboxAction._meta.verbose_name = gettext_lazy("inbox action")
InboxAction._meta.verbose_name_plural = gettext_lazy("inbox actions")
UnknownPolicy._meta.verbose_name = gettext_lazy("unknown policy")


@admin.register(VerificationAttempt)
class VerificationAttemptAdmin(WindowAdmin, ListAdmin):
    seen_with = (Right.SEE_HISTORY,)
    list_display = (
        "created_at",
        "verdict",
        "question",
        "matched_person",
        "claimed_person",
        "score_and_threshold",
        "liveness_verdict",
        "frames",
        "operator",
    )
    list_filter = ("verdict", "mode", "source", "liveness_verdict", "created_at")
    list_select_related = ("matched_person", "claimed_person", "operator")
    list_per_page = 50
    search_fields = ("matched_person__folded", "claimed_person__folded", "operator__username")
    search_help_text = gettext_lazy("Name of the matched or claimed person, or login of the operator")
    actions = ("export_csv", "erase_pictures")
    fields = (
        "picture",
        "created_at",
        "uuid",
        "mode",
        "source",
        "verdict",
        "why",
        "matched_person",
        "claimed_person",
        "score_and_threshold",
        "next_person",
        "false_match_rate",
        "liveness_verdict",
        "rounded_liveness",
        "rounded_quality",
        "frames",
        "operator",
        "contract_id",
        "policy",
        "gallery_revision",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[VerificationAttempt]:
        """Lists leave the thumbnails in the database; the page of one attempt shows it."""
        attempts: QuerySet[VerificationAttempt] = super().get_queryset(request)
        url_name = request.resolver_match.url_name if request.resolver_match else None
        return attempts.defer("thumbnail") if (url_name or "").endswith("_changelist") else attempts

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[VerificationAttempt], search_term: str
    ) -> tuple[QuerySet[VerificationAttempt], bool]:
        """As the history is searched."""
        return queryset.filter(about_words(search_term)), False

    @admin.display(description=gettext_lazy("mode"), ordering="mode")
    def question(self, attempt: VerificationAttempt) -> str:
        return _("Identify") if attempt.mode == VerificationAttempt.Mode.IDENTIFY else _("Verify")

    @admin.display(description=gettext_lazy("reasons"))
    def why(self, attempt: VerificationAttempt) -> str:
        return " ".join(reasons_in_words(attempt)) or "–"

    @admin.display(description=gettext_lazy("comparison score / threshold"), ordering="comparison_score")
    def score_and_threshold(self, attempt: VerificationAttempt) -> str:
        return f"{rounded(attempt.comparison_score, 3)} / {decimals(attempt.match_threshold, 3)}"

    @admin.display(description=gettext_lazy("runner-up's score"))
    def next_person(self, attempt: VerificationAttempt) -> str:
        return rounded(attempt.runner_up, 3)

    @admin.display(description=gettext_lazy("false-match rate"))
    def false_match_rate(self, attempt: VerificationAttempt) -> str:
        return rate_in_words(attempt.fmr, population_of(attempt))

    @admin.display(description=gettext_lazy("liveness score (0 to 1)"))
    def rounded_liveness(self, attempt: VerificationAttempt) -> str:
        return rounded(attempt.liveness_score, 2)

    @admin.display(description=gettext_lazy("quality (0 to 1)"))
    def rounded_quality(self, attempt: VerificationAttempt) -> str:
        return rounded(attempt.quality_score, 2)

    @admin.display(description=gettext_lazy("frames agreed / seen"))
    def frames(self, attempt: VerificationAttempt) -> str:
        return f"{attempt.frames_agreed} / {attempt.frames_seen}"

    @admin.display(description=gettext_lazy("face"))
    def picture(self, attempt: VerificationAttempt) -> SafeString | str:
        url = thumbnail_url(attempt)
        alt = _("The face of this attempt")
        return format_html('<img src="{}" width="112" alt="{}">', url, alt) if url else _("erased")

    @admin.action(description=gettext_lazy("Export the selected attempts as CSV"), permissions=["export"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[VerificationAttempt]) -> StreamingHttpResponse:
        attempts = queryset.select_related(*self.list_select_related).defer("thumbnail")
        return download(stream_attempts(attempts, actor=request.user), "attempts.csv")

    @admin.action(
        description=gettext_lazy("Erase the pictures of the selected attempts"), permissions=["erase_pictures"]
    )
    def erase_pictures(self, request: HttpRequest, queryset: QuerySet[VerificationAttempt]) -> None:
        erased = services.erase_pictures(actor=request.user, attempts=queryset.order_by())
        said = ngettext(
            "The picture of {count} attempt was erased for good. The verdict stays.",
            "The pictures of {count} attempts were erased for good. The verdicts stay.",
            erased,
        )
        messages.success(request, said.format(count=erased))

    def has_erase_pictures_permission(self, request: HttpRequest) -> bool:
        return is_allowed(request.user, Right.ERASE)


@admin.register(VerificationPolicy)
class VerificationPolicyAdmin(ListAdmin):
    seen_with = (Right.SEE_REPORTS, Right.SET_POLICY)
    added_with = (Right.SET_POLICY,)
    list_display = ("saved_at", "fmr", "own_threshold", "false_alarms", "liveness", "saved_by")
    list_select_related = ("saved_by",)
    fields = ("fmr", "liveness")

    @admin.display(description=gettext_lazy("site's own threshold"))
    def own_threshold(self, policy: VerificationPolicy) -> str:
        return rounded(policy.match_threshold, 3)

    @admin.display(description=gettext_lazy("false alarms per 1,000 strangers, now"))
    def false_alarms(self, policy: VerificationPolicy) -> str:
        """At the gallery's present size, with the running engine's pack; a dash until both are loaded."""
        engine, gallery = engine_if_ready(), cached_gallery()
        if engine is None or gallery is None:
            return "–"
        meant = policy_of(policy, engine)
        number = alarms(false_alarms_per_1000(meant, gallery.people))
        said = _("{number}, by the rate {population}")
        return said.format(number=number, population=population_words(meant.population))

    def save_model(self, request: HttpRequest, obj: VerificationPolicy, form: ModelForm[Any], change: bool) -> None:
        saved = save_policy(actor=request.user, fmr=obj.fmr, liveness=obj.liveness)  # type: ignore[arg-type]
        obj.pk, obj.saved_at, obj.saved_by = saved.pk, saved.saved_at, saved.saved_by
        messages.info(request, _("The policy holds from now on; open live pages follow within seconds."))


@admin.register(FalseMatch)
class FalseMatchAdmin(ListAdmin):
    """What operators did, here and below, to be looked up. It is undone on the pages where it was done."""

    seen_with = (Right.SEE_REPORTS,)
    list_display = ("created_at", "person", "other_person", "created_by", "undone_at", "undone_by")
    list_select_related = ("person", "other_person", "created_by", "undone_by")
    fields = (
        "uuid",
        "attempt",
        "person",
        "other_person",
        "effect",
        "created_by",
        "created_at",
        "undone_by",
        "undone_at",
    )


@admin.register(InboxAction)
class InboxActionAdmin(ListAdmin):
    seen_with = (Right.REVIEW_UNKNOWN,)
    list_display = ("at", "kind", "person", "face_count", "actor", "undone_at", "undone_by")
    list_select_related = ("person", "actor", "undone_by")
    fields = ("uuid", "kind", "person", "face_count", "actor", "at", "undone_by", "undone_at")


@admin.register(UnknownPolicy)
class UnknownPolicyAdmin(ListAdmin):
    seen_with = (Right.REVIEW_UNKNOWN, Right.SET_RETENTION)
    list_display = ("saved_at", "keep", "days", "saved_by")
    list_select_related = ("saved_by",)
    fields = ("keep", "days", "saved_by", "saved_at")
