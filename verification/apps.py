from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VerificationConfig(AppConfig):
    name = "verification"
    verbose_name = _("Verification")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from enrollment.hooks import hooks
        from security.audit.targets import targets
        from security.retention.rules import retention_rules
        from verification import retention
        from verification.policy import current_policy
        from verification.review.feedback import load_confusions, rebuild_false_matches
        from verification.rights import held_about, periods
        from verification.selectors import audit_links, last_seen
        from verification.services import forget_people

        targets.register("attempt", gone=_("an attempt that is no longer kept"), find=audit_links)
        hooks.on_erase(forget_people)
        hooks.on_rebuild(rebuild_false_matches)
        hooks.on_export(held_about)
        hooks.on_periods(periods)
        hooks.policy = current_policy
        hooks.confusions = load_confusions
        hooks.last_seen = last_seen
        for rule in retention.RULES:
            retention_rules.register(rule)
