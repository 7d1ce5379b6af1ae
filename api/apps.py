from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from api.answers import forget_answers, forget_old_answers
        from api.mqtt.listening import tell_broker
        from api.recognition import follow_policy
        from api.webhooks import retention
        from api.webhooks.delivering import courier
        from api.webhooks.outbox import on_queued, put_into_outbox
        from enrollment.hooks import hooks
        from security.daily import daily_tasks
        from security.happenings import listen
        from security.retention.rules import retention_rules
        from security.rights import Right
        from security.sections import Section, add_section

        hooks.on_erase(forget_answers)
        daily_tasks.register("api_answers", forget_old_answers)
        listen(put_into_outbox)
        listen(tell_broker)
        listen(follow_policy)
        if courier.wake not in on_queued:
            on_queued.append(courier.wake)
        retention_rules.register(retention.RULE)
        add_section(
            Section(
                _("Webhooks"),
                _("Which programs are told what happens here, and whether the messages arrive."),
                "webhooks:all",
                (Right.MANAGE_SITE,),
                icon="external",
            )
        )
