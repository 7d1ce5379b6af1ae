from __future__ import annotations

import time
from io import StringIO
from itertools import islice

import pytest
from django.core.management import CommandError, call_command

from enrollment import services
from enrollment.errors import TemplatesMissing
from enrollment.management.commands import rebuild_templates as command
from enrollment.models import FaceTemplate, PackSwitch
from enrollment.packs import switching
from enrollment.packs.switching import measure_pack, pack_in_use, switch_pack
from enrollment.runtime import engine as runtime
from enrollment.runtime.engine import get_engine, start_engine
from enrollment.runtime.gallery import current_gallery
from enrollment.runtime.pack_choice import chosen_pack_name
from enrollment.samples.drafts import draft_from_face, drafts_for
from recognizer.images import decode_image
from recognizer.packs.manifest import Pack
from tests.support.consent import ON_PAPER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(command, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(runtime, "SWITCH_CHECK_SECONDS", 0)
    monkeypatch.setattr(runtime.shared, "_next_check", 0.0)


@pytest.fixture
def enroll(shared_faces):
    """Enrol the first people of the evaluation set who have three pictures, with that engine."""

    def make(engine, people=4):
        folders = (one for one in sorted((shared_faces / "eval").iterdir()) if len(list(one.glob("*.jpg"))) >= 3)
        for folder in islice(folders, people):
            faces = [engine.analyze(decode_image(path.read_bytes())).faces[0] for path in sorted(folder.glob("*"))[:3]]
            drafts = [draft_from_face(face, contract_id=engine.contract_id, source="folder") for face in faces]
            services.enroll_person(
                actor=None, name=folder.name, consent=ON_PAPER, samples=drafts, despite_duplicate=True
            )

    return make


@pytest.fixture
def on_mobile(two_packs, enroll):
    """A site that began with `mobile`, and has people."""
    engine = start_engine("mobile")
    enroll(engine)
    yield two_packs
    engine.close()


def rebuild(*options):
    out = StringIO()
    call_command("rebuild_templates", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def name_in_use() -> str:
    pack = pack_in_use()
    assert pack is not None
    return pack.name


class TestChosenPackName:
    def test_an_empty_gallery_leaves_the_choice_to_the_manifest(self, two_packs):
        assert chosen_pack_name() is None
        assert name_in_use() == "edgeface-xs"

    def test_a_stronger_pack_installed_later_does_not_make_everybody_unknown(self, on_mobile):
        assert chosen_pack_name() == "mobile"
        assert current_gallery(get_engine()).people == 4

    def test_the_setting_comes_first(self, on_mobile, settings):
        settings.FACESITE_MODEL_PACK = "edgeface-xs"
        assert chosen_pack_name() == "edgeface-xs"

    def test_templates_of_a_pack_that_is_gone_do_not_stop_the_start(self, two_packs, enroll):
        engine = start_engine("mobile")
        enroll(engine, people=1)
        engine.close()
        FaceTemplate.objects.update(contract_id="a-pack-that-was-deleted")
        assert name_in_use() == "edgeface-xs"


class TestSwitchPack:
    def test_refuses_before_every_sample_has_its_template(self, on_mobile):
        with pytest.raises(TemplatesMissing, match="12 samples have no template of the pack edgeface-xs"):
            switch_pack(actor=None, pack=on_mobile["edgeface-xs"])
        assert not PackSwitch.objects.exists()

    def test_remembers_who_switched(self, two_packs, staff):
        switch_pack(actor=staff, pack=two_packs["mobile"])
        assert [(one.pack, one.switched_by) for one in PackSwitch.objects.all()] == [("mobile", staff)]


class TestRebuildTemplatesWithAPack:
    def test_rebuilds_compares_and_switches(self, on_mobile):
        out = rebuild("--pack", "edgeface-xs")
        assert "12 templates were written for the pack edgeface-xs." in out
        assert "mobile (threshold" in out
        assert "edgeface-xs (threshold" in out
        assert "Switched to the pack edgeface-xs." in out
        assert name_in_use() == "edgeface-xs"
        assert current_gallery(get_engine()).people == 4

    def test_leaves_the_choice_when_told_so(self, on_mobile):
        assert "Switched" not in rebuild("--pack", "edgeface-xs", "--no-switch")
        assert name_in_use() == "mobile"

    def test_switches_back_without_computing_anything(self, on_mobile):
        rebuild("--pack", "edgeface-xs")
        out = rebuild("--pack", "mobile")
        assert "0 templates were written for the pack mobile." in out
        assert "Switched to the pack mobile." in out
        assert name_in_use() == "mobile"

    @pytest.mark.parametrize(
        ("required", "said"), [(False, "pictures of people are taken for them"), (True, "it is required")]
    )
    def test_a_pack_that_cannot_check_liveness_says_so(self, on_mobile, monkeypatch, settings, required, said):
        settings.FACESITE_LIVENESS = "required" if required else None
        monkeypatch.setattr(Pack, "checks_liveness", property(lambda pack: pack.name == "mobile"))
        assert "edgeface-xs cannot check liveness" in (out := rebuild("--pack", "edgeface-xs"))
        assert said in out
        assert "cannot check liveness" not in rebuild("--pack", "mobile")

    def test_two_packs_never_meet_in_one_search(self, on_mobile):
        rebuild("--pack", "edgeface-xs")
        contracts = {on_mobile[name].contract_id for name in ("mobile", "edgeface-xs")}
        assert set(FaceTemplate.objects.values_list("contract_id", flat=True)) == contracts
        assert current_gallery(get_engine()).templates == 12

    def test_a_setting_that_names_a_pack_is_not_overruled(self, on_mobile, settings):
        settings.FACESITE_MODEL_PACK = "mobile"
        out = rebuild("--pack", "edgeface-xs")
        assert "set FACESITE_MODEL_PACK=edgeface-xs (or remove it) and restart" in out
        assert not PackSwitch.objects.exists()

    def test_waits_for_people_who_are_enrolled_meanwhile(self, on_mobile, enroll, monkeypatch):
        late = start_engine("mobile")
        original = switch_pack

        def enrol_then_switch(**arguments):
            monkeypatch.setattr(switching, "switch_pack", original)
            enroll(late, people=5)
            return original(**arguments)

        monkeypatch.setattr(switching, "switch_pack", enrol_then_switch)
        rebuild("--pack", "edgeface-xs")
        late.close()
        gallery = current_gallery(get_engine())
        assert (gallery.people, gallery.templates) == (9, 27)

    def test_gives_up_when_people_come_faster_than_it_works(self, on_mobile, monkeypatch):
        def never(**arguments):
            raise TemplatesMissing

        monkeypatch.setattr(switching, "switch_pack", never)
        with pytest.raises(CommandError, match="Try again later"):
            rebuild("--pack", "edgeface-xs")


class TestARunningProcess:
    def test_follows_a_switch_and_serves_with_the_old_pack_until_the_new_one_is_warm(self, on_mobile):
        before = get_engine()
        assert before.pack.name == "mobile"
        rebuild("--pack", "edgeface-xs")
        assert get_engine() is before  # it loads in the background
        assert eventually(lambda: get_engine().pack.name == "edgeface-xs")
        assert before.ready
        before.close()

    def test_stays_with_its_pack_when_the_new_one_is_not_on_this_machine(self, on_mobile, settings, tmp_path, caplog):
        before = get_engine()
        rebuild("--pack", "edgeface-xs")
        settings.FACESITE_MODELS_DIR = tmp_path
        get_engine()
        runtime.shared.join_follower()
        assert get_engine() is before
        assert "switch_failed" in caplog.messages


class TestDraftsFor:
    def test_embeds_pictures_again_that_were_taken_before_a_switch(self, on_mobile, shared_faces):
        old, new = start_engine("mobile"), start_engine("edgeface-xs")
        face = old.analyze(decode_image((shared_faces / "portraits" / "obama.jpg").read_bytes())).faces[0]
        draft = draft_from_face(face, contract_id=old.contract_id, source="webcam")
        [again] = drafts_for(new, [draft])
        assert (again.contract_id, again.embedding.shape) == (new.contract_id, (512,))
        assert again.digest == draft.digest
        assert drafts_for(old, [draft]) == [draft]
        old.close()
        new.close()


class TestMeasurePack:
    def test_counts_the_gallerys_own_people(self, on_mobile):
        measure = measure_pack(on_mobile["mobile"])
        assert (measure.people, measure.samples) == (4, 12)
        assert (measure.fnmr.trials, measure.fmr.trials) == (12, 36)
        assert measure.fnmr.value < 0.5
        assert measure.fmr.errors == 0

    def test_says_so_where_nothing_can_be_known(self, two_packs):
        line = command.measure_line(measure_pack(two_packs["mobile"]))
        assert "not known" in line


def eventually(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
