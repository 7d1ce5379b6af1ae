from django.apps import AppConfig
from django.db.models.signals import post_delete
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
        from verification.selectors import audit_links
        from verification.services import forget_people
        from verification.sightings import counts_again

        targets.register("attempt", gone=_("an attempt that is no longer kept"), find=audit_links)
        hooks.on_erase(forget_people)
        hooks.on_rebuild(rebuild_false_matches)
        hooks.on_export(held_about)
        hooks.on_periods(periods)
        hooks.policy = current_policy
        hooks.confusions = load_confusions
        post_delete.connect(counts_again, sender="verification.FalseMatch", dispatch_uid="counts_again")
        for rule in retention.RULES:
            retention_rules.register(rule)
