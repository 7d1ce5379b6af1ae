"""The pages of webhooks."""

from __future__ import annotations

import pytest

from api.models import Delivery, Webhook
from api.webhooks.delivering import deliver_due
from security.roles.table import Role
from tests.support.operators import make_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make_client(Role.ADMINISTRATOR)


def test_an_administrator_sets_one_up_tries_it_and_removes_it(administrator, receiver):
    page = administrator.post("/site/webhooks/new/", {"url": receiver.url, "events": ["attempt.decided"]})
    assert "whsec_" in page.content.decode() and page.headers["Cache-Control"] == "no-store"
    webhook = Webhook.objects.get()
    one = f"/site/webhooks/{webhook.uuid}/"
    assert administrator.post(f"{one}test/").status_code == 302
    deliver_due()
    page = administrator.get(one).content.decode()
    assert "webhook.test" in page and "Delivered" in page
    assert administrator.post(f"{one}deliveries/{Delivery.objects.get().pk}/replay/").status_code == 302
    deliver_due()
    assert len(receiver.received) == 2
    assert "whsec_" in administrator.post(f"{one}secret/").content.decode()
    administrator.post(f"{one}switch/", {"on": "no"})
    assert "Switched off" in administrator.get("/site/webhooks/").content.decode()
    administrator.post(f"{one}delete/")
    assert "No webhooks yet" in administrator.get("/site/webhooks/").content.decode()


def test_the_dashboard_warns_administrators_of_one_that_the_product_switched_off(administrator, receiver):
    administrator.post("/site/webhooks/new/", {"url": receiver.url, "events": ["attempt.decided"]})
    assert "switched off because" not in administrator.get("/").content.decode()
    Webhook.objects.update(ended=Webhook.Ended.GONE)
    assert "1 webhook was switched off because" in administrator.get("/").content.decode()
    assert "switched off because" not in make_client(Role.MANAGER).get("/").content.decode()


def test_what_is_wrong_stands_at_the_field(administrator):
    page = administrator.post("/site/webhooks/new/", {"url": "https://127.0.0.1/"})
    assert page.status_code == 400
    text = page.content.decode()
    assert "private network" in text and "Tick at least one" in text
