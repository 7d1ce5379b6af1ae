"""What every model of the admin has in common: it asks for the rights that the pages ask for, not for Django's own."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest

from security.allowing import is_allowed
from security.rights import Right


class RightsAdmin:
    """For ModelAdmin and inlines. Each right of a tuple is enough; an empty tuple: nobody, whatever their role."""

    seen_with: ClassVar[tuple[Right, ...]]
    added_with: ClassVar[tuple[Right, ...]] = ()
    changed_with: ClassVar[tuple[Right, ...]] = ()
    deleted_with: ClassVar[tuple[Right, ...]] = ()
    exported_with: ClassVar[tuple[Right, ...]] = (Right.EXPORT,)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _has(request, self.seen_with)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _has(request, self.seen_with)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _has(request, self.added_with)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _has(request, self.changed_with)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _has(request, self.deleted_with)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """For actions with permissions=["export"]."""
        return _has(request, self.exported_with)


def _has(request: HttpRequest, rights: tuple[Right, ...]) -> bool:
    return bool(rights) and is_allowed(request.user, *rights)
