"""What operators may do: one name per right. Roles are Django groups that hold some of them."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class Right(StrEnum):
    """A permission of Django's, as `user.has_perm()` takes it."""

    VERIFY = "security.verify_people"
    ENROL = "security.enrol_people"
    SEE_PEOPLE = "security.see_people"
    CORRECT = "security.correct_people"
    SEE_HISTORY = "security.see_history"
    SEE_ATTENDANCE = "security.see_attendance"
    SEE_REPORTS = "security.see_reports"
    SET_POLICY = "security.set_policy"
    REVIEW_UNKNOWN = "security.review_unknown"
    ERASE = "security.erase_people"
    EXPORT = "security.export_data"
    SET_RETENTION = "security.set_retention"
    SET_CONSENT = "security.set_consent"
    SEE_AUDIT = "security.see_audit"
    MANAGE_OPERATORS = "security.manage_operators"
    MANAGE_SITE = "security.manage_site"
    USE_KIOSK = "security.use_kiosk"

    @property
    def codename(self) -> str:
        return self.value.removeprefix("security.")


RIGHTS = {
    Right.VERIFY: _("Use the live page and the photo check"),
    Right.ENROL: _("Enrol people and add samples"),
    Right.SEE_PEOPLE: _("See people and their pictures"),
    Right.CORRECT: _("Correct records, samples and wrong matches"),
    Right.SEE_HISTORY: _("See the history of decisions"),
    Right.SEE_ATTENDANCE: _("See who is in, and attendance by day"),
    Right.SEE_REPORTS: _("See calibration, duplicates and other reports"),
    Right.SET_POLICY: _("Set thresholds, liveness and the model pack"),
    Right.REVIEW_UNKNOWN: _("See and handle unknown faces"),
    Right.ERASE: _("Erase people"),
    Right.EXPORT: _("Export data"),
    Right.SET_RETENTION: _("Set how long data is kept"),
    Right.SET_CONSENT: _("Edit the consent text and the public notice"),
    Right.SEE_AUDIT: _("See the audit trail"),
    Right.MANAGE_OPERATORS: _("Manage operators and their roles"),
    Right.MANAGE_SITE: _("Manage packs, kiosks, keys and webhooks"),
    Right.USE_KIOSK: _("Be a kiosk at a door"),
}
"""Every right, as pages name it."""
