"""Who is in the list of people, by what was asked for above it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrollment import selectors
from enrollment.consent.records import people_to_erase, people_without_record
from enrollment.models import Person, PersonGroup

ACTIVE_CHOICES = [
    ("", _("All")),
    ("yes", _("Active")),
    ("no", _("Deactivated")),
    ("outside", _("Active, but not today")),
    ("ended", _("Consent ended, to be erased")),
    ("unrecorded", _("No consent recorded")),
]
SORT_CHOICES = [("", _("By name")), ("newest", _("Newest first")), ("oldest", _("Oldest first"))]
SEEN_CHOICES = [("seen", _("Seen last first")), ("unseen", _("Not seen for longest first"))]
ORDERS: dict[str, tuple[Any, ...]] = {
    "newest": ("-created_at", "-pk"),
    "oldest": ("created_at", "pk"),
    # To both databases nothing is less than any moment, so whoever was never seen stands at the right end.
    "seen": ("-last_seen_at", "name", "pk"),
    "unseen": ("last_seen_at", "name", "pk"),
}
WAITING = {"ended": people_to_erase, "unrecorded": people_without_record, "outside": selectors.people_outside_span}
"""Filters by what a consent, or a person's days, leave to be done."""


class PeopleFilter(forms.Form):
    """The search above the list of people. What is not understood filters nothing."""

    q = forms.CharField(label=_("Search"), required=False, max_length=200)
    active = forms.ChoiceField(label=_("Status"), choices=ACTIVE_CHOICES, required=False)
    group = forms.ModelChoiceField(
        PersonGroup.objects.all(),
        label=_("Group"),
        required=False,
        to_field_name="uuid",
        empty_label=_("All groups"),
        blank=True,
    )
    sort = forms.ChoiceField(label=_("Order"), choices=SORT_CHOICES, required=False)

    def __init__(self, *args: Any, sees_history: bool = False, **kwargs: Any) -> None:
        """sees_history: then people may be ordered by when they were seen last."""
        super().__init__(*args, **kwargs)
        self.shows_last_seen = sees_history
        if sees_history:
            self.fields["sort"].choices = [*SORT_CHOICES, *SEEN_CHOICES]  # type: ignore[attr-defined]
        self.fields["q"].widget.attrs |= {"type": "search", "placeholder": gettext("Name or external ID")}
        self.is_valid()

    @property
    def asked(self) -> dict[str, Any]:
        """What narrows the list down; empty where it is everybody."""
        return {name: value for name, value in self.cleaned_data.items() if value and name != "sort"}


def find_people(form: PeopleFilter) -> QuerySet[Person]:
    """As selectors.search_people(), narrowed down and in the order that was asked for."""
    asked = form.asked
    found = selectors.search_people(asked.get("q", ""))
    wanted = asked.get("active", "")
    if wanted in ("yes", "no"):
        found = found.filter(is_active=wanted == "yes")
    elif wanted:
        found &= WAITING[wanted]()  # as one question: MariaDB takes eight times as long for a list within a list
    if group := asked.get("group"):
        found = found.filter(groups=group)
    order = ORDERS.get(form.cleaned_data.get("sort", ""))
    return found.order_by(*order) if order else found
