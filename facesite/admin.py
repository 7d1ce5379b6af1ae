"""Operators and groups as the admin shows them: only to be looked at. The pages under /site/operators/ change them.

There, nobody gives away rights that they lack, one administrator stays, and each change leaves an audit row.
"""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from enrollment.admin import ListAdmin
from security.rights import Right

admin.site.unregister([User, Group])


@admin.register(User)
class OperatorAdmin(ListAdmin, UserAdmin):  # type: ignore[type-arg]
    seen_with = (Right.MANAGE_OPERATORS,)


@admin.register(Group)
class OperatorGroupAdmin(ListAdmin, GroupAdmin):
    seen_with = (Right.MANAGE_OPERATORS,)
