"""The calibration page, and what it concludes, on galleries of made-up faces with known scores."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.models import FaceSample, Person
from enrollment.runtime.gallery import cached_gallery, current_gallery, mark_gallery_stale
from enrollment.samples.site_scores import Progress, SiteScores, site_scores
from enrollment.services import enroll_person, set_active
from recognizer.calibration import comparisons_needed, rate_of
from recognizer.engine import FaceEngine
from tests.enrollment.conftest import QUALITY
from tests.support.consent import ON_PAPER
from verification.accuracy import kept_scores
from verification.accuracy.calibration import calibrate_site, conclude_rate, people_needed, predictions, site_threshold
from verification.models import VerificationPolicy
from verification.policy import SiteThreshold, current_policy, false_alarms_per_1000
from verification.services import save_policy

PAGE = "/verification/calibration/"
POLICY = {"fmr": "0.0001", "liveness": "required"}


@pytest.fixture(autouse=True)
def _nothing_overridden(settings):
    settings.FACESITE_LIVENESS = None


@pytest.fixture
def crowd(db, engine: FaceEngine) -> Callable[[int], None]:
    """crowd(n): n people with two samples each; random unit vectors, so that strangers' scores are near 0."""
    from enrollment.samples.drafts import SampleDraft

    def enrol(people: int) -> None:
        random = np.random.default_rng(1)
        for number in range(people):
            face = random.normal(size=engine.dimension)
            samples = []
            for _ in range(2):
                vector = (face + 0.5 * random.normal(size=engine.dimension)).astype(np.float32)
                samples.append(
                    SampleDraft(
                        aligned=random.integers(0, 256, (112, 112, 3), dtype=np.uint8),
                        embedding=vector / np.linalg.norm(vector),
                        contract_id=engine.contract_id,
                        quality=QUALITY,
                        source="webcam",
                        pose="front",
                    )
                )
            enroll_person(
                actor=None, name=f"Person {number}", consent=ON_PAPER, samples=samples, despite_duplicate=True
            )
        assert FaceSample.objects.filter(set_aside=False).count() == 2 * people

    return enrol


class TestConcludeRate:
    def test_refuses_from_too_few(self):
        assert conclude_rate(rate_of(0, comparisons_needed(1e-3) - 1), 1e-3) == "Too few comparisons to say."
        assert conclude_rate(rate_of(0, comparisons_needed(1e-3)), 1e-3) == "The rate is kept here."

    def test_a_rate_that_is_clearly_broken_needs_no_more(self):
        assert "stricter" in conclude_rate(rate_of(5, 500), 1e-4)

    def test_an_interval_on_both_sides_agrees(self):
        assert conclude_rate(rate_of(10, 10_000), 1e-3) == "Agrees with the rate."


class TestPeopleNeeded:
    @pytest.mark.parametrize(("comparisons", "each"), [(3_000, 5.0), (36_887, 3.2), (1, 1.0)])
    def test_is_the_fewest_that_make_so_many_comparisons(self, comparisons, each):
        people = people_needed(comparisons, each)
        assert people * (people - 1) * each >= comparisons
        assert (people - 1) * (people - 2) * each < comparisons


class TestCalibrateSite:
    def test_tells_for_every_choice_what_was_counted(self, crowd, engine):
        crowd(4)
        found = calibrate_site(engine)
        assert [choice.rate for choice in found.choices] == list(VerificationPolicy.FalseMatchRate.values)
        for choice in found.choices:
            assert choice.match_threshold == engine.pack.thresholds[float(choice.rate)].match
            assert (choice.fmr.trials, choice.fnmr.trials) == (24, 8)
            assert choice.conclusion == "Too few comparisons to say."
            assert choice.site_threshold is None
        assert len(found.doubts) == 4

    def test_from_enough_people_on_a_site_threshold_is_offered_with_what_it_rests_on(self, crowd, engine):
        crowd(46)  # 46 * 45 * 2 = 4,140 comparisons
        found = calibrate_site(engine)
        loose, strict, _ = found.choices
        assert loose.site_threshold is not None
        assert found.distribution.fmr(loose.site_threshold).high <= 1e-3
        assert strict.site_threshold is None
        evidence = site_threshold(found, "0.001").evidence
        assert (evidence["people"], evidence["fmr"]["comparisons"]) == (46, 4_140)

    def test_predictions_are_monotone_and_include_every_policy(self, crowd, engine):
        crowd(3)
        rows = predictions(calibrate_site(engine))
        assert [row.false_matches for row in rows] == sorted((row.false_matches for row in rows), reverse=True)
        assert [row.false_non_matches for row in rows] == sorted(row.false_non_matches for row in rows)
        assert {row.threshold for row in rows} >= {engine.pack.thresholds[rate].match for rate in (1e-3, 1e-4, 1e-5)}


@pytest.mark.django_db
class TestSiteThreshold:
    def test_counts_in_its_own_embedding_space_only_and_moves_the_others_along(self, engine, staff):
        pack = engine.pack.thresholds[1e-4]
        save_policy(actor=staff, site_threshold=SiteThreshold(pack.match + 0.05, engine.contract_id, {}), **POLICY)
        policy = current_policy(engine)
        assert policy.match_threshold == pytest.approx(pack.match + 0.05)
        assert policy.uncertain_threshold == pytest.approx(pack.uncertain + 0.05)
        assert dict(policy.thresholds)[1e-5] == pytest.approx(engine.pack.thresholds[1e-5].match + 0.05)
        save_policy(actor=staff, site_threshold=SiteThreshold(0.9, "another-space", {}), **POLICY)
        assert current_policy(engine).match_threshold == pack.match

    def test_expected_false_alarms_stop_growing_above_twenty_people(self, engine):
        policy = current_policy(engine)
        assert false_alarms_per_1000(policy, 10) == pytest.approx(1, rel=1e-3)
        assert false_alarms_per_1000(policy, 2_000) == pytest.approx(2, rel=1e-3)


@pytest.mark.django_db
class TestPage:
    def test_is_for_those_who_may_set_the_policy(self, client, receptionist_client, clerk_client, staff):
        assertRedirects(client.get(PAGE), f"/accounts/login/?next={PAGE}", fetch_redirect_response=False)
        before = save_policy(actor=staff, fmr="0.0001", liveness="required")
        for other in (receptionist_client, clerk_client):
            assert other.get(PAGE).status_code == 403
            assert other.post(PAGE, POLICY).status_code == 403
            assert other.post(f"{PAGE}{before.pk}/again/").status_code == 403
        assert VerificationPolicy.objects.count() == 1

    def test_an_empty_gallery_has_no_curves_but_a_policy(self, engine, staff_client):
        page = staff_client.get(PAGE)
        assertContains(page, "Nothing to compare yet")
        assertContains(page, "Save the policy")
        assertNotContains(page, "<polyline")

    def test_draws_both_charts_for_those_who_see_them_and_those_who_do_not(self, crowd, engine, staff_client):
        crowd(4)
        page = staff_client.get(PAGE)
        for part in ('aria-labelledby="histogram-title histogram-description"', "<polyline", "24 of different people"):
            assertContains(page, part)
        assertContains(page, "Too few to conclude from.")
        assertContains(page, "this site has 24")

    def test_saves_who_and_when(self, engine, staff, staff_client):
        assertRedirects(staff_client.post(PAGE, {"fmr": "0.00001", "liveness": "advisory"}), PAGE)
        saved = VerificationPolicy.objects.get()
        assert (saved.fmr, saved.liveness, saved.saved_by, saved.match_threshold) == (
            "0.00001",
            "advisory",
            staff,
            None,
        )

    def test_looks_at_the_scores_once_and_not_at_all_to_change_liveness(self, crowd, engine, staff_client, monkeypatch):
        runs = []

        def counted(contract_id: str, progress: Progress) -> SiteScores:
            runs.append(contract_id)
            return site_scores(contract_id, progress)

        monkeypatch.setattr(kept_scores, "site_scores", counted)
        crowd(3)
        assert staff_client.post("/verification/calibration/", {"fmr": "0.001", "liveness": "off"}).status_code == 302
        assert runs == []
        with_site = {"fmr": "0.001", "liveness": "off", "site_threshold": "on"}
        assert staff_client.get("/verification/calibration/").status_code == 200
        assert staff_client.post("/verification/calibration/", with_site).status_code == 400  # too few people
        assert len(runs) == 1

    def test_a_large_gallery_is_measured_in_the_background_and_the_last_result_shown_meanwhile(
        self, crowd, engine, staff_client, monkeypatch
    ):
        begun, go_on = threading.Event(), threading.Event()
        measured: list[SiteScores] = []

        def slow(contract_id: str, progress: Progress) -> SiteScores:
            progress(0.25)
            begun.set()
            assert go_on.wait(60)
            return measured[-1]

        def look_while_measuring() -> Any:
            go_on.clear()
            begun.clear()
            page = staff_client.get(PAGE)
            assert begun.wait(60)
            return page

        monkeypatch.setattr(kept_scores, "DIRECT_TEMPLATES", 0)
        monkeypatch.setattr(kept_scores.kept_scores, "_kept", {})  # as in a process that has just started
        monkeypatch.setattr(kept_scores, "site_scores", slow)
        crowd(3)
        current_gallery(engine)  # the thread finds it, and reads no rows of this test's transaction
        monkeypatch.setattr(kept_scores, "current_gallery", lambda engine: cached_gallery())
        measured.append(site_scores(engine.contract_id))
        assertContains(look_while_measuring(), "are being measured")
        assertContains(staff_client.get(PAGE), "25 %")
        go_on.set()
        kept_scores.kept_scores.wait()
        page = staff_client.get(PAGE)
        assert (page.context["found"].people, page.context["measuring"]) == (3, False)
        set_active(actor=None, people=list(Person.objects.all()[:1]), active=False)
        mark_gallery_stale()
        current_gallery(engine)
        page = look_while_measuring()
        go_on.set()
        kept_scores.kept_scores.wait()
        assert (page.context["found"].people, page.context["measuring"]) == (3, True)

    def test_looks_at_the_scores_again_when_somebody_was_enrolled(self, crowd, engine, staff_client):
        assert staff_client.get("/verification/calibration/").context["found"].people == 0
        crowd(2)
        assert staff_client.get("/verification/calibration/").context["found"].people == 2

    def test_a_site_threshold_from_too_few_people_is_refused_with_how_many_it_takes(self, crowd, engine, staff_client):
        crowd(4)
        page = staff_client.post(PAGE, POLICY | {"site_threshold": "on"})
        assertContains(
            page, "36,887 comparisons of different people are needed, and this site has 24.", status_code=400
        )
        assert VerificationPolicy.objects.count() == 0

    def test_a_measured_site_threshold_is_saved_with_its_evidence(self, crowd, engine, staff_client):
        crowd(46)
        staff_client.post(PAGE, {"fmr": "0.001", "liveness": "off", "site_threshold": "on"})
        saved = VerificationPolicy.objects.get()
        assert current_policy(engine).match_threshold == saved.match_threshold
        assert saved.evidence["fmr"]["high"] <= 1e-3
        assertContains(staff_client.get(PAGE), "1 in 1,000 comparisons in this site&#x27;s own gallery")

    @pytest.mark.parametrize("field", ["fmr", "liveness"])
    def test_what_is_not_among_the_choices_is_refused(self, engine, staff_client, field):
        assert staff_client.post(PAGE, POLICY | {field: "0.5"}).status_code == 400
        assert VerificationPolicy.objects.count() == 0

    def test_an_earlier_policy_can_be_used_again(self, engine, staff, staff_client):
        first = save_policy(
            actor=None,
            fmr="0.001",
            liveness="off",
            site_threshold=SiteThreshold(0.5, engine.contract_id, {"people": 9}),
        )
        save_policy(actor=None, fmr="0.0001", liveness="required")
        assertRedirects(staff_client.post(f"{PAGE}{first.pk}/again/"), PAGE)
        newest = VerificationPolicy.objects.all()[0]
        assert newest.pk != first.pk
        assert (newest.fmr, newest.match_threshold, newest.evidence) == ("0.001", 0.5, {"people": 9})
        assert newest.saved_by == staff
        assert staff_client.post(f"{PAGE}999999/again/").status_code == 404

    def test_says_when_the_environment_decides_about_liveness(self, engine, staff_client, settings):
        settings.FACESITE_LIVENESS = "off"
        assertContains(staff_client.get(PAGE), "FACESITE_LIVENESS=off counts while it is set")
