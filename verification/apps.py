from django.apps import AppConfig


class VerificationConfig(AppConfig):
    name = "verification"
    verbose_name = "Verification"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from enrollment.packs.rebuilding import on_rebuild
        from enrollment.runtime.gallery import use_confusion_source
        from enrollment.runtime.policy import use_policy_source
        from enrollment.services import on_erase
        from verification.policy import current_policy
        from verification.review.feedback import load_confusions, rebuild_false_matches
        from verification.services import forget_people

        on_erase(forget_people)
        use_policy_source(current_policy)
        use_confusion_source(load_confusions)
        on_rebuild(rebuild_false_matches)
