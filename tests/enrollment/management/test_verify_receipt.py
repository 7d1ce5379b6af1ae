from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from enrollment import services
from enrollment.receipts import receipt_json

pytestmark = pytest.mark.django_db


@pytest.fixture
def receipt(enroll, tmp_path) -> Path:
    file = tmp_path / "receipt.json"
    file.write_text(receipt_json(*services.erase_person(actor=None, person=enroll("Ada Lovelace", 1))))
    return file


class TestVerifyReceipt:
    def test_says_who_was_erased(self, receipt):
        out = StringIO()
        call_command("verify_receipt", str(receipt), stdout=out)
        assert out.getvalue().startswith("Genuine. Ada Lovelace (person ")

    def test_a_changed_one_fails(self, receipt):
        document = json.loads(receipt.read_text())
        document["statement"]["counts"]["samples"] = 5
        receipt.write_text(json.dumps(document))
        with pytest.raises(CommandError, match="changed"):
            call_command("verify_receipt", str(receipt))

    def test_another_key_can_be_named(self, receipt):
        with pytest.raises(CommandError, match="another key"):
            call_command("verify_receipt", str(receipt), "--key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")

    def test_says_what_is_no_receipt(self, tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("verify_receipt", str(tmp_path / "none"))
        (tmp_path / "text").write_text("hello")
        with pytest.raises(CommandError, match="not JSON"):
            call_command("verify_receipt", str(tmp_path / "text"))
