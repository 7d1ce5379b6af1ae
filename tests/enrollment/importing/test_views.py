"""The page of imports: real faces through the form, the work, and what the report says."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import ClassVar
from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.test import override_settings
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment import services
from enrollment.importing import archive, runs, working
from enrollment.importing.archive import Archive
from enrollment.importing.listing import EXAMPLE
from enrollment.importing.remaining import minutes_left
from enrollment.importing.reporting import report_lines
from enrollment.models import ConsentPolicy, FaceSample, ImportLine, ImportRun, Person, PersonGroup
from enrollment.pictures.photos import PHOTO_LIMITS
from security.audit.actions import Action
from security.daily import Shift
from security.leases import HeldLease
from security.models import AuditEvent
from security.roles.table import Role
from security.tables import csv_lines
from tests.enrollment.importing.zips import zipped
from tests.support.consent import ON_PAPER
from tests.support.downloads import without_mark
from tests.support.operators import make_client

pytestmark = pytest.mark.django_db
PAGE = "/enrollment/import/"
WADE, GATES, BERRY = "Abdoulaye_Wade", "Bill_Gates", "Halle_Berry"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """The work is done before its page answers."""
    monkeypatch.setattr(working, "in_background", lambda work, name: work())


@pytest.fixture
def face(engine, shared_faces):
    """face(WADE, 1): the bytes of one picture."""
    return lambda name, number: sorted((shared_faces / "eval" / name).glob("*.jpg"))[number - 1].read_bytes()


@pytest.fixture
def manager():
    return make_client(Role.MANAGER)


def data_of(files=None, listing="", consent="paper", **fields):
    """The form. files: what is in the ZIP; listing: the CSV's text."""
    data = {"consent": consent, "note": "", **fields}
    if files:
        data["archive"] = SimpleUploadedFile("people.zip", zipped(files))
    if listing:
        data["listing"] = SimpleUploadedFile("people.csv", listing.encode())
    return data


def send(client, files=None, listing="", consent="paper", **fields):
    """POST the page."""
    return client.post(PAGE, data_of(files, listing, consent, **fields))


def told() -> dict[str, tuple[str, str]]:
    """place -> outcome and code; of several lines about the same place the last."""
    return {line.place: (line.outcome, line.code) for line in ImportLine.objects.order_by("pk")}


class TestFolders:
    def test_become_people_with_the_consent_that_the_page_named(self, manager, face):
        files = {
            f"staff/{WADE}/1.jpg": face(WADE, 1),
            f"staff/{WADE}/2.jpg": face(WADE, 2),
            f"staff/{WADE}/notes.txt": b"tall",
            f"staff/{GATES}/1.jpg": face(GATES, 1),
            f"staff/{GATES}/broken.jpg": b"this is no picture",
            "staff/Nobody/": b"",
        }
        assertRedirects(send(manager, files, note="Binder 7"), PAGE)
        operator = manager.get(PAGE).wsgi_request.user
        wade = Person.objects.get(name="Abdoulaye Wade")
        record = wade.consents.get()
        assert (record.how, record.note, record.given_to) == ("paper", "Binder 7", operator)
        assert (wade.created_by, wade.samples.count()) == (operator, 2)
        assert set(FaceSample.objects.values_list("source", flat=True)) == {"folder"}
        assert told() == {
            WADE: ("new", ""),
            f"{WADE}/1.jpg": ("enrolled", ""),
            f"{WADE}/2.jpg": ("enrolled", ""),
            f"{WADE}/notes.txt": ("skipped", "not_a_picture"),
            GATES: ("new", ""),
            f"{GATES}/1.jpg": ("enrolled", ""),
            f"{GATES}/broken.jpg": ("refused", "image_undecodable"),
            "Nobody": ("refused", "no_samples"),
        }
        run = ImportRun.objects.get()
        counts = {name: number for name, number in run.counts.items() if number}
        assert (run.state, counts) == (
            "done",
            {"people_new": 2, "people_refused": 1, "enrolled": 3, "refused": 1, "skipped": 1},
        )
        done = AuditEvent.objects.get(action=Action.PEOPLE_IMPORTED)
        assert (done.target, done.facts["ended"], done.facts["people_new"]) == (f"import:{run.uuid}", "done", 2)
        assert AuditEvent.objects.filter(action=Action.PERSON_ENROLLED, actor=f"operator:{operator.pk}").count() == 2
        page = manager.get(PAGE)
        assertContains(page, "there is something to look at")
        assertContains(page, "broken.jpg")
        assertNotContains(page, "notes.txt")
        assertContains(manager.get(f"{PAGE}?lines=all"), "notes.txt")
        rows = list(csv.DictReader(without_mark(report_lines(runs.lines_of(run, only_problems=False)))))
        assert (rows[3]["place"], rows[3]["person"], rows[3]["outcome"]) == (
            f"{WADE}/notes.txt",
            "Abdoulaye Wade",
            "skipped",
        )

    def test_may_be_sent_by_a_script_that_hears_where_the_report_is(self, manager, face):
        data = data_of({f"{WADE}/1.jpg": face(WADE, 1)})
        assert manager.post(PAGE, data, headers={"Accept": "application/json, text/html"}).json() == {"next": PAGE}
        refused = manager.post(PAGE, {"consent": "paper"}, headers={"Accept": "application/json, text/html"})
        assertContains(refused, "Choose a ZIP, a list, or both.", status_code=400)

    def test_sent_again_change_nothing_and_new_pictures_are_added(self, manager, face):
        send(manager, {f"{WADE}/1.jpg": face(WADE, 1)})
        send(manager, {f"{WADE}/1.jpg": face(WADE, 1), f"{WADE}/2.jpg": face(WADE, 2)})
        assert Person.objects.get().samples.count() == 2
        assert told() == {
            WADE: ("known", ""),
            f"{WADE}/1.jpg": ("already", "already_enrolled"),
            f"{WADE}/2.jpg": ("enrolled", ""),
        }

    def test_a_face_that_somebody_else_has_is_told(self, manager, face):
        send(manager, {f"{WADE}/1.jpg": face(WADE, 1)})
        send(manager, {"Somebody/1.jpg": face(WADE, 2)})
        line = ImportLine.objects.get(outcome="warning")
        assert line.other
        assert (line.code, line.other.name) == ("possible_duplicate", "Abdoulaye Wade")
        services.erase_people(actor=None, people=[line.other])
        assert not ImportLine.objects.filter(outcome="warning").exists()


class TestLanguages:
    """Who begins an import need not speak the language of whoever reads its report."""

    GERMAN: ClassVar = {"Accept-Language": "de"}

    def test_each_reads_the_report_in_their_own(self, manager, face, monkeypatch):
        monkeypatch.setattr(archive, "PHOTO_LIMITS", replace(PHOTO_LIMITS, max_bytes=1_000_000))
        files = {
            f"{WADE}/1.jpg": face(WADE, 1),
            f"{WADE}/broken.jpg": b"this is no picture",
            f"{WADE}/large.jpg": os.urandom(1_500_000),
            "Empty/none.txt": b"",
        }
        listing = "name,folder\nAbdoulaye Wade,\nNobody Here,nowhere\n"
        manager.post(PAGE, data_of(files, listing), headers=self.GERMAN)
        sentences = {
            "Row 3: Nobody Here": (
                "A folder or file that the list names",
                "Zeile 3: Nobody Here",
                "Ordner oder eine Datei aus",
            ),
            "broken.jpg": ("This is no picture that can be read", "broken.jpg", "Das Bild ist nicht lesbar"),
            "large.jpg": ("The file has 1.4 MB", "large.jpg", "Die Datei hat 1.4 MB"),
            "Empty": ("No picture in this folder could be used.", "Empty", "Kein Bild in diesem Ordner"),
        }
        english = manager.get(PAGE).text
        german = manager.get(PAGE, headers=self.GERMAN).text
        for place, (said, german_place, german_said) in sentences.items():
            assert place in english
            assert said in english
            assert german_place in german
            assert german_said in german
        run = ImportRun.objects.get()
        assert "A folder or file that the list names" in "".join(report_lines(runs.lines_of(run, only_problems=True)))

    def test_and_why_it_ended_early(self, manager, engine, monkeypatch):
        monkeypatch.setattr(working, "import_entry", Mock(side_effect=DatabaseError))
        manager.post(PAGE, data_of(listing="name\nAda Lovelace\n"), headers=self.GERMAN)
        assertContains(manager.get(PAGE), "The database did not answer.")
        assertContains(manager.get(PAGE, headers=self.GERMAN), "Die Datenbank hat nicht geantwortet.")


class TestLists:
    def test_say_who_people_are_and_whose_pictures_are_whose(self, manager, face):
        files = {"S-1/a.jpg": face(WADE, 1), "mixed/b.jpg": face(GATES, 1), f"{BERRY}/c.jpg": face(BERRY, 1)}
        listing = (
            "name;external_id;groups;valid_from;valid_until;consent;consent_note;folder;files;shoe\n"
            "Wade;S-1;Visitors|Night;2026-01-01;31.12.2030;;;;;38\n"
            "Gates;G-2;Visitors;;;contract;No. 12;;mixed/B.JPG;\n"
            "Ghost;G-3;;;;;;no such folder;;\n"
            "Later;L-4;;;;;;;;\n"
        )
        ConsentPolicy.objects.create(bases=["consent", "contract"], tick_required=False, unticked_basis="contract")
        send(manager, files, listing)
        wade, gates = Person.objects.get(external_id="S-1"), Person.objects.get(external_id="G-2")
        assert (wade.name, wade.valid_from, wade.valid_until) == ("Wade", date(2026, 1, 1), date(2030, 12, 31))
        assert {group.name: group.people.count() for group in PersonGroup.objects.all()} == {"Night": 1, "Visitors": 2}
        record = gates.consents.get()
        assert (record.how, record.legal_basis, record.note) == ("not_asked", "contract", "No. 12")
        assert AuditEvent.objects.filter(action=Action.PERSON_VALIDITY, target=f"person:{wade.uuid}").count() == 1
        assert told() == {
            "shoe": ("note", "columns_ignored"),
            "Row 2: Wade": ("new", ""),
            "S-1/a.jpg": ("enrolled", ""),
            "Row 3: Gates": ("new", ""),
            "mixed/b.jpg": ("enrolled", ""),
            "Row 4: Ghost": ("refused", "pictures_missing"),
            "Row 5: Later": ("note", "without_pictures"),
            BERRY: ("new", ""),
            f"{BERRY}/c.jpg": ("enrolled", ""),
        }
        assert Person.objects.get(name="Later").samples.count() == 0

    def test_find_who_is_enrolled_by_external_id_and_leave_their_details(self, manager, face):
        services.register_person(actor=None, name="Wade", external_id="S-1", consent=ON_PAPER)
        listing = "name,external_id,valid_until\n,S-1,2030-01-01\nSomebody else,S-1 ,\nWade,S-2,\n"
        send(manager, {"S-1/a.jpg": face(WADE, 1)}, listing)
        assert told() == {
            "Row 2: S-1": ("note", "details_kept"),
            "S-1/a.jpg": ("enrolled", ""),
            "Row 3: Somebody else": ("refused", "row_twice"),
            "Row 4: Wade": ("note", "without_pictures"),
        }
        known = Person.objects.get(external_id="S-1")
        assert (known.samples.count(), known.valid_until, known.consents.count()) == (1, None, 1)
        send(manager, listing="name,external_id\nSomebody else,S-1\n")
        assert told() == {"Row 2: Somebody else": ("refused", "external_id_taken")}

    def test_a_receptionist_fills_groups_and_makes_none(self, engine):
        PersonGroup.objects.create(name="Visitors")
        send(make_client(Role.RECEPTIONIST), listing="name,groups\nAda,visitors\nBob,Pilots\n")
        assert {"Row 3: Bob": ("note", "group_not_made")}.items() <= told().items()
        assert [person.name for person in PersonGroup.objects.get().people.all()] == ["Ada"]

    def test_consent_is_asked_as_at_every_enrolment(self, manager, engine):
        assertContains(send(manager, listing="name\nAda\n", consent=""), "Say why these", status_code=400)
        assertContains(send(manager, listing="name\nAda\n", consent="contract"), "Select a valid", status_code=400)
        send(manager, listing="name,consent\nAda,\nBob,contract\nCem,paper\n", consent="listed")
        assert {place: code for place, (_, code) in told().items() if code != "without_pictures"} == {
            "Row 2: Ada": "consent_required",
            "Row 3: Bob": "basis_not_allowed",
        }
        assert [person.consents.get().how for person in Person.objects.all()] == ["paper"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("field", "data", "sentence"),
        [
            ("archive", b"no zip", "This is no ZIP file that can be read."),
            ("archive", zipped({"readme.txt": b"hello"}), "There is nobody in it"),
            ("listing", b"PK\x03\x04", "This is a workbook."),
            ("archive", b"", "This file is empty."),
        ],
    )
    def test_are_said_on_the_page_and_nothing_is_begun(self, manager, engine, field, data, sentence):
        answer = manager.post(PAGE, {"consent": "paper", field: SimpleUploadedFile("file", data)})
        assertContains(answer, sentence, status_code=400)
        assert not ImportRun.objects.exists()

    def test_nothing_is_nothing(self, manager, engine):
        assertContains(send(manager), "Choose a ZIP, a list, or both.", status_code=400)

    def test_of_who_may_not_enrol(self):
        officer = make_client(Role.PRIVACY_OFFICER)
        assert {officer.get(PAGE).status_code, send(officer, listing="name\nAda\n").status_code} == {403}


class TestRuns:
    def test_one_at_a_time(self, manager, engine):
        other = HeldLease(runs.LEASE)
        other.take()
        assertContains(send(manager, listing="name\nAda\n"), "Another import is at work", status_code=400)
        other.give_back()
        assertRedirects(send(manager, listing="name\nAda\n"), PAGE)

    def test_one_whose_process_died_says_so_and_keeps_what_it_told(self, manager, engine):
        ImportRun.objects.create(total=100, done=20)
        assertContains(manager.get(PAGE), "This stopped half-way")

    def test_shows_how_far_it_is_and_ends_when_asked(self, manager, engine, monkeypatch):
        seen = []

        def ask(run, done):
            answer = manager.get(f"{PAGE}state/")
            seen.append(answer.content.decode())
            manager.post(f"{PAGE}cancel/")
            return ImportRun.objects.get().cancel_asked

        monkeypatch.setattr(working, "note_progress", ask)
        send(manager, listing="name\nAda\nBob\n")
        assert "data-running" in seen[0]
        assert "0 of 2 pictures and rows" in seen[0]
        assert ImportRun.objects.get().state == "cancelled"
        assertContains(manager.get(PAGE), "The import was cancelled.")
        assert not Person.objects.exists()

    def test_ends_with_its_process_and_lets_go_of_everything(self, manager, face, monkeypatch):
        monkeypatch.setattr(
            "enrollment.importing.working.threading.main_thread", lambda: SimpleNamespace(is_alive=lambda: False)
        )
        send(manager, {f"{WADE}/1.jpg": face(WADE, 1), f"{WADE}/2.jpg": face(WADE, 2)})
        assertContains(manager.get(PAGE), "The server was stopped meanwhile.")
        HeldLease(runs.LEASE).take()

    def test_a_report_is_removed_by_hand_or_after_a_week(self, manager, engine):
        send(manager, listing="name\nAda\n")
        shift = Shift(HeldLease(runs.TASK), "product")
        runs.forget_old_reports(shift)
        assert ImportLine.objects.exists()
        ImportRun.objects.update(begun_at=timezone.now() - runs.KEPT - timedelta(hours=1))
        runs.forget_old_reports(shift)
        assert not ImportLine.objects.exists()
        send(manager, listing="name\nAda\n")
        assertContains(manager.post(f"{PAGE}forget/", follow=True), "The report was removed. The people stay.")
        assert (ImportRun.objects.count(), Person.objects.count()) == (0, 1)

    def test_says_how_long_the_rest_takes(self):
        run = ImportRun(total=100, done=20, begun_at=timezone.now() - timedelta(seconds=59))
        assert minutes_left(run) == 4
        run.done = 99
        assert minutes_left(run) == 0
        run.done = 5
        assert minutes_left(run) is None


class TestFilesOnTheDisk:
    @pytest.mark.parametrize("in_memory", [0, 10_000_000])
    def test_have_no_name_and_are_closed_in_the_end(self, manager, face, tmp_path, monkeypatch, in_memory):
        files = []
        begin = Archive.__init__

        def keep(self, file, **limits):
            files.append((file, list(tmp_path.iterdir())))
            begin(self, file, **limits)

        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        monkeypatch.setattr(Archive, "__init__", keep)
        with override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=in_memory):
            send(manager, {f"{WADE}/1.jpg": face(WADE, 1)})
        [(file, there)] = files
        assert (there, file.closed, told()[WADE]) == ([], True, ("new", ""))


def test_the_example_can_be_sent_as_it_is(manager, engine):
    send(manager, listing="".join(csv_lines(EXAMPLE[0], EXAMPLE[1:])))
    assert ("note", "without_pictures") in told().values()
