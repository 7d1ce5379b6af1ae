from django.apps import AppConfig


class EnrollmentConfig(AppConfig):
    name = "enrollment"
    verbose_name = "Enrollment"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from enrollment.hooks import hooks
        from enrollment.rights.consenting import expire_consents

        hooks.on_new_day(expire_consents)
