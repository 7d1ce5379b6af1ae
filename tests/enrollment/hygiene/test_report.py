"""The report over a gallery of real people with a planted duplicate and a planted wrong sample."""

from __future__ import annotations

import errno
import json
from io import StringIO
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollment import services
from enrollment.hygiene import actions as hygiene
from enrollment.hygiene.report import build_report
from enrollment.models import FaceSample, FaceTemplate

pytestmark = pytest.mark.django_db
MAN, OTHER, WOMAN = "Pierce_Brosnan", "Bill_Gates", "Halle_Berry"


@pytest.fixture
def gallery(enroll_real):
    """Three people, nothing wrong."""
    return {name: enroll_real(name, slice(3)) for name in (MAN, OTHER, WOMAN)}


@pytest.fixture
def duplicate(gallery, enroll_real):
    """The man once more, from other pictures."""
    return enroll_real(MAN, slice(3, None), name="Somebody else")


@pytest.fixture
def wrong(gallery, drafts_of, operator) -> FaceSample:
    """The woman's fourth picture among the man's samples, searched although it does not fit."""
    draft = drafts_of(WOMAN)[3]
    services.add_samples(actor=operator, person=gallery[MAN], samples=[draft], despite_duplicate=True)
    FaceSample.objects.filter(digest=draft.digest).update(set_aside=False, set_aside_reason="")
    services.bump_gallery_revision([gallery[MAN].uuid])
    return FaceSample.objects.get(digest=draft.digest)


class TestReport:
    def test_of_a_clean_gallery_finds_nothing(self, engine, gallery):
        report = build_report(engine)
        assert (report.people, report.templates) == (3, 9)
        assert (report.duplicate_count, report.misfit_count) == (0, 0)

    def test_of_an_empty_gallery_finds_nothing(self, engine):
        report = build_report(engine)
        assert (report.people, report.templates, report.duplicates, report.misfits) == (0, 0, [], [])

    def test_after_a_switch_of_packs_no_sample_is_read_for_nothing(self, engine, gallery):
        FaceTemplate.objects.update(contract_id="the former pack's")
        with CaptureQueriesContext(connection) as asked:
            assert build_report(engine).templates == 0
        assert not [query for query in asked if "enrollment_facesample" in query["sql"]]

    def test_finds_the_planted_duplicate(self, engine, gallery, duplicate):
        report = build_report(engine)
        (found,) = report.duplicates
        assert {found.first, found.second} == {gallery[MAN], duplicate}
        assert {found.first_sample.person, found.second_sample.person} == {gallery[MAN], duplicate}
        assert found.comparison_score >= report.match_threshold
        assert 0 < found.matching <= found.comparisons == 3 * duplicate.samples.count()

    def test_finds_the_planted_wrong_sample_and_whom_it_shows(self, engine, gallery, wrong):
        report = build_report(engine)
        (found,) = report.misfits
        assert (found.sample, found.person, found.resembles) == (wrong, gallery[MAN], gallery[WOMAN])
        assert found.best_score < report.fit_threshold
        assert found.settled

    def test_a_wrong_sample_makes_no_duplicate_of_its_person(self, engine, wrong):
        assert build_report(engine).duplicate_count == 0

    def test_two_samples_that_disagree_are_both_listed(self, engine, enroll_real, drafts_of):
        enroll_real(MAN, slice(1), extra=(drafts_of(WOMAN)[0],))
        report = build_report(engine)
        assert [found.settled for found in report.misfits] == [False, False]

    def test_does_not_ask_again_about_what_an_operator_decided(self, engine, gallery, duplicate, wrong, operator):
        services.set_aside(actor=operator, sample=wrong, aside=False)
        hygiene.note_pair(actor=operator, first=duplicate, second=gallery[MAN], comparison_score=0.7)
        report = build_report(engine)
        assert report.misfit_count == 0
        # The wrong sample counts as the man's own now, so he does resemble the woman.
        assert [{found.first, found.second} for found in report.duplicates] == [{gallery[MAN], gallery[WOMAN]}]
        assert len(report.noted) == 1

    def test_leaves_out_who_is_deactivated_and_what_is_set_aside(self, engine, duplicate, wrong, operator):
        services.set_active(actor=operator, people=[duplicate], active=False)
        services.set_aside(actor=operator, sample=wrong, aside=True)
        report = build_report(engine)
        assert (report.people, report.duplicate_count, report.misfit_count) == (3, 0, 0)

    def test_lists_no_more_than_asked_but_counts_all(self, engine, duplicate, wrong):
        report = build_report(engine, shown=0)
        assert (report.duplicates, report.misfits) == ([], [])
        assert (report.duplicate_count, report.misfit_count) == (1, 1)

    def test_calls_the_space_between_the_thresholds_lookalikes(self, engine, gallery, duplicate, monkeypatch):
        from dataclasses import replace

        from enrollment.runtime.policy import current_policy

        score = build_report(engine).duplicates[0].comparison_score
        policy = replace(current_policy(engine), match_threshold=score + 0.01, thresholds=())
        monkeypatch.setattr("enrollment.hygiene.report.current_policy", lambda engine: policy)
        report = build_report(engine)
        assert report.duplicate_count == 0
        assert {report.lookalikes[0].first, report.lookalikes[0].second} == {gallery[MAN], duplicate}


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("hygiene", *arguments, stdout=out)
    return out.getvalue()


class TestCommand:
    def test_tells_everything_as_json(self, engine, gallery, duplicate, wrong):
        report = json.loads(run("--json"))
        (found,) = report["duplicates"]
        assert {person["id"] for person in found["people"]} == {str(gallery[MAN].uuid), str(duplicate.uuid)}
        (misfit,) = report["misfits"]
        assert misfit["sample"] == str(wrong.uuid)
        assert misfit["resembles"] == {"id": str(gallery[WOMAN].uuid), "name": WOMAN}
        assert (report["people"], report["duplicate_count"], report["misfit_count"]) == (4, 1, 1)
        assert report["match_threshold"] > report["uncertain_threshold"]

    def test_a_file_that_cannot_be_written_is_one_sentence(self, engine, duplicate, tmp_path, monkeypatch):
        monkeypatch.setattr("enrollment.hygiene.resuming.EVERY_S", 0)
        monkeypatch.setattr("recognizer.search.fit.ROWS", 2)
        with pytest.raises(CommandError, match=r"missing/state cannot be used: No such file"):
            run("--resume", str(tmp_path / "missing" / "state"))
        assert "Likely duplicates: 1" in run("--resume", str(tmp_path / "state"))
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_is_named_by_the_file_that_did_not_fit(self, engine, monkeypatch):
        full = OSError(errno.ENOSPC, "No space left on device", "/scratch/block")
        monkeypatch.setattr("enrollment.management.commands.hygiene.build_report", Mock(side_effect=full))
        with pytest.raises(CommandError, match=r"^/scratch/block cannot be used: No space left on device\.$"):
            run()

    def test_tells_it_in_words(self, engine, duplicate, wrong):
        text = run()
        assert "Likely duplicates: 1" in text
        assert "Samples that do not fit their person: 1 (every comparison" in text
        assert str(wrong.uuid) in text
        assert f"it matches {WOMAN}" in text

    def test_writes_nothing(self, engine, duplicate, wrong, django_assert_num_queries):
        before = list(FaceSample.objects.values("pk", "person", "set_aside"))
        run("--json")
        assert list(FaceSample.objects.values("pk", "person", "set_aside")) == before

    def test_refuses_a_negative_limit(self, engine):
        with pytest.raises(CommandError, match="--limit"):
            run("--limit=-1")
