from __future__ import annotations

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest

from enrollment.consent.records import Consent, How
from enrollment.consent.texts import current_text
from enrollment.hygiene.actions import merge_people
from enrollment.models import FaceTemplate, ImportRun, Person
from enrollment.rights.export import export_person
from enrollment.runtime.gallery import mark_gallery_stale
from enrollment.sealed import read_crop, read_vectors
from enrollment.services import choose_portrait, update_person
from recognizer.images import decode_crop
from security.allowing import NotAllowed
from security.models import Approval, AuditEvent
from security.roles.second_person import SecondPersonNeeded
from tests.enrollment.conftest import CONTRACT
from tests.support.operators import unlock

pytestmark = pytest.mark.django_db


def copy_of(person: Person, actor=None) -> zipfile.ZipFile:
    file = io.BytesIO()
    export_person(actor=actor, person=person, file=file)
    return zipfile.ZipFile(file)


def data_of(person: Person) -> dict:
    with copy_of(person) as archive:
        return json.loads(archive.read("data.json"))


class TestExportPerson:
    def test_holds_the_pictures_and_vectors_of_a_real_face(self, enroll_real, engine):
        person = enroll_real("Bill_Gates", slice(3))
        with copy_of(person) as archive:
            data = json.loads(archive.read("data.json"))
            for sample in person.samples.all():
                assert archive.read(f"samples/{sample.uuid}.png") == read_crop(sample)
            first = data["samples"][0]
            assert decode_crop(archive.read(first["picture"])).shape == (112, 112, 3)
        assert {template["contract_id"] for template in data["templates"]} == {engine.contract_id}
        stored = FaceTemplate.objects.filter(sample__person=person).order_by("pk").first()
        assert stored is not None
        np.testing.assert_array_equal(
            np.array(data["templates"][0]["embedding"], np.float32),
            read_vectors([(stored.sample_id, stored.embedding)], stored.contract_id)[stored.sample_id],
        )
        assert {"face_size", "brightness", "pose"} <= first["quality"].keys()

    def test_holds_what_is_written_about_the_person(self, enroll, staff):
        text = current_text()
        ada = enroll("Ada Lovelace", 1, actor=staff, external_id="17", consent=Consent(How.TICKED, text=text))
        ImportRun.objects.create().lines.create(person=ada, place="Ada_Lovelace", outcome="new")
        data = data_of(ada)
        (line,) = data["imports"]
        assert (line["place"], line["outcome"]) == ("Ada_Lovelace", "new")
        (who,) = data["people"]
        assert (who["name"], who["external_id"], who["enrolled_by"]) == ("Ada Lovelace", "17", f"operator:{staff.pk}")
        (agreed,) = data["consents"]
        assert text is not None
        assert (agreed["how"], agreed["text_version"], agreed["text"]) == ("ticked", "en-1", text.body)
        assert [row["action"] for row in data["audit"]][-1] == "person.exported"

    def test_tells_the_person_in_plain_english_what_is_in_it(self, enroll):
        with copy_of(enroll("Ada Lovelace", 1)) as archive:
            readme = archive.read("README.txt").decode()
            data = json.loads(archive.read("data.json"))
        assert "everything that this site holds about you: Ada Lovelace." in readme
        explained = {line.split()[0] for line in readme.splitlines() if line[:1].isalpha() and "  " in line}
        assert data.keys() - explained == {"made_at"}

    def test_holds_the_notes_and_the_portrait_and_says_so(self, enroll):
        ada = enroll("Ada Lovelace", 1, 2)
        chosen = ada.samples.last()
        choose_portrait(actor=None, sample=chosen)
        update_person(actor=None, person=ada, name=ada.name, external_id=None, notes="Comes on Mondays.")
        ada.refresh_from_db()
        with copy_of(ada) as archive:
            readme, data = archive.read("README.txt").decode(), json.loads(archive.read("data.json"))
            assert archive.read(f"samples/{data['people'][0]['portrait']}.png") == read_crop(chosen)
        assert data["people"][0]["notes"] == "Comes on Mondays."
        assert '"notes"' in readme
        assert '"portrait"' in readme

    def test_holds_records_that_were_merged_into_theirs(self, enroll):
        ada, again = enroll("Ada", 1), enroll("A. L.", 2)
        merge_people(actor=None, keep=ada, merge=again, contract_id=CONTRACT)
        data = data_of(ada)
        assert [who["name"] for who in data["people"]] == ["Ada", "A. L."]
        assert len(data["samples"]) == 2

    def test_holds_nothing_of_anybody_else(self, enroll):
        ada, grace = enroll("Ada", 1), enroll("Grace", 2)
        with copy_of(ada) as archive:
            everything = b"".join(archive.read(name) for name in archive.namelist()).decode(errors="replace")
        assert str(grace.uuid) not in everything
        assert "Grace" not in everything

    def test_needs_the_right_and_a_second_person_and_leaves_a_row(self, enroll, operator, staff):
        ada = enroll("Ada", 1)
        with pytest.raises(NotAllowed):
            copy_of(ada, operator)
        with pytest.raises(SecondPersonNeeded):
            copy_of(ada, staff)
        assert not AuditEvent.objects.filter(action="person.exported").exists()
        unlock(Approval.Action.EXPORT_BIOMETRICS, asker=staff, target=f"person:{ada.uuid}")
        copy_of(ada, staff)
        assert AuditEvent.objects.get(action="person.exported").actor == f"operator:{staff.pk}"

    def test_takes_little_memory_however_much_there_is(self, enroll, tmp_path):
        ada = enroll("Ada", *range(20))
        mark_gallery_stale()
        tracemalloc.start()
        with (tmp_path / "copy.zip").open("w+b") as file:
            export_person(actor=None, person=ada, file=file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20_000_000
