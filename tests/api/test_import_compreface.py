from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from api import moving
from enrollment.models import Person
from tests.support.compreface import API_KEY, running_compreface
from tests.verification.conftest import ADA, BOB

pytestmark = pytest.mark.django_db


@pytest.fixture
def key_file(tmp_path) -> Path:
    file = tmp_path / "key"
    file.write_text(f"{API_KEY}\n")
    return file


def run(url: str, key_file: Path, *options: str) -> dict:
    out = StringIO()
    call_command("import_compreface", url, "--api-key-file", str(key_file), "--json", *options, stdout=out)
    return json.loads(out.getvalue())


class TestImportCompreface:
    def test_takes_over_every_subject_with_its_pictures_and_changes_nothing_the_second_time(
        self, engine, picture, key_file, monkeypatch
    ):
        monkeypatch.setattr(moving, "PAGE", 2)
        people = {
            "Ada/Lovelace": [picture(ADA, n) for n in (1, 2, 3)],
            "Bob": [picture(BOB, 1), b"no picture"],
        }
        with running_compreface(people) as url:
            first = run(url, key_file, "--consent", "paper")["people"]
            again = run(url, key_file)["people"]
        assert [(each["subject"], each["created"], each["added"]) for each in first] == [
            ("Ada/Lovelace", True, 3),
            ("Bob", True, 1),
        ]
        assert [each["code"] for each in first[1]["refused"]] == ["image_undecodable"]
        assert [(each["created"], each["added"]) for each in again] == [(False, 0), (False, 0)]
        agreed = Person.objects.get(name="Bob").consent
        assert agreed is not None
        assert agreed.how == "paper"

    def test_says_which_subjects_were_left_out(self, engine, key_file):
        with running_compreface({"Nobody": []}) as url, pytest.raises(CommandError, match="1 of 1 subjects"):
            run(url, key_file)

    def test_says_that_the_key_is_wrong(self, engine, key_file):
        key_file.write_text("another")
        with running_compreface({}) as url, pytest.raises(CommandError, match="refused the API key"):
            run(url, key_file)

    def test_says_that_nobody_answers(self, engine, key_file):
        with pytest.raises(CommandError, match="cannot be reached"):
            run("http://127.0.0.1:9", key_file)
        with pytest.raises(CommandError, match="must begin with"):
            run("compreface", key_file)
