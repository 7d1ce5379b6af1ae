"""An integrator's evening, on SQLite and MariaDB: a key, an enrolment, a decision, a webhook, an erasure, the trail."""

from __future__ import annotations

import json
import time

import pytest

from facesite_client import Facesite, NotFound, read_message
from security.keys.scopes import Scope
from tests.support.receiver import Receiver, listening
from tests.support.server import running_server
from tests.verification.conftest import ADA


def wait_for(receiver: Receiver, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(receiver.received) < number and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(receiver.received) >= number


def test_from_a_key_to_the_audit_rows(models_dir, engine, picture, tmp_path):
    with running_server(models_dir, FACESITE_WEBHOOKS_PRIVATE="on") as server, listening() as receiver:
        key = json.loads(server.manage("api_keys", "create", "front door", "--scope", *Scope, "--json"))
        with Facesite(server.url, key["secret"]) as site:
            events = ["person.enrolled", "attempt.decided", "person.erased"]
            secret = site.create_webhook(receiver.url, events).secret or ""
            person = site.create_person("Ada Lovelace", consent={"how": "paper"})
            for number in (1, 2, 3):
                site.add_sample(person.id, picture(ADA, number))
            (face,) = site.identify(picture(ADA, 4))
            assert face.person and face.person.id == person.id
            site.erase_person(person.id)
            with pytest.raises(NotFound):
                site.get_person(person.id)
        wait_for(receiver, 3)
        told = [read_message(one.headers, one.body, secret) for one in receiver.received]
        assert [one.type for one in told] == events
        assert told[0].data["person"] == told[1].data["person"] == told[2].data["person"] == person.id
        assert told[1].data["attempt"] == face.attempt
        server.manage("audit", "export", str(tmp_path / "trail.jsonl"))
        server.manage("audit", "verify")
        rows = [json.loads(line) for line in (tmp_path / "trail.jsonl").read_text().splitlines()]
        done = [(row["actor"], row["action"]) for row in rows if row.get("target", "").endswith(person.id)]
        by = f"api_key:{key['id']}"
        samples = ["person.samples_added"] * 3
        assert done == [
            (by, action) for action in ("person.enrolled", "person.consent_recorded", *samples, "person.erased")
        ]
