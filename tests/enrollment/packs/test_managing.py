"""The page of model packs: installing, checking and switching, each as a piece of work with its progress."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from django.utils import translation
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.models import PackSwitch
from enrollment.packs import jobs, managing
from enrollment.packs.jobs import Kind, PackJob, PacksBusy, State, last_job, start_job
from enrollment.reasons import sentence_for
from recognizer.packs.choosing import sha256_of
from recognizer.packs.local_packs import OwnPack, add_pack
from recognizer.packs.manifest import SHIPPED_DIR, Manifest
from recognizer.types import Preprocessing
from security.audit.actions import Action
from security.models import AuditEvent
from security.roles.table import Role
from tests.support.operators import make_client
from tests.support.packs import write_embedder
from tests.support.pseudo import pseudo_language

PAGE = "/site/packs/"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch, settings, tmp_path, db):
    """The work is done before its page answers, in a models folder of its own."""
    monkeypatch.setattr(jobs, "in_background", lambda work, name: work())
    monkeypatch.setattr(managing, "SETTLE_SECONDS", 0)
    settings.FACESITE_MODELS_DIR, settings.FACESITE_MODEL_PACK = tmp_path, None


@pytest.fixture
def mirror(shared_models, settings):
    settings.FACESITE_MODELS_MIRROR = str(shared_models)


class TestInstall:
    def test_fetches_the_pack_and_notes_who_did_it(self, staff, staff_client, mirror):
        assertRedirects(staff_client.post(f"{PAGE}mobile/install/"), PAGE)
        job = last_job()
        assert job
        assert (job.kind, job.state, job.sentence.startswith("mobile is installed")) == ("install", "done", True), job
        noted = AuditEvent.objects.get(action=Action.PACK_INSTALLED)
        assert (noted.target, noted.actor) == ("pack:mobile", f"operator:{staff.pk}")
        page = staff_client.get(PAGE)
        assertContains(page, "MS-Celeb-1M")
        assert [one.pack.name for one in page.context["packs"] if one.pack.installed] == ["mobile"]

    def test_says_what_an_offline_mirror_lacks(self, staff_client, settings, tmp_path, monkeypatch):
        (tmp_path / "empty").mkdir()
        settings.FACESITE_MODELS_MIRROR = str(tmp_path / "empty")
        monkeypatch.setattr("enrollment.packs.store._at_hand", lambda *_: ())
        monkeypatch.setattr("enrollment.packs.store.download", _no_network)
        staff_client.post(f"{PAGE}mobile/install/")
        job = last_job()
        assert job
        assert job.state == State.FAILED
        assert "has no file with the size and sha256" in job.sentence
        assertContains(staff_client.get(f"{PAGE}state/"), "Nothing was changed")


def _no_network(url, *_):
    from enrollment.packs.fetching import InstallFailed

    raise InstallFailed(f"{url} could not be fetched (no network)")


class TestVerify:
    def test_finds_a_damaged_file(self, staff_client, mirror, tmp_path):
        staff_client.post(f"{PAGE}mobile/install/")
        staff_client.post(f"{PAGE}mobile/verify/")
        assertContains(staff_client.get(PAGE), "are what the manifest says")
        embedder = Manifest.load(tmp_path).get("mobile").embedder.path
        data = bytearray(embedder.read_bytes())
        data[-1] ^= 1
        embedder.write_bytes(data)
        staff_client.post(f"{PAGE}mobile/verify/")
        job = last_job()
        assert job
        assert job.state == State.FAILED
        assert "is not the file the manifest describes" in job.sentence


class TestSwitch:
    def test_computes_what_is_missing_and_then_switches(self, settings, two_packs, operator, operator_client, enroll):
        settings.FACESITE_MODELS_DIR = two_packs["mobile"].embedder.path.parent
        enroll("Ada", 1)
        listed = {one.pack.name: one for one in managing.list_packs()}
        assert listed["edgeface-xs"].in_use
        assert listed["mobile"].missing == 1
        operator_client.post(f"{PAGE}mobile/switch/")
        job = last_job()
        assert job
        assert (job.state, job.sentence) == ("done", "mobile is in use. Running servers follow within seconds.")
        switch = PackSwitch.objects.get()
        assert (switch.pack, switch.switched_by) == ("mobile", operator)

    def test_is_refused_where_a_setting_decides(self, settings, operator_client):
        settings.FACESITE_MODEL_PACK = "starter"
        answer = operator_client.post(f"{PAGE}mobile/switch/", follow=True)
        assertContains(answer, "FACESITE_MODEL_PACK=starter decides which pack is used")
        assert last_job() is None


class TestJobs:
    def test_one_at_a_time_and_one_that_died_is_told(self, monkeypatch):
        monkeypatch.setattr(jobs, "in_background", lambda work, name: None)
        start_job(Kind.VERIFY, "mobile", lambda tell: jobs.Said(""))
        with pytest.raises(PacksBusy):
            start_job(Kind.VERIFY, "mobile", lambda tell: jobs.Said(""))
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + jobs.STALE_S + 1)
        job = last_job()
        assert job
        assert (job.state, "half-way" in job.sentence) == (State.FAILED, True)

    def test_ends_with_its_process(self, monkeypatch):
        def work(tell):
            tell("Reading.", 1, 2)
            return "Read."

        thread = SimpleNamespace(is_alive=lambda: False)
        monkeypatch.setattr("enrollment.packs.jobs.threading.main_thread", lambda: thread)
        jobs.run_job(Kind.VERIFY, "mobile", work)
        job = last_job()
        assert job
        assert (job.state, job.sentence.startswith("The server was stopped")) == (State.FAILED, True)

    def test_a_percentage_needs_to_know_how_much_there_is(self):
        assert PackJob("install", "mobile", "running", "", 5, 0).percent is None
        assert PackJob("install", "mobile", "running", "", 5, 20).percent == 25


class TestPage:
    def test_offers_what_the_role_may_do(self, staff_client, mirror):
        assertContains(staff_client.get(PAGE), "Install<span")
        assertNotContains(make_client(Role.MANAGER).get(PAGE), "Install<span")

    def test_says_what_no_pack_of_the_site_has_from_the_start(self, staff_client, tmp_path):
        shipped = staff_client.get(PAGE)
        assertContains(shipped, "a match must also stand out against a cohort of strangers", count=4)
        assertContains(shipped, "the pack has no cohort of strangers", count=4)
        assertNotContains(shipped, "Nobody has measured this model pack")

        file = write_embedder(tmp_path / "own.onnx")
        ours = OwnPack("own", "Ours", "ours", Preprocessing("RGB", (127.5,) * 3, (127.5,) * 3))
        add_pack(tmp_path, ours, file, sha256_of(file))

        page = staff_client.get(PAGE)
        assertContains(page, "the pack has no cohort of strangers", count=5)
        assertContains(page, "Nobody has measured this model pack, so a search names nobody.", count=1)


class TestWords:
    def test_of_every_pack_can_be_translated(self):
        packs = Manifest.load(SHIPPED_DIR).packs.values()
        said = {text for pack in packs for text in (pack.title, pack.licence, pack.training_data, pack.terms) if text}
        assert said - set(managing.MANIFEST_WORDS) <= {"Apache-2.0"}

    def test_of_a_piece_of_work_are_in_the_language_of_whoever_reads_them(self):
        start_job(
            Kind.VERIFY,
            "mobile",
            lambda tell: jobs.Said("The {number} files of {name} are there.", {"number": 3, "name": "mobile"}),
        )
        job = last_job()
        assert job
        assert job.sentence == "The 3 files of mobile are there."
        with pseudo_language():
            assert job.sentence == "⟦The 3 files of mobile are there.⟧"

    def test_of_a_refusal_of_the_engine_come_with_the_sentence_of_its_code_elsewhere(self):
        job = PackJob("install", "mobile", State.FAILED, "pip got no {wheel}", code="pack_install_failed")
        assert job.sentence == "pip got no {wheel}"
        with translation.override("de"):
            assert job.sentence == f"{sentence_for('pack_install_failed')} (pip got no {{wheel}})"
