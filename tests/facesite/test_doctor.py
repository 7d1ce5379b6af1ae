"""manage.py doctor: each fault is made, named, and comes with what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from attendance.models import Kiosk
from enrollment.models import FaceSample
from facesite import doctor
from facesite.doctor import STEPS, State
from tests.support.kiosks import paired_kiosk
from tests.support.webcam import clip_frames, jpeg
from tests.verification.rows import make_person


def examine(*arguments: str) -> tuple[dict[str, Any], str]:
    """The findings by name (the last one of each), and the sentence of the failure."""
    out, failure = StringIO(), ""
    try:
        call_command("doctor", "--json", *arguments, stdout=out)
    except CommandError as error:
        failure = str(error)
    answer = json.loads(out.getvalue())
    assert answer["ok"] is not bool(failure)
    return {one["name"]: one for one in answer["checks"]}, failure


def damaged_samples(number: int) -> list[FaceSample]:
    person = make_person("Ada")
    return [
        FaceSample.objects.create(
            person=person, source="webcam", quality_score=0.7, digest=str(index), crop=b"no picture"
        )
        for index in range(number)
    ]


@pytest.mark.django_db
@pytest.mark.usefixtures("engine")
class TestDoctor:
    @pytest.fixture(autouse=True)
    def on_this_machine(self, settings):
        settings.ALLOWED_HOSTS = ["localhost"]

    def test_finds_nothing_wrong_where_nothing_is(self):
        found, failure = examine()
        assert not failure
        assert list(found) == list(STEPS)
        assert {one["state"] for one in found.values()} <= {"ok", "skipped", "warning"}
        assert found["database"]["state"] == found["site key"]["state"] == found["packs"]["state"] == "ok"

    def test_names_kiosks_that_are_not_heard_of_or_have_another_camera(self):
        assert [finding.state for finding in doctor.kiosks(doctor.Asked())] == [State.SKIPPED]
        paired_kiosk()
        assert [finding.message for finding in doctor.kiosks(doctor.Asked())] == ["The paired kiosk is heard of."]
        long_ago = timezone.now() - timedelta(hours=1)
        Kiosk.objects.update(paired_at=long_ago, camera_changed_at=long_ago)
        said = [finding.message for finding in doctor.kiosks(doctor.Asked())]
        assert said == ["Not heard of for five minutes: Front door.", "Came with another camera: Front door."]

    def test_says_it_in_lines_for_people(self, settings):
        settings.ALLOWED_HOSTS = ["faces.invalid"]
        out = StringIO()
        with pytest.raises(CommandError, match=r"^1 thing is wrong with this site\.$"):
            call_command("doctor", stdout=out)
        assert "PROBLEM  camera: Browsers open this site as faces.invalid over plain http" in out.getvalue()
        assert "-> Set FACESITE_HTTPS to on" in out.getvalue()
        assert "warning  names: faces.invalid of ALLOWED_HOSTS is not known" in out.getvalue()

    def test_a_proxy_needs_the_origin_of_its_forms(self, settings):
        settings.ALLOWED_HOSTS, settings.FACESITE_HTTPS = ["localhost", ".example.org"], "proxy"
        found, failure = examine()
        assert not failure
        assert found["camera"]["state"] == "ok"
        settings.CSRF_TRUSTED_ORIGINS = []
        assert next(iter(doctor.proxy(doctor.Asked()))).advice == "Set CSRF_TRUSTED_ORIGINS=https://example.org"

    def test_an_address_where_nobody_answers_is_a_problem(self):
        found, failure = examine("--url", "http://127.0.0.1:9")
        assert failure
        assert found["proxy"]["message"] == "No facesite answers at http://127.0.0.1:9/readyz."

    def test_a_word_that_is_no_address_is_refused(self):
        with pytest.raises(CommandError, match="must be an address such as"):
            call_command("doctor", "--url", "faces.example.org")

    def test_a_gallery_engine_that_does_not_answer_is_a_problem(self, settings, monkeypatch):
        monkeypatch.setattr("enrollment.milvus.client.SEARCH_S", 0.3)
        settings.GALLERY_URL = "milvus://secret@127.0.0.1:9/faces"
        found, failure = examine()
        assert failure
        assert found["gallery engine"]["state"] == "problem"
        assert "127.0.0.1:9/faces" in found["gallery engine"]["message"]
        assert "secret" not in json.dumps(found)

    def test_a_redis_that_does_not_answer_is_a_warning(self, settings):
        settings.REDIS_URL = "redis://127.0.0.1:9/0"
        found, failure = examine()
        assert not failure
        assert found["redis"]["state"] == "warning"

    def test_a_missing_pack_is_a_problem(self, settings, tmp_path):
        settings.FACESITE_MODELS_DIR = tmp_path
        found, failure = examine()
        assert failure
        assert found["packs"]["state"] == "problem"
        assert "packs install" in found["packs"]["advice"]

    def test_a_stored_picture_that_cannot_be_shown_is_named(self):
        (sample,) = damaged_samples(1)
        found, failure = examine()
        assert failure
        assert f"{sample.uuid} (person {sample.person.uuid})" in found["stored faces"]["message"]
        assert "Ada" not in json.dumps(found)

    def test_an_old_one_is_named_too_where_there_is_time_or_all_are_asked_for(self, monkeypatch):
        monkeypatch.setattr(doctor, "CROPS_AT_ONCE", 2)
        old = damaged_samples(5)[0]
        (found,) = doctor.stored_faces(doctor.Asked())
        assert str(old.uuid) in found.message
        monkeypatch.setattr(doctor, "READING_S", -1.0)
        (found,) = doctor.stored_faces(doctor.Asked())
        assert found.message.startswith("The newest 2 of 5 stored pictures were read (--all-pictures reads all); 2 ")
        assert str(old.uuid) not in found.message
        asked, _ = examine("--all-pictures")
        assert str(old.uuid) in asked["stored faces"]["message"]

    def test_of_very_many_some_are_named_and_the_rest_counted(self, monkeypatch):
        monkeypatch.setattr(doctor, "NAMED", 2)
        damaged_samples(3)
        (found,) = doctor.stored_faces(doctor.Asked())
        assert "3 cannot be shown" in found.message
        assert found.message.endswith(" and 1 more.")

    def test_liveness_that_is_off_is_a_warning(self, settings):
        settings.FACESITE_LIVENESS = "off"
        found, _ = examine()
        assert found["liveness"]["state"] == "warning"

    def test_a_pack_that_cannot_check_liveness_is_named_and_nothing_impossible_advised(self, monkeypatch, engine):
        monkeypatch.setattr(type(engine.pack), "checks_liveness", False)
        found, _ = examine()
        assert found["liveness"]["state"] == "warning"
        assert engine.pack.name in found["liveness"]["message"]
        assert "required" not in found["liveness"]["advice"]

    def test_a_database_that_is_away_hides_nothing_else(self, monkeypatch):
        def away() -> bool:
            return False

        def refuse(asked):
            raise OperationalError("gone away")

        monkeypatch.setattr(doctor, "database_answers", away)
        monkeypatch.setitem(STEPS, "stored faces", refuse)
        found, failure = examine()
        assert failure
        assert found["database"]["message"] == "The database does not answer."
        assert found["stored faces"]["message"] == "Not looked at: the database does not answer."
        assert found["packs"]["state"] == "ok"


@pytest.mark.django_db
class TestPictures:
    @pytest.fixture
    def picture(self, engine, shared_faces, tmp_path):
        def make(clip: str) -> Path:
            path = tmp_path / f"{clip}.jpg"
            path.write_bytes(jpeg(list(clip_frames(shared_faces / "webcam" / f"{clip}.mjpeg"))[5], 95))
            return path

        return make

    def test_a_live_face_and_a_photograph_are_told_apart(self, picture):
        found = list(doctor.pictures(doctor.Asked("", picture("real_T1"), picture("spoof_F1"))))
        assert [finding.state for finding in found] == [State.OK, State.OK]

    def test_a_photograph_that_passes_for_live_is_a_problem(self, picture):
        (found,) = doctor.pictures(replace(doctor.Asked(), attack=picture("real_T1")))
        assert found.state is State.PROBLEM
        assert "which is wrong" in found.message

    def test_a_file_without_a_face_or_without_a_picture_is_said(self, picture, tmp_path):
        (found,) = doctor.pictures(replace(doctor.Asked(), live=picture("no_face")))
        assert "shows no face" in found.message
        (found,) = doctor.pictures(replace(doctor.Asked(), live=tmp_path / "absent.jpg"))
        assert "cannot be read" in found.message


@pytest.mark.django_db
class TestTheWayIn:
    def test_a_running_site_answers_and_passes_sockets_on(self, live_server_process):
        (found,) = doctor.proxy(doctor.Asked(live_server_process.url))
        assert found.state is State.OK, found
        assert found.message == f"{live_server_process.url} answers, and passes sockets on."

    def test_a_name_that_the_site_refuses_is_said(self, live_server_process):
        (found,) = doctor.proxy(doctor.Asked(live_server_process.url.replace("localhost", "[::ffff:127.0.0.1]")))
        assert found.advice == "Add ::ffff:127.0.0.1 to ALLOWED_HOSTS."
