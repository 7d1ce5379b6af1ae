"""Webhooks through the API."""

from __future__ import annotations

from api.models import Webhook
from security.models import AuditEvent
from tests.support.api import problem
from tests.support.ids import NOBODY

URL = "https://door.example.org/hooks"


def test_they_are_made_listed_and_removed(program):
    made = program.post("/webhooks", {"url": URL, "events": ["attempt.decided"]})
    assert made.status_code == 201, made.content
    assert made.json()["secret"].startswith("whsec_")
    (listed,) = program.get("/webhooks").json()["webhooks"]
    assert listed == {name: value for name, value in made.json().items() if name != "secret"}
    assert program.delete(f"/webhooks/{listed['id']}").status_code == 204
    assert not Webhook.objects.exists()
    assert AuditEvent.objects.filter(action="webhook.created", actor=f"api_key:{program.key.pk}").exists()


def test_what_cannot_be_is_refused_in_words(program):
    assert problem(program.post("/webhooks", {"url": "https://10.0.0.1/", "events": ["attempt.decided"]})) == (
        422,
        "target_forbidden",
    )
    assert problem(program.post("/webhooks", {"url": URL, "events": ["person.seen"]})) == (422, "request_invalid")
    assert problem(program.delete(f"/webhooks/{NOBODY}")) == (404, "not_found")
