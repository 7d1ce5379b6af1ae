from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AttendanceConfig(AppConfig):
    name = "attendance"
    verbose_name = _("Attendance")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from attendance import closing
        from attendance.kiosks.selectors import audit_links as kiosk_links
        from attendance.punches.listening import on_decision
        from attendance.reports.selectors import audit_links
        from attendance.retention import RULE
        from attendance.rights import count_punches, held_about
        from enrollment.hooks import hooks
        from security.audit.targets import targets
        from security.daily import daily_tasks
        from security.happenings import listen
        from security.machines import mark_machines
        from security.retention.rules import retention_rules
        from security.rights import Right
        from security.sections import Section, add_section

        listen(on_decision)
        mark_machines("kiosk")
        targets.register("kiosk", gone=_("a kiosk that is gone"), find=kiosk_links)
        targets.register("punch", gone=_("a check-in or check-out that is no longer kept"), find=audit_links)
        hooks.on_erase(count_punches)
        hooks.on_export(held_about)
        retention_rules.register(RULE)
        daily_tasks.register(closing.TASK, closing.run)
        add_section(
            Section(
                title=_("Attendance"),
                text=_("Whose matches check people in and out, how soon a second look counts, what closes open days."),
                url_name="attendance:policy",
                rights=(Right.MANAGE_SITE,),
                icon="history",
            )
        )
        add_section(
            Section(
                title=_("Kiosks"),
                text=_("Tablets and laptops at doors: pair a device, see when it was last seen, revoke it."),
                url_name="kiosks:kiosks",
                rights=(Right.MANAGE_SITE,),
                icon="camera",
            )
        )
        add_section(
            Section(
                title=_("Schedules and days off"),
                text=_("When people are expected, so that reports say who was late or absent."),
                url_name="attendance:schedules",
                rights=(Right.MANAGE_SITE,),
                icon="history",
            )
        )
