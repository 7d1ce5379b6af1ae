from django.apps import AppConfig


class EnrollmentConfig(AppConfig):
    name = "enrollment"
    verbose_name = "Enrollment"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from enrollment import retention
        from enrollment.selectors import audit_links
        from security.audit.targets import targets

        targets.register("person", gone="a person who has been erased", find=audit_links)
        from enrollment.selectors import names_and_pages
        from security.retention.rules import retention_rules
        from security.roles.second_person import describers

        describers["person"] = names_and_pages
        for rule in retention.RULES:
            retention_rules.register(rule)
