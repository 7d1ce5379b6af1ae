from django.apps import AppConfig


class SecurityConfig(AppConfig):
    name = "security"
    verbose_name = "Security"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from security.daily import daily_tasks
        from security.retention import runner, sessions
        from security.retention.rules import retention_rules

        retention_rules.register(sessions.RULE)
        daily_tasks.register(runner.TASK, runner.erase_due, first_after=runner.FIRST_AFTER)
