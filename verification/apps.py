from django.apps import AppConfig


class VerificationConfig(AppConfig):
    name = "verification"
    verbose_name = "Verification"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from enrollment.policy import use_policy_source
        from enrollment.services import on_erase
        from verification.policy import current_policy
        from verification.services import forget_people

        on_erase(forget_people)
        use_policy_source(current_policy)
