from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollment import services
from enrollment.management.commands.enroll_folder import TURN_S
from enrollment.models import FaceSample, GalleryRevision, Person
from enrollment.newcomers import enroll_newcomers
from enrollment.pictures import folder_import
from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from enrollment.samples.storing import MAX_SAMPLES
from tests.support.consent import ON_PAPER
from tests.support.memory import MEGABYTES, peak_memory
from tests.support.portraits import read

pytestmark = pytest.mark.django_db

WADE, GATES = "Abdoulaye_Wade", "Bill_Gates"
NAMES = {WADE: "Abdoulaye Wade", GATES: "Bill Gates"}


@pytest.fixture
def site(tmp_path, shared_faces, engine):
    """A folder with two people, two pictures each."""
    for name in (WADE, GATES):
        pictures = sorted((shared_faces / "eval" / name).glob("*.jpg"))[:2]
        (tmp_path / name).mkdir()
        for picture in pictures:
            shutil.copy(picture, tmp_path / name)
    return tmp_path


def run(directory, *options):
    """Standard output and the error sentence, if there was one."""
    out = StringIO()
    try:
        call_command("enroll_folder", str(directory), *options, stdout=out, stderr=StringIO())
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


def run_json(directory):
    out, error = run(directory, "--json")
    return json.loads(out), error


def few_at_once(monkeypatch, pictures=5, at_the_end=5):
    """Five pictures, so three of these people."""
    monkeypatch.setattr(folder_import, "AT_ONCE", pictures)
    monkeypatch.setattr(folder_import, "AT_THE_END", at_the_end)


class TestFirstRun:
    def test_enrols_everybody(self, site, engine):
        report, error = run_json(site)
        assert error is None
        assert [(person["name"], person["created"], person["samples"]) for person in report["people"]] == [
            (NAMES[WADE], True, 2),
            (NAMES[GATES], True, 2),
        ]
        assert {file["outcome"] for file in report["files"]} == {"enrolled"}
        assert report["totals"] == {
            "people": 2,
            "people_created": 2,
            "people_refused": 0,
            "files": 4,
            "enrolled": 4,
            "already": 0,
            "refused": 0,
            "skipped": 0,
            "possible_duplicates": 0,
        }
        mark_gallery_stale()  # on_commit does not run in this kind of test
        assert current_gallery(engine).people == 2

    def test_says_which_picture_does_not_fit_the_others(self, site, shared_faces):
        stranger = sorted((shared_faces / "eval" / "Halle_Berry").glob("*.jpg"))[0]
        shutil.copy(stranger, site / GATES)
        report, error = run_json(site)
        assert error is None
        odd = [file for file in report["files"] if file["code"] == "set_aside"]
        assert [(file["outcome"], file["path"].endswith(stranger.name)) for file in odd] == [("enrolled", True)]
        assert FaceSample.objects.filter(set_aside=True).count() == 1

    def test_records_that_no_consent_is_known(self, site):
        out, _ = run(site)
        person = Person.objects.get(name=NAMES[WADE])
        record = person.consents.get()
        assert (record.how, record.legal_basis, record.given_at) == ("imported_without", "", None)
        assert person.created_by is None
        assert "No consent is recorded for who is new" in out
        assert set(person.samples.values_list("source", flat=True)) == {"folder"}

    def test_tells_every_file_in_words(self, site):
        out, _ = run(site)
        assert f"enrolled  {WADE}/{WADE}_0001.jpg" in out
        assert "2 people, 2 of them new. 4 files: 4 enrolled, 0 already there, 0 refused." in out

    def test_takes_png_webp_and_capital_letters(self, site):
        picture = read(next((site / WADE).glob("*.jpg")))
        (site / "Grace").mkdir()
        for number, name in enumerate(["a.png", "b.webp", "c.JPEG"]):
            cv2.imwrite(str(site / "Grace" / name), picture[: 250 - number])
        report, _ = run_json(site)
        assert [file["outcome"] for file in report["files"] if file["person"] == "Grace"] == ["enrolled"] * 3


class TestManyFolders:
    @pytest.fixture
    def crowd(self, site):
        """Twelve more people of two pictures, of whom some have the same name."""
        for number in range(10):
            shutil.copytree(site / (WADE if number % 2 else GATES), site / f"Person_{number}")
        shutil.copytree(site / WADE, site / "Same_Name")
        shutil.copytree(site / GATES, site / "Same Name")
        return site

    def test_the_report_has_them_in_their_order_whatever_way_they_went(self, crowd, monkeypatch):
        few_at_once(monkeypatch)
        report, error = run_json(crowd)
        assert error is None
        names = sorted(path.name for path in crowd.iterdir())
        assert [person["name"] for person in report["people"]] == [name.replace("_", " ") for name in names]
        assert [file["person"] for file in report["files"]] == [name for name in names for _ in range(2)]
        assert Person.objects.count() == 13  # "Same_Name" and "Same Name" are one
        assert Person.objects.get(name="Same Name").samples.count() == 4

    def test_new_people_are_stored_together(self, crowd):
        with CaptureQueriesContext(connection) as queries:
            run(crowd)
        written = [query["sql"] for query in queries if query["sql"].startswith('INSERT INTO "enrollment_person" ')]
        assert len(written) <= 2

    def test_fewer_of_them_towards_the_end_so_that_little_is_left_when_the_engine_is_done(self, crowd, monkeypatch):
        few_at_once(monkeypatch, pictures=8, at_the_end=2)
        sizes = []

        def counting(found, consent):
            sizes.append(sum(len(pictures) for _, pictures in found))
            return import_together(found, consent)

        import_together = folder_import._import_together
        monkeypatch.setattr(folder_import, "_import_together", counting)
        report, error = run_json(crowd)
        assert (error, report["totals"]["people_created"]) == (None, 13)
        assert sizes == [8, 8, 6, 4, 2, 0]

    def test_threads_hand_on_python_s_lock_sooner_while_it_runs(self, site, monkeypatch):
        before, intervals, collecting = sys.getswitchinterval(), [], []

        def noticing(**those):
            intervals.append(sys.getswitchinterval())
            collecting.append(gc.isenabled())
            return enroll_newcomers(**those)

        monkeypatch.setattr(folder_import, "enroll_newcomers", noticing)
        run(site)
        assert intervals == [pytest.approx(TURN_S)]
        assert collecting == [False]
        assert (sys.getswitchinterval(), gc.isenabled()) == (before, True)

    def test_one_name_that_cannot_be_stored_keeps_nobody_else_out(self, crowd):
        (crowd / ("x" * 201)).mkdir()
        shutil.copy(next((crowd / WADE).glob("*.jpg")), crowd / ("x" * 201))
        report, _ = run_json(crowd)
        assert [person["code"] for person in report["people"] if person["code"]] == ["name_invalid"]
        assert report["totals"]["people_created"] == 13

    def test_a_run_that_is_ended_half_way_keeps_whole_people_and_the_next_goes_on(self, crowd, monkeypatch):
        few_at_once(monkeypatch)
        stored = enroll_newcomers
        batches = iter((stored, stored))

        def ended(**those):
            return next(batches)(**those)  # the third raises StopIteration, which a generator makes a RuntimeError

        monkeypatch.setattr("enrollment.pictures.folder_import.enroll_newcomers", ended)
        with pytest.raises(RuntimeError):
            run(crowd)
        kept = Person.objects.count()
        assert 0 < kept < 13
        assert {person.samples.count() for person in Person.objects.all()} == {2}
        monkeypatch.setattr("enrollment.pictures.folder_import.enroll_newcomers", stored)
        report, error = run_json(crowd)
        assert (error, report["totals"]["already"]) == (None, 2 * kept)
        assert Person.objects.count() == 13


class TestSecondRun:
    def test_changes_nothing(self, site):
        run(site)
        before = (Person.objects.count(), FaceSample.objects.count(), GalleryRevision.objects.get().number)
        report, error = run_json(site)
        assert error is None
        assert {(file["outcome"], file["code"]) for file in report["files"]} == {("already", "already_enrolled")}
        assert (Person.objects.count(), FaceSample.objects.count(), GalleryRevision.objects.get().number) == before

    def test_adds_what_is_new(self, site, shared_faces):
        run(site)
        shutil.copy(shared_faces / "eval" / WADE / f"{WADE}_0003.jpg", site / WADE)
        report, _ = run_json(site)
        assert report["totals"]["enrolled"] == 1
        assert Person.objects.get(name=NAMES[WADE]).samples.count() == 3

    def test_finishes_what_an_interrupted_one_began(self, site):
        run(site)
        Person.objects.get(name=NAMES[GATES]).delete()
        report, error = run_json(site)
        assert error is None
        assert (report["totals"]["enrolled"], report["totals"]["already"]) == (2, 2)

    def test_changes_nothing_above_the_cap_either(self, site, engine):
        """More pictures than are kept: both runs keep the same ones, and say so."""
        picture = read(next((site / WADE).glob("*.jpg")))
        shutil.rmtree(site / GATES)
        for number in range(MAX_SAMPLES + 4):
            brighter = np.clip(picture.astype(np.int16) + 2 * number, 0, 255).astype(np.uint8)
            cv2.imwrite(str(site / WADE / f"{number:02}.png"), brighter)
        first, error = run_json(site)
        assert error is None
        kept = set(FaceSample.objects.values_list("digest", flat=True))
        assert len(kept) == first["totals"]["enrolled"] == MAX_SAMPLES
        second, error = run_json(site)
        assert error is None
        assert second["totals"]["enrolled"] == 0
        assert set(FaceSample.objects.values_list("digest", flat=True)) == kept


class TestRefusedFiles:
    @pytest.fixture
    def empty_room(self, shared_faces):
        capture = cv2.VideoCapture(str(shared_faces / "webcam" / "no_face.mjpeg"))
        found, image = capture.read()
        capture.release()
        assert found
        return image

    def test_are_listed_with_their_reason_and_the_rest_is_enrolled(self, site, empty_room):
        cv2.imwrite(str(site / WADE / "room.png"), empty_room)
        (site / WADE / "text.jpg").write_text("this is no picture")
        report, error = run_json(site)
        refused = {
            file["path"].rpartition("/")[2]: file["code"] for file in report["files"] if file["outcome"] == "refused"
        }
        assert refused == {"room.png": "no_face", "text.jpg": "image_undecodable"}
        assert all(file["message"] for file in report["files"] if file["outcome"] == "refused")
        assert "2 of 6 files" in error
        assert Person.objects.get(name=NAMES[WADE]).samples.count() == 2

    def test_looks_for_faces_in_an_upright_picture_once(self, site, looks):
        report, _ = run_json(site)
        assert len(looks) == report["totals"]["enrolled"] == 4

    def test_a_covered_mouth_is_refused(self, site, shared_faces):
        shutil.copy(shared_faces.parent / "cases" / "faces" / "maskA.png", site / WADE)
        report, _ = run_json(site)
        (refused,) = [file for file in report["files"] if file["outcome"] == "refused"]
        assert refused["code"] == "mouth_hidden"

    def test_a_picture_that_lies_on_its_side_or_stands_on_its_head_is_turned_back(self, site, engine):
        for number, path in enumerate(sorted(site.glob("*/*.jpg"))):
            image = engine.decode(path.read_bytes())
            cv2.imwrite(str(path), np.rot90(image, 1 + number % 3))
        report, error = run_json(site)
        assert (error, report["totals"]["enrolled"]) == (None, 4)
        mark_gallery_stale()
        gallery = current_gallery(engine)
        for path in sorted(site.glob("*/*.jpg")):
            upright = engine.turn_upright(engine.decode(path.read_bytes()))
            best = gallery.search(engine.analyze(*upright).faces[0].embedding, 1)[0]
            assert Person.objects.get(uuid=best.person_id).name == NAMES[path.parent.name]
        assert not engine.detect(engine.decode(path.read_bytes())) or best.comparison_score > 0.8

    def test_every_file_of_a_phone_is_enrolled_or_named(self, tmp_path, engine, shared_faces):
        folder = shared_faces.parent / "cases" / "heic"
        report, error = run_json(folder)
        outcomes = {file["path"].rpartition("/")[2]: (file["outcome"], file["message"]) for file in report["files"]}
        assert len(outcomes) == len(list((folder / "Pat Doe").iterdir())) == 8
        assert {name for name, (outcome, _) in outcomes.items() if outcome != "refused"} == {
            "IMG_1.jpg",
            "old.bmp",
            "wa.jfif",
        }
        assert outcomes["IMG_2.HEIC"][1].startswith("HEIC pictures cannot be read here: save this one as JPEG")
        assert outcomes["p.avif"][1].startswith("AVIF pictures cannot be read here")
        assert "5 of 8 files" in error

    def test_a_picture_beside_the_folders_is_named_whatever_its_kind(self, site):
        (site / "IMG_7.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
        report, _ = run_json(site)
        assert [file["path"].rpartition("/")[2] for file in report["files"] if file["outcome"] == "refused"] == [
            "IMG_7.HEIC"
        ]

    def test_a_file_of_2_gb_is_not_read(self, site):
        with (site / WADE / "film.jpg").open("wb") as film:
            film.truncate(2 << 30)  # sparse: it takes no room
        before = peak_memory()
        report, _ = run_json(site)
        (refused,) = [file for file in report["files"] if file["outcome"] == "refused"]
        assert refused["code"] == "frame_too_large"
        assert refused["message"] == "film.jpg has 2147483648 bytes; a picture may have at most 20971520."
        assert peak_memory() - before < 100 * MEGABYTES

    def test_leave_no_person_without_samples(self, site, empty_room):
        (site / "Grace").mkdir()
        cv2.imwrite(str(site / "Grace" / "room.png"), empty_room)
        (site / "Nobody").mkdir()
        report, error = run_json(site)
        refused = {person["name"]: (person["id"], person["code"]) for person in report["people"] if person["code"]}
        assert refused == {"Grace": (None, "no_samples"), "Nobody": (None, "no_samples")}
        assert "2 of 4 people" in error
        assert not Person.objects.filter(name__in=["Grace", "Nobody"]).exists()

    def test_two_people_of_the_same_size(self, site):
        pictures = [read(sorted((site / name).glob("*.jpg"))[0]) for name in (WADE, GATES)]
        cv2.imwrite(str(site / WADE / "both.png"), np.hstack(pictures))
        report, _ = run_json(site)
        assert [file["code"] for file in report["files"] if file["outcome"] == "refused"] == ["unclear_which_face"]

    def test_the_main_face_of_a_picture_with_somebody_behind(self, site):
        front, behind = (read(sorted((site / name).glob("*.jpg"))[0]) for name in (WADE, GATES))
        canvas = np.full((500, 700, 3), 128, np.uint8)
        canvas[:, 100:600] = cv2.resize(front, (500, 500))
        canvas[:100, 600:] = cv2.resize(behind, (100, 100))
        shutil.rmtree(site / GATES)
        cv2.imwrite(str(site / WADE / "behind.png"), canvas)
        report, error = run_json(site)
        assert error is None
        assert report["totals"]["enrolled"] == 3

    def test_pictures_outside_every_persons_folder(self, site):
        shutil.copy(next((site / WADE).glob("*.jpg")), site / "loose.jpg")
        report, error = run_json(site)
        assert [(file["code"], file["person"]) for file in report["files"] if file["outcome"] == "refused"] == [
            ("no_person_folder", "")
        ]
        assert "1 of 5 files" in error

    def test_names_that_are_no_text_are_refused_and_the_report_can_be_read_everywhere(self, site):
        (site / os.fsdecode(b"bad\xff")).mkdir()
        (site / os.fsdecode(b"bad\xff") / "picture.jpg").write_bytes(b"never looked at")
        out, _ = run(site, "--json")
        assert out.isascii()
        (refused,) = [person for person in json.loads(out)["people"] if person["code"]]
        assert refused["code"] == "name_invalid"

    def test_other_files_are_named_and_passed_over(self, site):
        (site / WADE / "notes.txt").write_text("x")
        (site / "list.csv").write_text("x")
        report, error = run_json(site)
        assert error is None
        skipped = {file["path"]: file["code"] for file in report["files"] if file["outcome"] == "skipped"}
        assert skipped == dict.fromkeys([str(site / WADE / "notes.txt"), str(site / "list.csv")], "not_a_picture")
        assert "2 of them no pictures, passed over." in run(site)[0]

    def test_folders_inside_and_broken_links_are_refused_by_name(self, site):
        (site / WADE / "more").mkdir()
        (site / WADE / "gone.jpg").symlink_to(site / "nowhere.jpg")
        (site / "lost").symlink_to(site / "nowhere")
        report, error = run_json(site)
        refused = {file["path"]: file["code"] for file in report["files"] if file["outcome"] == "refused"}
        assert refused == {
            str(site / WADE / "more"): "folder_inside",
            str(site / WADE / "gone.jpg"): "file_unreadable",
            str(site / "lost"): "file_unreadable",
        }
        assert "3 of 7 files" in error
        assert report["totals"]["people_created"] == 2

    def test_what_systems_and_archives_leave_behind_is_no_concern(self, site):
        for folder in ("__MACOSX", "@eaDir", ".trash", f"{WADE}/@eaDir"):
            (site / folder).mkdir()
        for file in (".hidden.jpg", "Thumbs.db", "desktop.ini"):
            (site / WADE / file).write_text("x")
        report, error = run_json(site)
        assert error is None
        assert (report["totals"]["files"], report["totals"]["people"]) == (4, 2)

    def test_one_folder_that_cannot_be_read_does_not_end_the_run(self, site, monkeypatch):
        list_folder = Path.iterdir

        def refuse(path: Path) -> Iterator[Path]:
            if path.name == WADE:
                raise PermissionError
            return list_folder(path)

        monkeypatch.setattr(Path, "iterdir", refuse)
        report, error = run_json(site)
        assert [person["code"] for person in report["people"]] == ["folder_unreadable", ""]
        assert Person.objects.get().name == NAMES[GATES]
        assert "1 of 2 people" in error


class TestNames:
    def test_somebody_enrolled_under_the_folders_very_name_is_found_again(self, site):
        run(site)
        Person.objects.filter(name=NAMES[WADE]).update(name=WADE)
        report, error = run_json(site)
        assert (error, report["totals"]["already"]) == (None, 4)

    def test_a_name_that_is_written_apart_is_the_same_name(self, site):
        run(site)
        Person.objects.filter(name=NAMES[WADE]).update(name="Zoë Möller")
        (site / WADE).rename(site / unicodedata.normalize("NFD", "Zoë Möller"))
        report, error = run_json(site)
        assert (error, report["totals"]["already"]) == (None, 4)

    def test_a_name_that_several_people_have_is_refused(self, site, make_draft):
        for seed in (1, 2):
            services.enroll_person(
                actor=None, name=WADE, consent=ON_PAPER, samples=[make_draft(seed)], despite_duplicate=True
            )
        report, _ = run_json(site)
        assert {file["code"] for file in report["files"] if file["person"] == WADE} == {"name_ambiguous"}

    def test_an_import_goes_on_with_whom_it_made(self, site, make_draft):
        run(site)
        services.enroll_person(actor=None, name=WADE, consent=ON_PAPER, samples=[make_draft(1)], despite_duplicate=True)
        report, error = run_json(site)
        assert error is None
        assert report["totals"]["already"] == 4


class TestLookalikes:
    def test_are_enrolled_with_a_warning(self, site):
        shutil.copytree(site / WADE, site / "Same Face")
        report, error = run_json(site)
        assert error is None
        (warning,) = report["warnings"]
        assert (warning["code"], warning["person"]) == ("possible_duplicate", "Same Face")
        assert warning["candidates"][0]["name"] == NAMES[WADE]
        assert Person.objects.count() == 3
        assert "Same Face looks like Abdoulaye Wade" in run(site)[0]


class TestWrongUse:
    def test_a_folder_that_is_not_there(self, tmp_path):
        assert run(tmp_path / "nowhere")[1] == f"There is no folder {tmp_path / 'nowhere'}."

    def test_a_folder_without_people(self, tmp_path, engine):
        assert "Make one per person" in run(tmp_path)[1]

    def test_a_site_without_a_pack(self, site, no_engine, settings, tmp_path):
        settings.FACESITE_MODELS_DIR, settings.FACESITE_MODEL_PACK = tmp_path, "mobile"
        assert "packs install" in run(site)[1]
        assert not Person.objects.exists()


class TestConsent:
    @pytest.mark.parametrize(
        ("options", "recorded"),
        [
            (["--consent", "paper", "--note", "Folder 7"], ("paper", "consent", "Folder 7")),
            (["--basis", "contract", "--note", "Work contract"], ("not_asked", "contract", "Work contract")),
        ],
        ids=["paper", "contract"],
    )
    def test_is_recorded_as_the_command_was_told(self, site, options, recorded):
        call_command("enroll_folder", str(site), *options, stdout=StringIO())
        for person in Person.objects.all():
            record = person.consents.get()
            assert (record.how, record.legal_basis, record.note) == recorded

    def test_needs_a_note_for_another_basis_and_a_basis_for_a_note(self, site):
        for options in (["--basis", "other"], ["--note", "x"]):
            with pytest.raises(CommandError, match="note"):
                call_command("enroll_folder", str(site), *options)
        assert not Person.objects.exists()

    def test_of_who_is_enrolled_already_stays_as_it_is(self, site):
        run(site)
        call_command("enroll_folder", str(site), "--consent", "paper", stdout=StringIO())
        assert {person.consents.count() for person in Person.objects.all()} == {1}


class TestResume:
    def test_goes_on_where_a_run_ended_and_keeps_no_name(self, site, tmp_path_factory):
        file = tmp_path_factory.mktemp("resume") / "done"
        kept_back = site / GATES
        kept_back.rename(file.parent / GATES)
        assert run(site, "--resume", str(file))[1] is None
        assert WADE not in file.read_text()
        (file.parent / GATES).rename(kept_back)
        out, error = run(site, "--resume", str(file), "--json")
        report = json.loads(out)
        assert error is None
        assert [person["name"] for person in report["people"]] == [NAMES[GATES]]
        assert report["totals"]["folders_done_before"] == 1
        assert "2 folders were done in an earlier run" in run(site, "--resume", str(file))[0]

    def test_a_folder_with_another_picture_is_looked_at_again(self, site, shared_faces, tmp_path_factory):
        file = tmp_path_factory.mktemp("resume") / "done"
        run(site, "--resume", str(file))
        third = sorted((shared_faces / "eval" / WADE).glob("*.jpg"))[2]
        shutil.copy(third, site / WADE)
        report = json.loads(run(site, "--resume", str(file), "--json")[0])
        assert [(person["name"], person["samples"]) for person in report["people"]] == [(NAMES[WADE], 3)]
