from __future__ import annotations

import base64
import json
from copy import deepcopy

import pytest

from enrollment import services
from enrollment.errors import PersonUnknown
from enrollment.models import ErasureReceipt
from enrollment.receipts import HandedOut, problem_with, receipt_json, receipt_of
from security.signing import site_public_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def handed_out(enroll, staff):
    """(the receipt's row, the person's copy as JSON)."""
    receipt, copy = services.erase_person(actor=staff, person=enroll("Ada Lovelace", 1, 2))
    return receipt, json.loads(receipt_json(receipt, copy))


class TestWriteReceipt:
    def test_says_who_when_by_whom_and_how_much(self, enroll, staff):
        ada = enroll("Ada Lovelace", 1, 2)
        receipt, _ = services.erase_person(actor=staff, person=ada)
        statement = receipt.statement
        assert (statement["person"], statement["erased_by"]) == (str(ada.uuid), f"operator:{staff.pk}")
        assert statement["erased_at"] == receipt.erased_at.isoformat(timespec="seconds")
        assert {name: statement["counts"][name] for name in ("samples", "templates", "consents")} == {
            "samples": 2,
            "templates": 2,
            "consents": 1,
        }

    def test_the_site_keeps_no_name(self, handed_out):
        receipt, copy = handed_out
        assert copy["name"] == "Ada Lovelace"
        row = ErasureReceipt.objects.filter(pk=receipt.pk).values().get()
        assert "Lovelace" not in str(row)
        assert copy["name_salt"] not in str(row)

    def test_every_record_of_the_person_has_one(self, enroll):
        people = [enroll("Ada", 1), enroll("Grace", 2)]
        assert services.erase_people(actor=None, people=people) == 2
        assert [receipt_of(person.uuid) is not None for person in people] == [True, True]

    def test_there_is_none_for_who_was_gone_already(self, enroll):
        ada = enroll("Ada", 1)
        services.erase_people(actor=None, people=[ada])
        with pytest.raises(PersonUnknown):
            services.erase_person(actor=None, person=ada)
        assert ErasureReceipt.objects.count() == 1


class TestProblemWith:
    def test_there_is_none_with_what_was_handed_out(self, handed_out):
        assert problem_with(handed_out[1], site_public_key()) == ""

    def test_there_is_none_with_the_sites_copy_without_the_name(self, handed_out):
        assert problem_with(json.loads(receipt_json(handed_out[0])), site_public_key()) == ""

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda copy: copy["statement"]["counts"].update(samples=3), "changed"),
            (lambda copy: copy["statement"].update(person="somebody else"), "changed"),
            (lambda copy: copy.update(signature="AAAA"), "changed"),
            (lambda copy: copy.update(name="Grace Hopper"), "name"),
            (lambda copy: copy.pop("name_salt"), "name"),
            (lambda copy: copy["statement"].update(kind="another"), "not an erasure receipt"),
            (lambda copy: copy.pop("signature"), "not an erasure receipt"),
            (lambda copy: copy.pop("statement"), "not an erasure receipt"),
        ],
        ids=["counts", "person", "signature", "name", "salt", "kind", "no signature", "no statement"],
    )
    def test_every_change_is_noticed(self, handed_out, change, words):
        copy = deepcopy(handed_out[1])
        change(copy)
        assert words in problem_with(copy, site_public_key())

    def test_another_sites_key_is_noticed(self, handed_out, settings):
        settings.FACESITE_AUDIT_KEY = base64.b64encode(bytes(range(32))).decode()
        assert "another key" in problem_with(handed_out[1], site_public_key())

    @pytest.mark.parametrize("document", [None, [], "text", 1, {}])
    def test_anything_else_is_no_receipt(self, document):
        assert problem_with(document, site_public_key()) == "This is not an erasure receipt."


class TestReceiptJson:
    def test_holds_a_name_of_any_script(self, enroll):
        receipt, copy = services.erase_person(actor=None, person=enroll("Зоя Мёллер", 1))
        document = json.loads(receipt_json(receipt, HandedOut(copy.name, copy.salt)))
        assert document["name"] == "Зоя Мёллер"
        assert problem_with(document, site_public_key()) == ""
