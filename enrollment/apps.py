from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EnrollmentConfig(AppConfig):
    name = "enrollment"
    verbose_name = _("Enrollment")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from enrollment import retention
        from enrollment.hooks import hooks
        from enrollment.importing import runs
        from enrollment.milvus.keeping import keeper
        from enrollment.milvus.loading import refresh
        from enrollment.rights.consenting import expire_consents
        from enrollment.rights.due import ENDED_CONSENTS
        from enrollment.runtime.gallery import shared
        from enrollment.selectors import audit_links, group_audit_links
        from security.audit.targets import targets
        from security.daily import daily_tasks

        targets.register("person", gone=_("a person who has been erased"), find=audit_links)
        targets.register("group", gone=_("a group that was deleted"), find=group_audit_links)
        from security.retention.rules import retention_rules
        from security.rights import Right
        from security.sections import Section, add_section

        for rule in (*retention.RULES, ENDED_CONSENTS):
            retention_rules.register(rule)
        hooks.on_new_day(expire_consents)
        daily_tasks.register(runs.TASK, runs.forget_old_reports)
        hooks.on_gallery_changed(keeper.after_commit)
        shared.refresh = refresh
        add_section(
            Section(
                title=_("Model packs"),
                text=_("Which models recognise faces here, what they may be used for, installing and switching."),
                url_name="packs:all",
                rights=(Right.MANAGE_SITE, Right.SET_POLICY),
                icon="image",
            )
        )
        add_section(
            Section(
                title=_("Consent"),
                text=_("The text that people agree to, how long a consent lasts, and what follows its end."),
                url_name="site_consent",
                rights=(Right.SET_CONSENT,),
                icon="edit",
            )
        )
        add_section(
            Section(
                title=_("Public notice"),
                text=_("What everybody may read about faces at this site, without a login."),
                url_name="site_privacy_notice",
                rights=(Right.SET_CONSENT,),
                icon="info",
            )
        )
        add_section(
            Section(
                title=_("Groups"),
                text=_("Departments, shifts, visitors: whom lists and exports show together."),
                url_name="enrollment:groups",
                rights=(Right.CORRECT,),
                icon="people",
            )
        )
