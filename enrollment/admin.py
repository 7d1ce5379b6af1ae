"""People and templates in the admin. Every write goes through enrollment.services; faces are never added by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from enrollment import selectors, services
from enrollment.consent.records import basis_sentence, ended_people
from enrollment.errors import ConsentEnded, EnrollmentError, PersonUnknown
from enrollment.exports import stream_people
from enrollment.models import FaceSample, FaceTemplate, HygieneAction, Person, PersonPair
from enrollment.naming import fold
from enrollment.reasons import sentence_for
from enrollment.sealed import CropUnreadable, read_crop
from enrollment.thumbnails import thumbnail_url
from enrollment.web import hand_out
from recognizer.packs.manifest import Manifest
from security.admin import RightsAdmin
from security.rights import Right
from security.web import download
from security.windows import WindowAdmin

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

RECEIPTS_LINKED = 20
"""In the message after several people were erased: it travels in a cookie."""


NAMED: dict[type[Model], dict[str, _StrOrPromise]] = {
    Person: {
        "name": _("name"),
        "external_id": _("external id"),
        "is_active": _("is active"),
        "created_by": _("created by"),
        "created_at": _("created at"),
        "updated_at": _("updated at"),
    },
    FaceSample: {
        "pose": _("pose"),
        "source": _("source"),
        "set_aside": _("set aside"),
        "set_aside_reason": _("set aside reason"),
        "created_by": _("created by"),
        "created_at": _("created at"),
    },
    FaceTemplate: {
        "sample": _("sample"),
        "contract_id": _("contract id"),
        "dimension": _("dimension"),
        "created_at": _("created at"),
    },
    HygieneAction: {
        "kind": _("kind"),
        "person": _("person"),
        "other": _("other"),
        "actor": _("actor"),
        "at": _("at"),
        "undone_at": _("undone at"),
        "undone_by": _("undone by"),
    },
    PersonPair: {
        "first": _("first"),
        "second": _("second"),
        "kind": _("kind"),
        "comparison_score": _("comparison score"),
        "noted_by": _("noted by"),
        "noted_at": _("noted at"),
    },
}


def name_fields(named: Mapping[type[Model], Mapping[str, _StrOrPromise]]) -> None:
    """What columns and fields are called in the admin. Set here: in the models each name would be a migration."""
    for model, fields in named.items():
        for name, words in fields.items():
            model._meta.get_field(name).verbose_name = words  # type: ignore[union-attr]


name_fields(NAMED)
FaceSample._meta.verbose_name, FaceSample._meta.verbose_name_plural = _("face sample"), _("face samples")
FaceTemplate._meta.verbose_name, FaceTemplate._meta.verbose_name_plural = _("face template"), _("face templates")
PersonPair._meta.verbose_name, PersonPair._meta.verbose_name_plural = _("person pair"), _("person pairs")


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Checks with the rules of the services, so that a refusal stands beside its field."""

    class Meta:
        model = Person
        fields = ("name", "external_id", "is_active")
        labels = {"external_id": _("External ID")}

    def clean_name(self) -> str:
        try:
            return services.clean_name(self.cleaned_data["name"])
        except EnrollmentError as error:
            raise ValidationError(str(error), code=error.code) from None

    def clean_external_id(self) -> str | None:
        try:
            return services.clean_external_id(self.cleaned_data["external_id"])
        except EnrollmentError as error:
            raise ValidationError(str(error), code=error.code) from None

    def clean_is_active(self) -> bool:
        active: bool = self.cleaned_data["is_active"]
        if active and ended_people([self.instance]):
            raise ValidationError(str(ConsentEnded()), code=ConsentEnded.code)
        return active


@dataclass(frozen=True, slots=True)
class Selected:
    """All selected rows as one row of Django's confirmation page, and so as one field of its form."""

    pk: str
    """Their primary keys, with spaces between."""


class ListAdmin(RightsAdmin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The base of all our lists. A number too large for a date or the database is handled like any wrong filter."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if selected := request.POST.getlist(ACTION_CHECKBOX_NAME):
            values = request.POST.copy()
            values.setlist(ACTION_CHECKBOX_NAME, " ".join(selected).split())
            request.POST = values  # type: ignore[assignment]  # a copy that can be changed
        return super().changelist_view(request, extra_context)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """A field for each row would be refused beyond a thousand (DATA_UPLOAD_MAX_NUMBER_FIELDS)."""
        response = super().response_action(request, queryset, *args, **kwargs)
        if isinstance(response, TemplateResponse) and response.context_data and "queryset" in response.context_data:
            keys = (str(row.pk) for row in response.context_data["queryset"])
            response.context_data["queryset"] = [Selected(" ".join(keys))]
        return response

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        except OverflowError as error:
            raise IncorrectLookupParameters from error  # Django then shows the whole list

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What is searched is folded (naming.fold), or a login, which ignores case."""
        return super().get_search_results(request, queryset, fold(" ".join(selectors.search_words(search_term))))


class FaceSampleInline(RightsAdmin, admin.TabularInline):  # type: ignore[type-arg]
    seen_with = (Right.SEE_PEOPLE,)
    model = FaceSample
    fk_name = "person"
    verbose_name_plural = _("samples (add and remove them on the person's page)")
    fields = (
        "picture",
        "pose",
        "rounded_quality",
        "reasons",
        "source",
        "set_aside",
        "set_aside_reason",
        "created_by",
        "created_at",
    )
    readonly_fields = fields
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FaceSample]:
        samples: QuerySet[FaceSample] = super().get_queryset(request)
        return samples.select_related("created_by", "person")

    @admin.display(description=_("face"))
    def picture(self, sample: FaceSample) -> SafeString:
        try:
            return format_html(
                '<img src="{}" width="84" height="84" alt="{}">', thumbnail_url(read_crop(sample)), gettext("A sample")
            )
        except CropUnreadable as error:
            return format_html("{}", str(error))

    @admin.display(description=_("quality (0 to 1)"))
    def rounded_quality(self, sample: FaceSample) -> str:
        return f"{sample.quality_score:.2f}"

    @admin.display(description=_("quality remarks"))
    def reasons(self, sample: FaceSample) -> str:
        return " ".join(sentence_for(code) for code in sample.quality.get("reasons", ())) or gettext("none")


@admin.register(Person)
class PersonAdmin(ListAdmin):
    seen_with = (Right.SEE_PEOPLE,)
    changed_with = (Right.CORRECT,)
    deleted_with = (Right.ERASE,)
    form = PersonForm
    inlines = (FaceSampleInline,)
    list_display = ("name", "external_id", "is_active", "sample_count", "recorded_consent", "created_by", "created_at")
    list_filter = ("is_active", "created_at")
    list_select_related = ("created_by",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("folded",)
    search_help_text = _("Name or external ID")
    actions = ("activate", "deactivate", "export_csv")
    readonly_fields = ("uuid", "recorded_consent", "created_by", "created_at", "updated_at")
    fields = (*PersonForm.Meta.fields, *readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        return selectors.search_people().prefetch_related("consents__text")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's actions, but deleting is called what it is: erasing."""
        actions = super().get_actions(request)
        if delete := actions.get("delete_selected"):
            function, name, _ = delete
            actions["delete_selected"] = (function, name, gettext("Erase the selected people for good"))
        return actions

    def get_deleted_objects(
        self, objs: Iterable[Person], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What the confirmation page says. Django's method would load every crop and vector to count them."""
        people = selectors.with_merged(objs)
        erased = selectors.erased_samples(people)
        samples = erased.count()
        templates = FaceTemplate.objects.filter(sample__in=erased.values("pk")).count()
        line = gettext("{name}, with all samples, templates and small pictures in the history")
        lines = [line.format(name=person.name) for person in people]
        missing = set() if self.has_delete_permission(request) else {"person"}
        return (
            lines,
            {gettext("people"): len(people), gettext("samples"): samples, gettext("templates"): templates},
            missing,
            [],
        )

    def save_model(self, request: HttpRequest, obj: Person, form: forms.ModelForm[Person], change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in PersonForm.Meta.fields}
        services.update_person(actor=request.user, person=obj, **values)

    def delete_model(self, request: HttpRequest, obj: Person) -> None:
        try:
            request.erased = services.erase_person(actor=request.user, person=obj)  # type: ignore[attr-defined]
        except PersonUnknown as error:  # somebody else was faster
            raise Http404(str(error)) from None

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        people = list(queryset)
        if len(people) == 1:
            self.delete_model(request, people[0])
            return
        services.erase_people(actor=request.user, people=people)
        linked = people[:RECEIPTS_LINKED]
        links = format_html_join(
            ", ",
            '<a href="{}">{}</a>',
            ((reverse("enrollment:receipt", args=[person.uuid]), number) for number, person in enumerate(linked, 1)),
        )
        said = gettext("Each person has a signed receipt, without the name: {receipts}.")
        if len(people) > len(linked):
            said = f"{said} {gettext('The audit trail has the numbers of the others.')}"
        messages.success(request, format_html(said, receipts=links))

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        messages.success(request, gettext("The person and all their face data were erased for good."))
        return self._to_receipt(request)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Person], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        response = super().response_action(request, queryset, *args, **kwargs)
        return self._to_receipt(request) if hasattr(request, "erased") else response

    def _to_receipt(self, request: HttpRequest) -> HttpResponse:
        """As the page does: the copy with the name is for the browser that erased, and for no other."""
        receipt, copy = request.erased  # type: ignore[attr-defined]  # by delete_model()
        return hand_out(redirect("enrollment:receipt", receipt.person_uuid), receipt.person_uuid, copy)

    @admin.display(description=_("consent"))
    def recorded_consent(self, person: Person) -> str:
        return basis_sentence(person.consent)

    @admin.display(description=_("samples"), ordering="sample_count")
    def sample_count(self, person: Person) -> int:
        number: int = person.sample_count  # type: ignore[attr-defined]  # annotated by selectors.search_people()
        return number

    @admin.action(description=_("Activate: let searches find the selected people"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        number = services.set_active(actor=request.user, people=queryset, active=True)
        messages.success(
            request,
            ngettext("{count} person was activated.", "{count} people were activated.", number).format(count=number),
        )

    @admin.action(description=_("Deactivate: searches find the selected people no longer"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        number = services.set_active(actor=request.user, people=queryset, active=False)
        messages.success(
            request,
            ngettext("{count} person was deactivated.", "{count} people were deactivated.", number).format(
                count=number
            ),
        )

    @admin.action(description=_("Export the selected people as CSV"), permissions=["export"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Person]) -> StreamingHttpResponse:
        return download(stream_people(queryset, actor=request.user, picked=True), "people.csv")


class ContractFilter(admin.SimpleListFilter):
    """Of the packs that this machine knows: to ask the database would read every template there is."""

    title = _("model pack")
    parameter_name = "contract_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        packs = Manifest.load(settings.FACESITE_MODELS_DIR).packs.values()
        return [(pack.contract_id, pack.name) for pack in packs if pack.installed]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FaceTemplate]) -> QuerySet[FaceTemplate]:
        return queryset.filter(contract_id=self.value()) if self.value() else queryset


@admin.register(FaceTemplate)
class FaceTemplateAdmin(WindowAdmin, ListAdmin):
    """In which embedding spaces the samples have templates. The vectors are shown nowhere."""

    seen_with = (Right.SEE_PEOPLE,)

    list_display = ("id", "person", "contract_id", "dimension", "created_at")
    list_filter = (ContractFilter, "created_at")
    list_per_page = 50
    search_fields = ("sample__person__folded",)
    search_help_text = _("Name or external ID of the person")
    fields = ("person", "sample", "contract_id", "dimension", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[FaceTemplate]:
        """Samples are read after the page's templates: MariaDB would begin a join with every sample there is."""
        samples = FaceSample.objects.select_related("person").defer("crop", "quality")
        return FaceTemplate.objects.prefetch_related(Prefetch("sample", samples)).defer("embedding").order_by("-pk")

    @admin.display(description=_("person"), ordering="sample__person__name")
    def person(self, template: FaceTemplate) -> Person:
        return template.sample.person


@admin.register(HygieneAction)
class HygieneActionAdmin(ListAdmin):
    """The log of merges, notes and samples set aside or taken back. The page of duplicates can undo them."""

    seen_with = (Right.SEE_REPORTS,)

    list_display = ("at", "kind", "person", "other", "actor", "undone_at", "undone_by")
    list_filter = ("kind", "at")
    list_select_related = ("person", "other", "actor", "undone_by")
    show_full_result_count = False
    fields = ("kind", "person", "other", "actor", "at", "undone_at", "undone_by")
    readonly_fields = fields


@admin.register(PersonPair)
class PersonPairAdmin(ListAdmin):
    """Pairs noted as different people. Notes are removed on the page of duplicates."""

    seen_with = (Right.SEE_REPORTS,)

    list_display = ("first", "second", "kind", "comparison_score", "noted_by", "noted_at")
    list_select_related = ("first", "second", "noted_by")
    show_full_result_count = False
    fields = list_display
    readonly_fields = fields
