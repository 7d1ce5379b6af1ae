"""manage.py backup and restore: an erased person's face comes back from no backup, however old."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connections

from enrollment import services
from enrollment.models import FaceSample, GalleryRevision, Person, PersonKey
from enrollment.pictures.folder_import import look_at_picture
from enrollment.runtime.gallery import current_gallery, reset_gallery
from enrollment.samples.drafts import SampleDraft
from enrollment.sealed import CropUnreadable, is_unreadable, read_crop
from enrollment.selectors import embeddings_of
from recognizer.images import encode_crop
from recognizer.vectors import vector_to_bytes
from security.audit.actions import Action
from security.encryption.site_keys import SiteKeyUnusable, new_site_key
from security.models import AuditEvent, SecondFactorKey
from security.sign_in.second_factor import SecondFactorRefused, check_code
from tests.security.sign_in.test_second_factor import code_of, turn_on
from tests.support.consent import ON_PAPER
from tests.verification.rows import JPEG, make_attempt
from verification.models import PictureKey, VerificationAttempt
from verification.selectors import thumbnail_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_gallery():
    reset_gallery()
    yield
    reset_gallery()


def command(name: str, *arguments: Any) -> dict[str, Any]:
    out = StringIO()
    call_command(name, *map(str, arguments), "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


class Site:
    """Two people with real faces, one attempt of each, and where the backups go."""

    def __init__(self, engine, pictures, folder):
        self.engine, self.folder = engine, folder
        self.keys = folder / "keys"
        self.drafts: dict[str, SampleDraft] = {}
        self.secrets = {}
        for name, path in pictures.items():
            draft = look_at_picture(engine, path).draft
            assert draft
            self.drafts[name] = draft
            person = services.enroll_person(
                actor=None, name=name, consent=ON_PAPER, samples=[draft], despite_duplicate=True
            ).person
            make_attempt(matched_person=person)
            self.secrets[name] = [encode_crop(draft.aligned)[-64:], vector_to_bytes(draft.embedding)[:64]]

    def backup(self, name: str) -> dict[str, Any]:
        return command("backup", self.folder / name, "--keys", self.keys)

    def restore(self, name: str, *options: str) -> dict[str, Any]:
        reset_gallery()
        return command("restore", self.folder / name, "--keys", self.keys, *options)

    def found(self, name: str) -> str | None:
        """Whom a search finds for that person's face."""
        candidates = current_gallery(self.engine).search(self.drafts[name].embedding, 1)
        if not candidates or candidates[0].comparison_score < 0.9:
            return None
        return Person.objects.get(uuid=candidates[0].person_id).name


@pytest.fixture
def site(engine, shared_faces, tmp_path) -> Site:
    folders = shared_faces / "eval"
    names = {"Ada": "Bill_Gates", "Bob": "Carlos_Moya"}
    return Site(engine, {name: sorted((folders / who).glob("*.jpg"))[0] for name, who in names.items()}, tmp_path)


def person(name: str) -> Person:
    return Person.objects.get(name=name)


def erase(name: str) -> None:
    services.erase_people(actor=None, people=[person(name)])


class TestAnErasedPerson:
    """Two backups, an erasure between them: the older file comes back with the newest keys."""

    @pytest.fixture
    def restored(self, site):
        site.backup("first")
        erase("Ada")
        site.backup("second")
        assert site.restore("first", "--replace")["erased_since"] == 1
        return site

    def test_cannot_be_read_in_an_older_backup(self, restored):
        ada = person("Ada")
        with pytest.raises(CropUnreadable):
            read_crop(ada.samples.get())
        assert embeddings_of(ada, restored.engine.contract_id) == []
        assert thumbnail_url(VerificationAttempt.objects.get(matched_person=ada)) == ""
        assert is_unreadable(ada)

    def test_is_not_searched_any_more(self, restored):
        assert restored.found("Ada") is None

    def test_takes_nobody_else_along(self, restored):
        bob = person("Bob")
        assert restored.found("Bob") == "Bob"
        assert read_crop(bob.samples.get()).startswith(b"\x89PNG")
        assert thumbnail_url(VerificationAttempt.objects.get(matched_person=bob))
        assert not is_unreadable(bob)

    def test_is_shown_as_such_and_can_be_erased(self, restored, staff_client):
        said = "was erased after the backup"
        assert said in staff_client.get(person("Ada").get_absolute_url()).content.decode()
        assert said not in staff_client.get(person("Bob").get_absolute_url()).content.decode()
        erase("Ada")
        assert not Person.objects.filter(name="Ada").exists()

    def test_can_be_erased_by_the_restore_itself(self, site):
        site.backup("first")
        erase("Ada")
        site.backup("second")
        site.restore("first", "--replace", "--erase-unreadable")
        assert list(Person.objects.values_list("name", flat=True)) == ["Bob"]


class TestBackup:
    def test_holds_no_key_and_no_face_in_plain(self, site):
        wrapped = [bytes(key.wrapped) for key in [*PersonKey.objects.all(), *PictureKey.objects.all()]]
        site.backup("first")
        content = (site.folder / "first").read_bytes()
        assert wrapped
        for secret in [*wrapped, JPEG, *site.secrets["Ada"], *site.secrets["Bob"]]:
            assert secret not in content

    def test_encrypts_first_what_an_older_version_left(self, site):
        assert VerificationAttempt.objects.filter(thumbnail=JPEG).count() == 2
        site.backup("first")
        assert not VerificationAttempt.objects.filter(thumbnail=JPEG).exists()

    def test_is_for_its_owner_only_and_leaves_no_draft(self, site):
        site.backup("first")
        assert sorted(path.name for path in site.folder.iterdir()) == ["first", "keys"]
        assert {path.stat().st_mode & 0o777 for path in site.folder.iterdir()} == {0o600}

    def test_overwrites_the_keys_before(self, site):
        site.backup("first")
        [gone] = [entry for entry in keys_in(site) if entry["owner"] == person("Ada").pk and "person" in entry["table"]]
        with site.keys.open("rb") as before:  # as a program would that holds the old file open
            erase("Ada")
            site.backup("second")
            assert not before.read().strip(b"\0")
        assert gone["wrapped"] not in site.keys.read_text()

    def test_leaves_out_sessions(self, site, staff_client):
        assert Session.objects.exists()
        site.backup("first")
        with closing(sqlite3.connect(site.folder / "first")) as backup:
            tables = {name for (name,) in backup.execute("SELECT name FROM sqlite_master")}
        assert "enrollment_person" in tables
        assert not tables & {"django_session", "enrollment_personkey", "verification_picturekey"}

    def test_is_as_of_one_moment(self, site, monkeypatch):
        """Somebody is erased while it is written: the file and the keys still belong together."""
        from security.encryption import backups

        chunks = backups._chunks

        def erase_meanwhile(model, columns):
            if model is FaceSample:
                in_another_connection(lambda: erase("Ada"))
            return chunks(model, columns)

        monkeypatch.setattr(backups, "_chunks", erase_meanwhile)
        site.backup("first")
        monkeypatch.undo()
        assert not Person.objects.filter(name="Ada").exists()
        site.restore("first", "--replace")
        assert site.found("Ada") == "Ada"

    def test_leaves_an_audit_row(self, site):
        site.backup("first")
        assert AuditEvent.objects.filter(action=Action.BACKUP_WRITTEN).count() == 1

    def test_refuses_one_file_for_both(self, site):
        with pytest.raises(CommandError, match="file of their own"):
            command("backup", site.keys, "--keys", site.keys)

    def test_says_where_it_cannot_write(self, site):
        with pytest.raises(CommandError, match="nowhere/first cannot be written: No such file"):
            command("backup", site.folder / "nowhere" / "first", "--keys", site.keys)
        assert not list(site.folder.iterdir())


class TestRestore:
    def test_brings_everything_back(self, site, staff):
        site.backup("first")
        before = contents()
        epoch = GalleryRevision.objects.get().epoch
        erase_everything()
        answer = site.restore("first")
        assert contents() == before
        assert answer["erased_since"] == 0
        assert (site.found("Ada"), site.found("Bob")) == ("Ada", "Bob")
        assert User.objects.get().check_password("staff-password")
        assert GalleryRevision.objects.get().epoch != epoch
        assert AuditEvent.objects.filter(action=Action.BACKUP_RESTORED).count() == 1

    def test_ends_every_session(self, site, staff_client):
        site.backup("first")
        assert Session.objects.exists()
        site.restore("first", "--replace")
        assert not Session.objects.exists()

    def test_refuses_to_replace_faces_unless_told(self, site):
        site.backup("first")
        with pytest.raises(CommandError, match="add --replace"):
            site.restore("first")

    def test_changes_nothing_when_the_backup_is_damaged(self, site):
        site.backup("first")
        with closing(sqlite3.connect(site.folder / "first")) as backup, backup:
            backup.execute("UPDATE enrollment_facesample SET person_id = 999")
        before = contents()
        with pytest.raises(CommandError, match="damaged"):
            site.restore("first", "--replace")
        assert contents() == before
        assert site.found("Ada") == "Ada"

    @pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(100)])
    def test_refuses_what_is_no_backup(self, site, content):
        site.backup("first")
        (site.folder / "other").write_bytes(content)
        with pytest.raises(CommandError, match="is no backup of facesite"):
            site.restore("other", "--replace")

    def test_refuses_what_is_no_file_of_keys(self, site):
        site.backup("first")
        site.keys.write_text("{}")
        with pytest.raises(CommandError, match="is no file of keys"):
            site.restore("first", "--replace")
        site.keys.unlink()
        with pytest.raises(CommandError, match="--keys"):
            site.restore("first", "--replace")

    def test_refuses_another_version_s_backup(self, site):
        site.backup("first")
        with closing(sqlite3.connect(site.folder / "first")) as backup, backup:
            about = json.loads(backup.execute("SELECT value FROM about").fetchone()[0])
            backup.execute("UPDATE about SET value = ?", [json.dumps(about | {"migrations": ["other"]})])
        with pytest.raises(CommandError, match="another version"):
            site.restore("first", "--replace")

    def test_needs_the_site_key(self, site, settings):
        site.backup("first")
        settings.FACESITE_DATA_KEY = new_site_key().text
        with pytest.raises(SiteKeyUnusable, match="is the wrong one"):
            site.restore("first", "--replace")


def keys_in(site: Site) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads(site.keys.read_text())["keys"]
    return keys


def contents() -> list[Any]:
    return [
        list(Person.objects.order_by("pk").values()),
        list(FaceSample.objects.order_by("pk").values()),
        list(VerificationAttempt.objects.order_by("pk").values()),
        list(PersonKey.objects.order_by("pk").values()),
    ]


def erase_everything() -> None:
    services.erase_people(actor=None, people=Person.objects.all())
    VerificationAttempt.objects.all().delete()
    User.objects.all().delete()


def in_another_connection(work) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


class TestSecondFactor:
    def test_comes_back_with_its_key_and_not_without(self, site, operator, tmp_path):
        secret, recovery_codes = turn_on(operator)
        site.backup("with-app")
        raw = (tmp_path / "with-app").read_bytes()
        assert secret not in raw
        site.restore("with-app", "--replace")
        check_code(operator=operator, code=code_of(secret, steps=1))
        SecondFactorKey.objects.all().delete()
        site.backup("later")  # its file of keys takes the place of the one before
        site.restore("with-app", "--replace")
        with pytest.raises(SecondFactorRefused, match="recovery code"):
            check_code(operator=operator, code=code_of(secret, steps=1))
        check_code(operator=operator, code=recovery_codes[0])
