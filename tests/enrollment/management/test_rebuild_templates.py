from __future__ import annotations

from collections.abc import Generator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from enrollment import services
from enrollment.management.commands.rebuild_templates import progress_line
from enrollment.models import FaceSample, FaceTemplate
from enrollment.packs import rebuilding
from enrollment.packs.rebuilding import Progress, rebuild_templates
from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from enrollment.samples.drafts import draft_from_face
from enrollment.sealed import read_vectors
from tests.support.consent import ON_PAPER
from tests.support.webcam import clip_frames

pytestmark = pytest.mark.django_db


@pytest.fixture
def enroll(engine, shared_faces):
    """Somebody from real frames, as if another pack had made the templates."""

    def make(name="Ada", frames=3, contract_id="old-space"):
        images = list(clip_frames(shared_faces / "webcam" / "real_male.mjpeg"))[:frames]
        drafts = [
            draft_from_face(engine.analyze(image).faces[0], contract_id=contract_id, source="webcam")
            for image in images
        ]
        return services.enroll_person(
            actor=None, name=name, consent=ON_PAPER, samples=drafts, despite_duplicate=True
        ).person

    return make


def run(*options):
    out = StringIO()
    try:
        call_command("rebuild_templates", *options, stdout=out, stderr=StringIO())
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


class TestRebuildTemplates:
    def test_makes_people_searchable_after_a_model_change(self, enroll, engine):
        ada = enroll()
        assert current_gallery(engine).people == 0
        out, error = run()
        assert (out, error) == (f"3 templates were written for the pack {engine.pack.name}.\n", None)
        mark_gallery_stale()  # on_commit does not run in this kind of test
        old = FaceTemplate.objects.filter(contract_id="old-space").order_by("pk").values_list("sample_id", "embedding")
        [vector] = read_vectors(old[:1], "old-space").values()
        found = current_gallery(engine).search(vector, 1)[0]
        assert (found.person_id, round(found.comparison_score, 3)) == (str(ada.uuid), 1.0)

    def test_leaves_the_old_templates_alone(self, enroll):
        enroll()
        run()
        assert FaceTemplate.objects.filter(contract_id="old-space").count() == 3

    def test_does_nothing_the_second_time(self, enroll, engine):
        enroll()
        run()
        assert run()[0].startswith("0 templates were written")
        assert FaceTemplate.objects.filter(contract_id=engine.contract_id).count() == 3

    def test_takes_a_pack_by_name(self, enroll, engine):
        enroll()
        out, error = run("--pack", engine.pack.name)
        assert out.startswith("3 templates")
        assert error is None
        assert engine.ready  # the process's own engine was not closed

    def test_says_when_there_is_no_such_pack(self):
        assert "nosuchpack" in run("--pack", "nosuchpack")[1]

    def test_lists_what_could_not_be_rebuilt_and_rebuilds_the_rest(self, enroll, engine):
        enroll()
        broken = FaceSample.objects.earliest("pk")
        FaceSample.objects.filter(pk=broken.pk).update(crop=b"not a picture")
        out, error = run()
        assert out.startswith("2 templates were written")
        assert f"failed  sample {broken.uuid}" in out
        assert "1 samples could not be rebuilt" in error
        assert "Ada" not in out

    def test_goes_on_where_it_was_stopped(self, enroll, engine, monkeypatch):
        enroll(frames=5)
        monkeypatch.setattr(rebuilding, "BATCH", 2)
        stopped = rebuild_templates(engine)
        assert isinstance(stopped, Generator)
        assert (next(stopped).done, FaceTemplate.objects.filter(contract_id=engine.contract_id).count()) == (2, 2)
        stopped.close()
        seen = [(progress.done, progress.total, progress.written) for progress in rebuild_templates(engine)]
        assert seen == [(2, 3, 2), (3, 3, 1)]

    def test_ctrl_c_is_no_traceback_and_keeps_what_was_written(self, enroll, engine, monkeypatch):
        enroll(frames=5)
        monkeypatch.setattr(rebuilding, "BATCH", 2)
        embed, batches = rebuilding._embed_batch, iter([1])

        def stop_in_the_second(engine, batch):
            if next(batches, None) is None:
                raise KeyboardInterrupt
            return embed(engine, batch)

        monkeypatch.setattr(rebuilding, "_embed_batch", stop_in_the_second)
        with pytest.raises(CommandError, match="run it again to go on") as stopped:
            call_command("rebuild_templates", stdout=StringIO(), stderr=StringIO())
        assert stopped.value.returncode == 130
        assert FaceTemplate.objects.filter(contract_id=engine.contract_id).count() == 2

    def test_passes_over_samples_that_are_erased_meanwhile(self, enroll, engine, monkeypatch):
        enroll()
        embed = rebuilding._embed_batch

        def embed_then_erase(engine, batch):
            FaceSample.objects.filter(pk=batch[0].pk).delete()
            return embed(engine, batch)

        monkeypatch.setattr(rebuilding, "_embed_batch", embed_then_erase)
        assert [progress.written for progress in rebuild_templates(engine)] == [2]


class TestProgressLine:
    @pytest.mark.parametrize(("done", "filled"), [(0, 0), (50, 15), (100, 30)])
    def test_fills_up(self, done, filled):
        line = progress_line(Progress(done=done, total=100, written=done, failures=()))
        assert line == f"[{'#' * filled}{'.' * (30 - filled)}] {done} of 100 samples"
