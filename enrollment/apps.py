from django.apps import AppConfig


class EnrollmentConfig(AppConfig):
    name = "enrollment"
    verbose_name = "Enrollment"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from enrollment import retention
        from security.retention.rules import retention_rules

        for rule in retention.RULES:
            retention_rules.register(rule)
