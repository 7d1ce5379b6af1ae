from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SecurityConfig(AppConfig):
    name = "security"
    verbose_name = _("Security")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from security.audit.sealing import seal_now
        from security.daily import Shift, daily_tasks
        from security.languages import remember_language
        from security.retention import audit_rows, runner, sign_ins
        from security.retention.rules import retention_rules
        from security.rights import Right
        from security.roles.groups import write_groups
        from security.roles.second_person import RIGHT_OF
        from security.sections import Section, add_section

        post_migrate.connect(write_groups, sender=self, dispatch_uid="security.write_groups")
        user_logged_in.connect(remember_language, dispatch_uid="security.remember_language")
        add_section(
            Section(
                _("Operators"),
                _("Who works with the product, and in which role."),
                "security:operators",
                (Right.MANAGE_OPERATORS,),
                icon="people",
            )
        )
        add_section(
            Section(
                _("Audit trail"),
                _("See who did what, verify that nothing was changed, export it."),
                "security:audit",
                (Right.SEE_AUDIT,),
                icon="shield",
            )
        )
        add_section(
            Section(
                _("Approvals"),
                _("Agree to what another operator asks for, where it takes two."),
                "security:approvals",
                tuple(RIGHT_OF.values()),
                icon="check",
            )
        )
        add_section(
            Section(
                _("Retention"),
                _("How long pictures, attempts and inactive people are kept, and what would be erased now."),
                "security:retention",
                (Right.SET_RETENTION,),
                icon="history",
            )
        )
        add_section(
            Section(
                _("API keys"),
                _("How other programs get in: what each may do, when it was used last."),
                "security:api_keys",
                (Right.MANAGE_SITE,),
                icon="external",
            )
        )
        for rule in sign_ins.RULES:
            retention_rules.register(rule)
        retention_rules.register(audit_rows.RULE)

        def seal(shift: Shift) -> None:
            seal_now()

        daily_tasks.register("audit_seal", seal)
        daily_tasks.register(runner.TASK, runner.erase_due, first_after=runner.FIRST_AFTER)
