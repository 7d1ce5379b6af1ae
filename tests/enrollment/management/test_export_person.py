from __future__ import annotations

import zipfile
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


class TestExportPerson:
    def test_writes_the_copy(self, enroll, tmp_path):
        ada, out = enroll("Ada", 1), StringIO()
        call_command("export_person", str(ada.uuid), str(tmp_path / "ada.zip"), stdout=out)
        with zipfile.ZipFile(tmp_path / "ada.zip") as archive:
            assert "data.json" in archive.namelist()
        assert "not encrypted" in out.getvalue()

    def test_overwrites_nothing(self, enroll, tmp_path):
        (tmp_path / "ada.zip").write_text("mine")
        with pytest.raises(CommandError, match="exists already"):
            call_command("export_person", str(enroll("Ada", 1).uuid), str(tmp_path / "ada.zip"))
        assert (tmp_path / "ada.zip").read_text() == "mine"

    @pytest.mark.parametrize("uuid", ["nobody", "00000000-0000-0000-0000-000000000000"])
    def test_leaves_no_file_for_nobody(self, tmp_path, uuid):
        with pytest.raises(CommandError, match="no such person"):
            call_command("export_person", uuid, str(tmp_path / "x.zip"))
        assert not list(tmp_path.iterdir())

    def test_leaves_no_half_file(self, enroll, tmp_path, monkeypatch):
        monkeypatch.setattr("enrollment.rights.export._write_json", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            call_command("export_person", str(enroll("Ada", 1).uuid), str(tmp_path / "x.zip"))
        assert not list(tmp_path.iterdir())

    def test_says_when_the_file_cannot_be_written(self, enroll, tmp_path):
        with pytest.raises(CommandError, match="cannot be written"):
            call_command("export_person", str(enroll("Ada", 1).uuid), str(tmp_path / "missing" / "x.zip"))
