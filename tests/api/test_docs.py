"""docs/api.md, run: every example against a real server, and CompreFace's own client."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from types import ModuleType
from urllib.request import urlopen

import pytest
from django.conf import settings

from security.keys.scopes import Scope
from tests.support.server import LiveServer
from tests.verification.conftest import ADA, BOB

BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def site(live_server_process: LiveServer) -> tuple[LiveServer, str]:
    """A running site and a key of every scope."""
    made = live_server_process.manage("api_keys", "create", "docs", "--scope", *Scope, "--json")
    return live_server_process, json.loads(made)["secret"]


@pytest.fixture
def pictures(tmp_path, picture):
    for number in range(1, 6):
        (tmp_path / f"ada-{number}.jpg").write_bytes(picture(ADA, number))
    (tmp_path / "bob.jpg").write_bytes(picture(BOB, 1))
    return tmp_path


def test_every_example_works_in_the_order_of_the_page(site, pictures):
    server, secret = site
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    script = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; echo; }\n' + "".join(BLOCK.findall(text))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=pictures,
        env={**os.environ, "SITE": server.url, "KEY": secret},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert answers[0]["status"] == "ready"
    named = [answer["faces"][0]["person"] for answer in answers if "image" in answer]
    assert [person["name"] for person in named] == ["Ada Lovelace"] * 3


def test_a_body_that_is_too_large_or_without_a_key_is_refused_before_it_is_read(site, tmp_path):
    server, secret = site
    (tmp_path / "large").write_bytes(b"\0" * (2 * 1024**2))
    command = ["curl", "-s", "-w", "\n%{http_code} %{content_type}", f"{server.url}/api/v1/identify"]
    kind = ["-H", "Content-Type: image/jpeg", "-H", "Expect:"]
    upload = [*command, *kind, "--data-binary", f"@{tmp_path / 'large'}"]
    without = subprocess.run([*upload, "-H", "Authorization: Bearer fsk_x"], capture_output=True, text=True).stdout
    assert without.splitlines()[1:] == ["401 application/problem+json"]
    assert json.loads(without.splitlines()[0])["code"] == "key_invalid"
    huge = [*command, *kind, "-H", f"Authorization: Bearer {secret}", "-H", "Content-Length: 999999999", "-d", "x"]
    refused = subprocess.run(huge, capture_output=True, text=True).stdout
    assert refused.splitlines()[1:] == ["413 application/problem+json"]
    assert json.loads(refused.splitlines()[0])["code"] == "frame_too_large"


def test_the_page_loads_nothing_from_elsewhere(site):
    server, _ = site
    with urlopen(f"{server.url}/api/v1/docs") as answer:
        page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert source.startswith("/")
        with urlopen(f"{server.origin}{source}") as answer:
            assert answer.status == 200


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
class TestComprefaceSdk:
    """compreface-sdk 0.6.0 as it is on the package index. It leaves its files open."""

    @pytest.fixture
    def service(self, site, monkeypatch):
        # requests-toolbelt 0.9.1, which it pins, looks for a module that urllib3 2 has dropped. An empty one will do.
        monkeypatch.setitem(sys.modules, "urllib3.contrib.appengine", ModuleType("appengine"))
        from compreface import CompreFace  # type: ignore[import-untyped]

        server, secret = site
        return CompreFace("http://localhost", str(server.port)).init_face_recognition(secret)

    def test_works_unchanged(self, service, pictures):
        subjects, faces = service.get_subjects(), service.get_face_collection()
        assert subjects.add("Grace Hopper") == {"subject": "Grace Hopper"}
        added = [faces.add(image_path=str(pictures / f"ada-{n}.jpg"), subject="Grace Hopper") for n in (1, 2, 3)]
        assert {each["subject"] for each in added} == {"Grace Hopper"}
        assert {each["image_id"] for each in faces.list()["faces"]} == {each["image_id"] for each in added}

        (known,) = service.recognize(str(pictures / "ada-4.jpg"), {"limit": 1, "face_plugins": "landmarks"})["result"]
        (named,) = known["subjects"]
        assert named["subject"] == "Grace Hopper"
        assert -1 <= named["similarity"] <= 1
        assert len(known["landmarks"]) == 5
        (stranger,) = service.recognize(str(pictures / "bob.jpg"))["result"]
        assert stranger["subjects"] == []

        (yes,) = faces.verify(str(pictures / "ada-4.jpg"), added[0]["image_id"])["result"]
        (no,) = faces.verify(str(pictures / "bob.jpg"), added[0]["image_id"])["result"]
        assert (yes["verdict"], no["verdict"]) == ("match", "non_match")
        assert yes["similarity"] == pytest.approx(named["similarity"], abs=0.3)

        assert subjects.update("Grace Hopper", "Grace M. Hopper") == {"updated": True}
        assert subjects.list()["subjects"] == ["Grace M. Hopper"]
        assert faces.delete(added[0]["image_id"])["image_id"] == added[0]["image_id"]
        assert faces.delete_all("Grace M. Hopper") == {"deleted": 2}
        assert subjects.delete("Grace M. Hopper") == {"subject": "Grace M. Hopper"}
        assert subjects.list() == {"subjects": []}

    def test_refusals_have_the_form_that_it_expects(self, service, pictures):
        refused = service.get_subjects().delete("Nobody")
        assert (refused["code"], refused["reason"]) == (43, "person_unknown")
        (pictures / "text.jpg").write_text("no picture")
        assert service.recognize(str(pictures / "text.jpg"))["reason"] == "image_undecodable"
