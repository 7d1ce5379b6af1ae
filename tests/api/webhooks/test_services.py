"""Setting up, switching and removing webhooks."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from api.models import Delivery, Webhook
from api.webhooks import services
from api.webhooks.targets import TargetForbidden
from security.allowing import NotAllowed
from security.models import AuditEvent
from security.roles.table import Role
from tests.support.operators import make_operator

pytestmark = pytest.mark.django_db
URL = "https://door.example.org/hooks"
EVENTS = ["attempt.decided"]


@pytest.fixture
def webhook() -> Webhook:
    return services.create_webhook(actor=None, url=URL, events=EVENTS)[0]


class TestCreateWebhook:
    def test_is_for_administrators_and_leaves_a_row_without_the_address(self):
        administrator = make_operator(Role.ADMINISTRATOR)
        webhook, secret = services.create_webhook(actor=administrator, url=URL, events=EVENTS)
        assert secret.startswith("whsec_")
        row = AuditEvent.objects.get(action="webhook.created")
        assert (row.actor, row.target) == (f"operator:{administrator.pk}", f"webhook:{webhook.uuid}")
        with pytest.raises(NotAllowed):
            services.create_webhook(actor=make_operator(Role.MANAGER), url=URL, events=EVENTS)

    def test_refuses_what_cannot_be_told_or_reached(self):
        with pytest.raises(ValidationError, match=r"There is no event person.seen"):
            services.create_webhook(actor=None, url=URL, events=["person.seen"])
        with pytest.raises(ValidationError, match="at least one"):
            services.create_webhook(actor=None, url=URL, events=[])
        with pytest.raises(TargetForbidden):
            services.create_webhook(actor=None, url="https://127.0.0.1/", events=EVENTS)
        assert not Webhook.objects.exists()

    def test_there_are_only_so_many(self, monkeypatch):
        monkeypatch.setattr(services, "MOST_WEBHOOKS", 1)
        services.create_webhook(actor=None, url=URL, events=EVENTS)
        with pytest.raises(services.TooManyWebhooks):
            services.create_webhook(actor=None, url=URL, events=EVENTS)


class TestChanges:
    def test_a_webhook_that_is_off_gets_no_new_messages(self, webhook):
        services.switch_webhook(actor=None, webhook=webhook, on=False)
        webhook.refresh_from_db()
        assert webhook.ended == Webhook.Ended.BY_HAND
        services.switch_webhook(actor=None, webhook=webhook, on=True)
        webhook.refresh_from_db()
        assert not webhook.ended
        assert AuditEvent.objects.filter(action="webhook.changed").count() == 2

    def test_what_waits_goes_with_it(self, webhook):
        services.send_test(actor=None, webhook=webhook)
        services.delete_webhook(actor=None, webhook=webhook)
        assert not Delivery.objects.exists() and not Webhook.objects.exists()
