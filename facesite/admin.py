"""Operators and groups as Django's admin shows them, with the searches of our own lists."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from enrollment.admin import ListAdmin

admin.site.unregister([User, Group])


@admin.register(User)
class OperatorAdmin(ListAdmin, UserAdmin):  # type: ignore[type-arg]
    pass


@admin.register(Group)
class OperatorGroupAdmin(ListAdmin, GroupAdmin):
    pass
