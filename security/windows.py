"""Lists of the admin over a million rows: nothing is counted beyond a window of the newest, and a link leads further.

The admin's own paginator counts every row for every page, and reads and drops all rows before a page far back.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

WINDOW = 2_000
"""Rows that are counted and have pages; what is selected "across pages" are these."""


class WindowPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Pages of the first WINDOW rows."""

    object_list: QuerySet[Any]

    @cached_property
    def reached(self) -> int:
        """How many rows there are; WINDOW + 1: more than have pages here."""
        return self.object_list.order_by()[: WINDOW + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.reached, WINDOW)

    @property
    def is_cut(self) -> bool:
        return self.reached > WINDOW


class WindowChangeList(ChangeList):
    @property
    def beyond(self) -> str:
        """Query string of the next window; empty: there is none, or the list is sorted by a column."""
        if not self.paginator.is_cut or ORDER_VAR in self.params:
            return ""
        last = self.queryset.values_list("pk", flat=True)[WINDOW - 1]
        return self.get_query_string({f"{self.pk_attname}__lt": last}, [PAGE_VAR])


class WindowAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Newest first by primary key."""

    paginator = WindowPaginator
    ordering = ("-pk",)
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WindowChangeList

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """What is selected across pages is what the list says that it counts, and no row more."""
        if request.POST.get("select_across") == "1":
            queryset = queryset.filter(pk__in=list(queryset.values_list("pk", flat=True)[:WINDOW]))
        return super().response_action(request, queryset, *args, **kwargs)
