from django.apps import AppConfig


class VerificationConfig(AppConfig):
    name = "verification"
    verbose_name = "Verification"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from enrollment.gallery import use_confusion_source
        from enrollment.policy import use_policy_source
        from enrollment.rebuilding import on_rebuild
        from enrollment.services import on_erase
        from verification.feedback import load_confusions, rebuild_false_matches
        from verification.policy import current_policy
        from verification.services import forget_people

        on_erase(forget_people)
        use_policy_source(current_policy)
        use_confusion_source(load_confusions)
        on_rebuild(rebuild_false_matches)
