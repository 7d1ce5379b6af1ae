from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from api.answers import forget_answers, forget_old_answers
        from enrollment.hooks import hooks
        from security.daily import daily_tasks

        hooks.on_erase(forget_answers)
        daily_tasks.register("api_answers", forget_old_answers)
