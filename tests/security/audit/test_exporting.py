"""A file that is verified where there is no database, and whatever may be done to it on the way."""

from __future__ import annotations

import json
import stat

import pytest
from django.contrib.auth.models import User

from security.allowing import NotAllowed
from security.audit.actions import Action
from security.audit.exporting import begin_export, begin_table, verify_lines, write_export
from security.audit.pruning import prune_audit
from security.audit.recording import record
from security.audit.sealing import seal_now
from security.audit.selectors import AuditFilters
from security.audit.signing import SigningKey, site_key
from security.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> list[bytes]:
    for number in range(1, 6):
        record(Action.POLICY_SAVED, actor=None, target=number, words="Zoë", fmr=0.001 * number)
        if number == 3:
            seal_now()
    return [line.encode() for line in begin_export(actor=None)]


def found(lines) -> tuple[str, int]:
    problem = verify_lines(lines, [site_key().public]).problem
    assert problem is not None
    return problem.kind, problem.number


def kinds(lines) -> list[str]:
    return [json.loads(line)["type"] for line in lines]


class TestAnExport:
    def test_has_rows_seals_and_an_end_and_is_itself_on_record(self, lines):
        assert kinds(lines) == ["audit", "row", "row", "row", "seal", "row", "row", "row", "seal", "end"]
        assert json.loads(lines[7])["action"] == "export.audit"

    def test_is_whole(self, lines):
        report = verify_lines(lines)
        assert (report.problem, report.rows, report.through, report.sealed_through) == (None, 6, 6, 6)

    def test_needs_no_database(self, lines, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert verify_lines(lines).problem is None

    def test_is_whole_after_retention_took_rows_away(self, lines):
        prune_audit(actor=None, before=AuditEvent.objects.get(number=4).at)
        report = verify_lines([line.encode() for line in begin_export(actor=None)])
        assert (report.problem, report.first) == (None, 4)

    def test_is_not_for_everybody(self):
        with pytest.raises(NotAllowed):
            begin_export(actor=User.objects.create_user("olivia"))
        with pytest.raises(NotAllowed):
            begin_table(actor=User.objects.create_user("otto"), filters=AuditFilters())
        assert not AuditEvent.objects.exists()

    def test_is_written_whole_for_its_owner_alone(self, lines, tmp_path):
        path = tmp_path / "audit.jsonl"
        assert write_export(path, actor=None) == len(path.read_bytes().splitlines())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["audit.jsonl"]

    def test_leaves_nothing_behind_when_it_fails(self, lines, tmp_path, settings):
        settings.FACESITE_AUDIT_KEY = "broken"
        with pytest.raises(Exception, match="32 bytes"):
            write_export(tmp_path / "audit.jsonl", actor=None)
        assert not list(tmp_path.iterdir())


class TestAFileThatWasTamperedWith:
    def test_a_changed_row_is_named(self, lines):
        lines[2] = lines[2].replace(b"0.002", b"0.003")
        assert found(lines) == ("changed", 2)

    def test_a_removed_row_is_named(self, lines):
        del lines[3]
        assert found(lines) == ("removed", 3)

    def test_an_inserted_row_is_named(self, lines):
        lines.insert(3, lines[2])
        assert found(lines) == ("inserted", 2)

    @pytest.mark.parametrize("kept", [1, 3, 5, 8, 9])
    def test_a_file_that_was_cut_short_is_noticed(self, lines, kept):
        assert found(lines[:kept])[0] == "removed"

    def test_an_earlier_seal_is_no_end(self, lines):
        seal = json.loads(lines[4]) | {"type": "end"}
        assert found([*lines[:5], json.dumps(seal).encode()]) == ("unreadable", 6)

    def test_a_seal_in_the_place_of_the_end_does_not_fit(self, lines):
        seal = json.loads(lines[4]) | {"type": "end", "kind": "export"}
        assert found([*lines[:5], json.dumps(seal).encode()]) == ("seal", 3)

    def test_nothing_may_follow_the_end(self, lines):
        assert found([*lines, lines[2]]) == ("inserted", 11)

    @pytest.mark.parametrize("line", [b"", b"{", b"[]", b"\xff", b'{"type":"row"}', b'{"type":"x"}', b"[" * 100_000])
    def test_a_line_that_cannot_be_read_is_named(self, lines, line):
        lines[2] = line
        assert found(lines) == ("unreadable", 3)

    def test_a_field_too_many_is_noticed(self, lines):
        lines[2] = lines[2].replace(b'{"type"', b'{"note":"x","type"')
        assert found(lines) == ("unreadable", 3)

    def test_a_file_written_anew_with_another_key_is_not_believed(self, lines, settings):
        trusted = site_key().public
        settings.FACESITE_AUDIT_KEY = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0="
        AuditEvent.objects.all().delete()
        forged = SigningKey(b"f" * 32)
        header = json.loads(lines[0]) | {"key": forged.public.key_id, "public_key": forged.public.public_text}
        end = forged.seal("export", 6, json.loads(lines[7])["hash"])
        rows = [line for line in lines if b'"row"' in line]
        again = [json.dumps(header).encode(), *rows, json.dumps({"type": "end", **_values(end)}).encode()]
        problem = verify_lines(again, [trusted]).problem
        assert problem is not None
        assert problem.kind == "key"

    def test_another_file_is_none(self):
        assert found([b"name,age\n"]) == ("unreadable", 1)
        assert found([]) == ("unreadable", 1)


class TestTheTable:
    def test_has_the_rows_that_fit_and_is_on_record_with_filter_and_count(self, lines):
        table = list(begin_table(actor=None, filters=AuditFilters(action="policy.saved")))
        assert table[0].startswith("\ufeffrow,time,who")
        assert [line.split(",")[0] for line in table[1:]] == ["5", "4", "3", "2", "1"]
        assert AuditEvent.objects.get(number=7).facts == {
            "format": "csv",
            "rows": 5,
            "filters": {"action": "policy.saved"},
        }


def _values(seal) -> dict:
    return {name: getattr(seal, name) for name in seal.__dataclass_fields__}
