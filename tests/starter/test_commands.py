"""enroll_folder, identify and rebuild_templates on the starter pack."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from enrollment.models import FaceTemplate, Person
from enrollment.runtime.gallery import mark_gallery_stale
from facesite.management.commands import prepare
from tests.support import portraits
from tests.support.webcam import jpeg

pytestmark = pytest.mark.django_db
COLLINS, HOPPER = portraits.PEOPLE


def run(*arguments: object) -> str:
    """stdout of a command that begins, as in a process of its own, without a gallery."""
    mark_gallery_stale()
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def people(tmp_path) -> Path:
    return portraits.write_people(tmp_path / "people")


@pytest.fixture
def seen(tmp_path) -> dict[str, Path]:
    """Pictures that nobody is enrolled with, and one of a room without a face."""
    paths = {name: tmp_path / f"{number}.jpg" for number, name in enumerate(portraits.PEOPLE)}
    for name, path in paths.items():
        path.write_bytes(portraits.pictures(name, portraits.SEEN)[0])
    return paths


class TestEnrollFolder:
    def test_enrols_everybody_and_only_once(self, people):
        report = json.loads(run("enroll_folder", people, "--json"))
        assert {file["outcome"] for file in report["files"]} == {"enrolled"}
        assert sorted(Person.objects.values_list("name", flat=True)) == sorted(portraits.PEOPLE)
        again = json.loads(run("enroll_folder", people, "--json"))
        assert {file["outcome"] for file in again["files"]} == {"already"}

    def test_refuses_pictures_without_a_face_and_broken_ones_by_name(self, people):
        (people / COLLINS / "room.jpg").write_bytes(jpeg(portraits.scene("a brick wall")))
        (people / COLLINS / "text.jpg").write_bytes(b"not a picture")
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("enroll_folder", str(people), "--json", stdout=out)
        codes = {Path(file["path"]).name: file["code"] for file in json.loads(out.getvalue())["files"]}
        assert (codes["room.jpg"], codes["text.jpg"]) == ("no_face", "image_undecodable")
        assert Person.objects.get(name=COLLINS).samples.count() == len(portraits.ENROLLED)


class TestIdentify:
    def test_names_everybody_on_other_pictures(self, people, seen):
        run("enroll_folder", people)
        for picture in json.loads(run("identify", *seen.values(), "--json"))["images"]:
            (face,) = picture["faces"]
            assert face["verdict"] == "match"
            assert seen[face["person"]["name"]] == Path(picture["path"])

    def test_does_not_name_a_stranger(self, people, seen):
        shutil.rmtree(people / HOPPER)
        run("enroll_folder", people)
        known, stranger = json.loads(run("identify", *seen.values(), "--json"))["images"]
        assert known["faces"][0]["verdict"] == "match"
        assert [(face["verdict"], face["person"]) for face in stranger["faces"]] == [("non_match", None)]

    @pytest.mark.parametrize("name", portraits.SCENES)
    def test_sees_nobody_where_nobody_is(self, tmp_path, name):
        path = tmp_path / "scene.jpg"
        path.write_bytes(jpeg(portraits.scene(name)))
        (picture,) = json.loads(run("identify", path, "--json"))["images"]
        assert (picture["faces"], picture["error"]) == ([], None)


class TestRebuildTemplates:
    def test_writes_what_is_missing(self, people):
        run("enroll_folder", people)
        before = FaceTemplate.objects.count()
        FaceTemplate.objects.all().delete()
        assert f"{before} templates were written for the pack starter" in run("rebuild_templates")


class TestPrepare:
    def test_wants_the_default_pack_until_people_are_enrolled_with_this_one(self, people):
        assert prepare.missing_packs() == ("mobile", "sface")
        run("enroll_folder", people)
        assert not prepare.missing_packs()

    def test_without_any_source_says_so_in_two_sentences_and_goes_on(self, monkeypatch):
        said = StringIO()
        monkeypatch.setattr(prepare, "call_command", refuse)
        prepare.Command(stderr=said).install_pack()
        assert said.getvalue() == (
            "It could not be installed.\nThe server starts with the pack starter. "
            "Later: manage.py packs install mobile\n"
        )


def refuse(*arguments: str) -> None:
    raise CommandError("It could not be installed.")
