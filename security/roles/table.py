"""The roles, and which rights each has. This table is the truth: every `migrate` writes it into Django's groups.

docs/security.md says which page, socket and command each role may use, and a test walks all of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from security.rights import Right

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class Role(StrEnum):
    """The value is the name of the Django group."""

    KIOSK = "Kiosk"
    RECEPTIONIST = "Receptionist"
    MANAGER = "Manager"
    PRIVACY_OFFICER = "Privacy officer"
    ADMINISTRATOR = "Administrator"


RIGHTS_OF: dict[Role, frozenset[Right]] = {
    Role.KIOSK: frozenset({Right.USE_KIOSK}),
    Role.RECEPTIONIST: frozenset({Right.VERIFY, Right.ENROL, Right.SEE_PEOPLE, Right.SEE_ATTENDANCE}),
    Role.MANAGER: frozenset(
        {
            Right.VERIFY,
            Right.ENROL,
            Right.SEE_PEOPLE,
            Right.CORRECT,
            Right.SEE_HISTORY,
            Right.SEE_ATTENDANCE,
            Right.SEE_REPORTS,
            Right.SET_POLICY,
            Right.REVIEW_UNKNOWN,
        }
    ),
    # May look at unknown faces and delete them, but enrols nobody from them: that takes ENROL.
    Role.PRIVACY_OFFICER: frozenset(
        {
            Right.SEE_PEOPLE,
            Right.SEE_HISTORY,
            Right.SEE_ATTENDANCE,
            Right.REVIEW_UNKNOWN,
            Right.ERASE,
            Right.EXPORT,
            Right.SET_RETENTION,
            Right.SET_CONSENT,
            Right.SEE_AUDIT,
        }
    ),
    Role.ADMINISTRATOR: frozenset(Right),
}
ROLES: dict[Role, _StrOrPromise] = {
    Role.KIOSK: _("Kiosk"),
    Role.RECEPTIONIST: _("Receptionist"),
    Role.MANAGER: _("Manager"),
    Role.PRIVACY_OFFICER: _("Privacy officer"),
    Role.ADMINISTRATOR: _("Administrator"),
}
"""As pages name them."""
EXPLAINED: dict[Role, _StrOrPromise] = {
    Role.KIOSK: _("A device at a door: the live page and nothing else."),
    Role.RECEPTIONIST: _("Enrols people, uses the live page and sees who is in."),
    Role.MANAGER: _("Also corrects records, sees the history and the reports, and sets thresholds and liveness."),
    Role.PRIVACY_OFFICER: _(
        "Erases, exports, sets how long data is kept, edits the consent text, reads the audit trail."
    ),
    Role.ADMINISTRATOR: _("May do everything, and manages operators and the site."),
}
"""What each is for, as the pages of operators say it."""
STAFF = frozenset({Role.MANAGER, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR})
"""Who enters Django's admin; what they see there follows their rights."""
