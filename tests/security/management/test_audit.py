"""manage.py audit verify | export | seal | key, as an operator types it."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from security.audit.actions import Action
from security.audit.recording import record
from security.audit.signing import site_key
from security.models import AuditEvent

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("audit", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def rows() -> None:
    for _ in range(3):
        record(Action.POLICY_SAVED, actor=None)


class TestVerify:
    def test_says_that_nothing_is_there_yet(self):
        assert "no rows yet" in run("verify")

    def test_says_that_all_is_whole(self, rows):
        run("seal")
        assert run("verify").startswith("All 3 rows are whole, from 1 to 3. Sealed through row 3 on ")

    def test_names_the_first_row_that_is_wrong(self, rows):
        AuditEvent.objects.filter(number=2).delete()
        with pytest.raises(CommandError, match=r"Row 2 was removed"):
            run("verify")

    def test_as_json(self, rows, capsys):
        assert json.loads(run("verify", "--json")) == {
            "ok": True,
            "rows": 3,
            "first": 1,
            "through": 3,
            "seals": 0,
            "sealed_through": 0,
            "sealed_at": None,
            "problem": None,
        }
        AuditEvent.objects.filter(number=2).update(actor="operator:2")
        out = io.StringIO()
        with pytest.raises(CommandError):
            call_command("audit", "verify", "--json", stdout=out)
        problem = json.loads(out.getvalue())["problem"]
        assert (problem["kind"], problem["number"]) == ("changed", 2)


class TestExport:
    def test_is_verified_with_the_key_of_the_site_or_a_file_of_it(self, rows, tmp_path):
        path, key = tmp_path / "audit.jsonl", tmp_path / "key.txt"
        assert "lines were written to" in run("export", str(path))
        key.write_text(run("key"))
        assert key.read_text().strip() == site_key().public.public_text
        for words in ((), ("--public-key", key.read_text()), ("--public-key", str(key))):
            assert "All 4 rows are whole" in run("verify", "--file", str(path), *words)

    def test_without_the_right_key_is_not_believed(self, rows, tmp_path):
        run("export", str(tmp_path / "audit.jsonl"))
        other = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0="
        with pytest.raises(CommandError, match="not known here"):
            run("verify", "--file", str(tmp_path / "audit.jsonl"), "--public-key", other)

    @pytest.mark.parametrize("words", [("verify", "--file"), ("export",)])
    def test_a_folder_that_is_not_there_is_one_sentence(self, rows, tmp_path, words):
        with pytest.raises(CommandError, match="No such file"):
            run(*words, str(tmp_path / "nowhere" / "audit.jsonl"))

    def test_a_key_that_is_none_is_one_sentence(self, tmp_path):
        with pytest.raises(CommandError, match="32 bytes"):
            run("verify", "--public-key", "abc")
        (tmp_path / "key").write_bytes(bytes(range(128, 160)))
        with pytest.raises(CommandError, match="32 bytes in base64"):
            run("verify", "--public-key", str(tmp_path / "key"))


class TestSeal:
    def test_refuses_what_is_broken(self, rows):
        AuditEvent.objects.filter(number=2).update(actor="operator:2")
        with pytest.raises(CommandError, match="audit verify"):
            run("seal")
