from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.decisions import (
    PEOPLE_AT_BASE,
    SHARP_FROM,
    Comparison,
    Evidence,
    LivenessLook,
    Question,
    apply_liveness,
    compare_probe,
    conclude,
    final_comparison,
    fuse_embeddings,
    fuse_liveness,
    fuse_looks,
    is_settled,
    is_sharp,
    judge_score,
    liveness_agrees,
    policy_for_gallery,
    threshold_for,
)
from recognizer.reasons import Reason
from recognizer.search.blocks import TemplateRow
from recognizer.search.cohort import Cohort
from recognizer.search.confusions import Confusion, Confusions
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import DecisionPolicy, Liveness, LivenessMode, LivenessVerdict, Pose, Quality, Vector, Verdict
from tests.support.floats import approx_cosine

POLICY = DecisionPolicy(
    match_threshold=0.4,
    uncertain_threshold=0.33,
    fmr=1e-4,
    thresholds=((1e-3, 0.33), (1e-4, 0.4), (1e-5, 0.46)),
)
GOOD = Quality(0.9, (), Pose(0, 0, 0), 100, 45, 120, 50, 200)
MASKED = replace(GOOD, reasons=(Reason.MOUTH_HIDDEN,))
POOR = replace(GOOD, score=0.3, reasons=(Reason.BLURRED,))
CROP = np.zeros((112, 112, 3), np.uint8)


def axis(number: int) -> Vector:
    unit: Vector = np.eye(8, dtype=np.float32)[number]
    return unit


def towards(number: int, score: float, rest: int = 7) -> Vector:
    """A unit vector with that cosine to an axis; what remains lies along another one."""
    mixed: Vector = (score * axis(number) + np.sqrt(1 - score**2) * axis(rest)).astype(np.float32)
    return mixed


def make_gallery(*templates: tuple[str, Vector]) -> GallerySnapshot:
    rows = [TemplateRow(number, person, vector) for number, (person, vector) in enumerate(templates)]
    return GallerySnapshot.build(rows, contract_id="space", dimension=8, revision=1)


TWO_PEOPLE = make_gallery(("anna", axis(0)), ("bert", axis(1)))
WHO = Question(TWO_PEOPLE, POLICY)


def see(vector: Vector, quality: Quality = GOOD, gallery: GallerySnapshot = TWO_PEOPLE) -> Evidence:
    return Evidence(vector, CROP, quality, compare_probe(vector, Question(gallery, POLICY)))


class TestCohort:
    """Bert's kind of face is common, Anna's is not."""

    STRANGERS = Cohort(np.stack([towards(1, score) for score in (0.55, 0.5, 0.45, 0.4)]), gate=3.0)

    def ask(self, probe: Vector, *, claimed: str | None = None, cohort: Cohort | None = STRANGERS) -> Comparison:
        return compare_probe(probe, Question(TWO_PEOPLE, POLICY, claimed, cohort))

    @pytest.mark.parametrize("claimed", [None, "bert"])
    def test_a_score_that_strangers_have_too_names_nobody(self, claimed):
        found = self.ask(towards(1, 0.6), claimed=claimed)
        assert (found.verdict, found.reasons) == (Verdict.UNCERTAIN, ("similar_to_many",))
        assert found.person_id == "bert"
        assert found.comparison_score == approx_cosine(0.6, 8)

    @pytest.mark.parametrize("claimed", [None, "anna"])
    def test_the_same_score_names_somebody_whom_few_resemble(self, claimed):
        assert self.ask(towards(0, 0.6, rest=5), claimed=claimed).verdict == Verdict.MATCH

    def test_a_score_far_above_the_strangers_names_anybody(self):
        assert self.ask(towards(1, 0.95)).verdict == Verdict.MATCH

    def test_the_very_picture_that_was_enrolled_is_always_recognised(self):
        hard = Cohort(self.STRANGERS.centres, gate=100.0)
        assert self.ask(axis(1), cohort=hard).verdict == Verdict.MATCH
        assert self.ask(towards(1, 0.98), cohort=hard).reasons == ("similar_to_many",)

    def test_a_pack_without_a_cohort_asks_for_the_score_alone(self):
        assert self.ask(towards(1, 0.6), cohort=None).verdict == Verdict.MATCH

    def test_what_is_no_match_keeps_its_own_reason(self):
        assert self.ask(towards(1, 0.2)).reasons == ("below_threshold",)
        assert self.ask(towards(1, 0.36)).reasons == ("between_thresholds",)

    def test_the_best_template_is_the_one_that_is_held_against_the_strangers(self):
        gallery = make_gallery(("bert", axis(0)), ("bert", axis(1)), ("bert", towards(0, 0.7, rest=5)))
        found = compare_probe(towards(1, 0.6), Question(gallery, POLICY, "bert", self.STRANGERS))
        assert found.reasons == ("similar_to_many",)

    def test_a_raised_threshold_that_was_reached_is_still_told(self):
        gallery = TWO_PEOPLE.with_confusions(Confusions([Confusion("bert", towards(7, 0.6, rest=4), 0.5)]))
        found = compare_probe(towards(1, 0.6), Question(gallery, POLICY, None, self.STRANGERS))
        assert found.reasons == ("similar_to_many", "threshold_raised")
        assert found.raised_threshold == 0.5


class TestPolicyForGallery:
    def test_a_small_gallery_is_searched_at_the_policy_s_own_threshold(self):
        assert policy_for_gallery(POLICY, PEOPLE_AT_BASE) is POLICY
        assert policy_for_gallery(POLICY, 0) is POLICY

    def test_ten_times_the_people_need_a_tenth_of_the_rate(self):
        grown = policy_for_gallery(POLICY, 10 * PEOPLE_AT_BASE)
        assert grown.fmr == pytest.approx(1e-5)
        assert grown.match_threshold == pytest.approx(0.46)
        assert grown.uncertain_threshold == pytest.approx(0.39)

    @given(st.lists(st.integers(0, 1_000_000), min_size=2, max_size=5))
    def test_never_gets_easier_with_more_people(self, sizes):
        policies = [policy_for_gallery(POLICY, people) for people in sorted(sizes)]
        thresholds = [policy.match_threshold for policy in policies]
        assert thresholds == sorted(thresholds)
        assert all(p.uncertain_threshold < p.match_threshold < 1 for p in policies)

    def test_a_pack_with_a_single_rate_has_nothing_to_extrapolate_from(self):
        alone = replace(POLICY, thresholds=((1e-4, 0.4),))
        assert policy_for_gallery(alone, 1_000) is alone

    @pytest.mark.parametrize(
        ("fmr", "threshold"), [(1e-3, 0.33), (1e-4, 0.4), (1e-5, 0.46), (1e-6, 0.5), (1e-7, 0.54), (1e-2, 0.26)]
    )
    def test_thresholds_lie_on_the_pack_s_own_points_and_go_on_beyond_them_flatter_from_1e_5_on(self, fmr, threshold):
        assert threshold_for(fmr, POLICY.thresholds) == pytest.approx(threshold)


class TestJudgeScore:
    @pytest.mark.parametrize(
        ("score", "verdict", "reasons"),
        [
            (0.4, Verdict.MATCH, ()),
            (float(np.nextafter(0.4, 0)), Verdict.UNCERTAIN, ("between_thresholds",)),
            (0.33, Verdict.UNCERTAIN, ("between_thresholds",)),
            (float(np.nextafter(0.33, 0)), Verdict.NON_MATCH, ("below_threshold",)),
        ],
    )
    def test_is_inclusive_at_both_thresholds(self, score, verdict, reasons):
        assert judge_score(score, POLICY) == (verdict, reasons)


class TestIdentify:
    def test_names_the_best_person_and_keeps_the_runner_up(self):
        found = compare_probe(towards(0, 0.8, rest=1), WHO)
        assert (found.verdict, found.person_id) == (Verdict.MATCH, "anna")
        assert (found.comparison_score, found.runner_up) == approx_cosine((0.8, 0.6), 8)

    def test_an_empty_gallery_matches_nobody(self):
        assert compare_probe(axis(0), Question(make_gallery(), POLICY)) == Comparison(
            Verdict.NON_MATCH, (Reason.GALLERY_EMPTY,)
        )

    def test_two_people_about_equally_alike_are_uncertain(self):
        found = compare_probe(towards(0, 0.72, rest=1), WHO)
        assert (found.verdict, found.reasons) == (Verdict.UNCERTAIN, ("margin_too_small",))

    def test_one_template_that_the_person_s_others_contradict_names_nobody(self):
        gallery = make_gallery(("anna", axis(0)), ("anna", axis(2)), ("bert", axis(1)))
        found = compare_probe(towards(0, 0.6), Question(gallery, POLICY))
        assert (found.verdict, found.reasons) == (Verdict.UNCERTAIN, ("templates_disagree",))

    def test_a_second_template_above_the_lower_threshold_is_support_enough(self):
        gallery = make_gallery(("anna", axis(0)), ("anna", towards(0, 0.6, rest=2)), ("bert", axis(1)))
        assert compare_probe(towards(0, 0.6), Question(gallery, POLICY)).verdict == Verdict.MATCH

    def test_a_person_with_one_template_needs_no_second(self):
        assert compare_probe(towards(0, 0.41), WHO).verdict == Verdict.MATCH

    def test_a_pack_that_nobody_has_measured_names_nobody(self):
        question = replace(WHO, policy=replace(POLICY, may_search=False))

        found = compare_probe(towards(0, 0.8, rest=1), question)

        assert (found.verdict, found.reasons) == (Verdict.UNCERTAIN, ("pack_not_measured",))
        assert compare_probe(towards(0, 0.8, rest=1), replace(question, claimed="anna")).verdict == Verdict.MATCH


class TestVerify:
    def test_compares_with_the_claimed_person_only_and_without_a_margin(self):
        found = compare_probe(towards(0, 0.69, rest=1), Question(TWO_PEOPLE, POLICY, claimed="anna"))
        assert (found.verdict, found.person_id, found.runner_up) == (Verdict.MATCH, "anna", None)

    def test_a_wrong_claim_is_a_non_match_even_when_somebody_else_would_match(self):
        found = compare_probe(axis(1), Question(TWO_PEOPLE, POLICY, claimed="anna"))
        assert (found.verdict, found.reasons, found.comparison_score) == (Verdict.NON_MATCH, ("below_threshold",), 0.0)

    def test_a_claim_that_cannot_be_checked_is_uncertain(self):
        found = compare_probe(axis(1), Question(TWO_PEOPLE, POLICY, claimed="cleo"))
        assert (found.verdict, found.reasons) == (Verdict.UNCERTAIN, ("person_not_enrolled",))


class TestFuseEmbeddings:
    def test_averages_the_good_frames_and_leaves_out_the_poor(self):
        fused = fuse_embeddings([see(axis(0)), see(axis(1)), see(axis(2), POOR)])
        assert fused == approx_cosine((axis(0) + axis(1)) / np.sqrt(2), 8)

    def test_uses_poor_frames_when_there_are_no_others(self):
        assert fuse_embeddings([see(axis(2), POOR)]) == approx_cosine(axis(2), 8)

    def test_takes_the_five_best(self):
        frames = [see(axis(0), replace(GOOD, score=0.9 - n / 100)) for n in range(5)]
        assert fuse_embeddings([see(axis(1), replace(GOOD, score=0.5)), *frames]) == approx_cosine(axis(0), 8)

    def test_opposite_frames_leave_the_best_one(self):
        fused = fuse_embeddings([see(axis(0)), see(-axis(0), replace(GOOD, score=0.5))])
        assert fused == approx_cosine(axis(0), 8)

    @given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.5, 1)), min_size=1, max_size=9))
    def test_always_has_the_length_one(self, looks):
        fused = fuse_embeddings([see(towards(number, score)) for number, score in looks])
        assert np.linalg.norm(fused) == approx_cosine(1, 8)


class TestConclude:
    @given(st.data())
    def test_the_order_of_the_frames_means_nothing(self, data):
        looks = data.draw(st.lists(st.tuples(st.integers(0, 3), st.floats(0.2, 1)), min_size=1, max_size=5))
        frames = [see(towards(number, score)) for number, score in looks]
        shuffled = data.draw(st.permutations(frames))
        first, second = conclude(frames, WHO), conclude(shuffled, WHO)
        assert (first.agreed, first.against, first.solid) == (second.agreed, second.against, second.solid)
        assert first.comparison.comparison_score == pytest.approx(second.comparison.comparison_score, abs=1e-5)
        assert 0 <= first.agreed <= first.agreed + first.against <= len(frames)

    @given(st.lists(st.floats(0.05, 0.9), min_size=1, max_size=5), st.floats(0, 0.09))
    def test_frames_that_resemble_somebody_more_never_lower_the_score(self, scores, gain):
        less, more = (
            conclude([see(towards(0, score + added)) for score in scores], WHO).comparison for added in (0.0, gain)
        )
        assert less.comparison_score is not None and more.comparison_score is not None
        assert more.comparison_score >= less.comparison_score - 1e-5

    def test_three_agreeing_frames_settle_a_match(self):
        frames = [see(towards(0, 0.7))] * 3
        assert not is_settled(conclude(frames[:2], WHO), POLICY)
        assert is_settled(conclude(frames, WHO), POLICY)

    def test_a_frame_that_points_elsewhere_asks_for_one_more(self):
        frames = [see(towards(0, 0.9)), see(towards(0, 0.9)), see(towards(1, 0.5)), see(towards(0, 0.9))]
        conclusion = conclude(frames, WHO)
        assert (conclusion.comparison.person_id, conclusion.agreed, conclusion.against) == ("anna", 3, 1)
        assert not is_settled(conclusion, POLICY)
        assert is_settled(conclude([*frames, frames[0]], WHO), POLICY)

    def test_frames_between_the_thresholds_never_settle(self):
        assert not is_settled(conclude([see(towards(0, 0.36))] * 8, WHO), POLICY)

    def test_several_weak_looks_at_one_person_are_a_strong_one_together(self):
        """Each frame is below the match threshold; what differs between them cancels out."""
        frames = [see(towards(0, 0.38, rest=rest)) for rest in (2, 3, 4, 5)]
        fused = conclude(frames, WHO)
        assert {one.comparison.verdict for one in frames} == {Verdict.UNCERTAIN}
        assert (fused.comparison.verdict, fused.agreed) == (Verdict.MATCH, 4)

    def test_poor_frames_that_match_nobody_do_not_settle_a_non_match(self):
        conclusion = conclude([see(axis(5), POOR)] * 5, WHO)
        assert (conclusion.agreed, conclusion.solid) == (5, 0)
        assert not is_settled(conclusion, POLICY)

    def test_poor_frames_say_nothing_against_a_match(self):
        frames = [*[see(towards(0, 0.7))] * 3, *[see(axis(5), POOR)] * 3]
        assert is_settled(conclude(frames, WHO), POLICY)


class TestFinalComparison:
    def test_poor_frames_alone_never_deny(self):
        frames = [see(axis(5), POOR)]
        final = final_comparison(conclude(frames, WHO), frames)
        assert (final.verdict, final.reasons) == (Verdict.UNCERTAIN, ("low_quality", "blurred"))

    def test_a_poor_frame_may_still_match(self):
        frames = [see(towards(0, 0.7), POOR)]
        assert final_comparison(conclude(frames, WHO), frames).verdict == Verdict.MATCH

    @pytest.mark.parametrize("score", [0.1, 0.99], ids=["stranger", "match"])
    def test_a_covered_mouth_or_a_turned_face_neither_names_nor_denies(self, score):
        frames = [see(towards(0, score), MASKED), see(towards(0, score), replace(GOOD, reasons=(Reason.TURNED_OVER,)))]
        final = final_comparison(conclude(frames, WHO), frames)
        assert (final.verdict, final.reasons) == (Verdict.UNCERTAIN, ("turned_over", "mouth_hidden"))

    def test_one_bare_frame_is_asked_alone(self):
        frames = [see(towards(1, 0.9), MASKED), see(towards(0, 0.7)), see(towards(1, 0.9), MASKED)]
        final = final_comparison(conclude(frames, WHO), frames)
        assert (final.verdict, final.person_id) == (Verdict.MATCH, "anna")

    def test_one_good_frame_is_enough_to_deny(self):
        frames = [see(axis(5), POOR), see(axis(5))]
        assert final_comparison(conclude(frames, WHO), frames).verdict == Verdict.NON_MATCH

    def test_nobody_enrolled_is_no_question_of_quality(self):
        empty = make_gallery()
        frames = [see(axis(5), POOR, empty)]
        final = final_comparison(conclude(frames, Question(empty, POLICY)), frames)
        assert (final.verdict, final.reasons) == (Verdict.NON_MATCH, ("gallery_empty",))

    def test_a_match_that_most_frames_do_not_share_is_uncertain(self):
        frames = [see(axis(0)), see(towards(1, 0.6, rest=6)), see(towards(1, 0.6, rest=5)), see(axis(0))]
        conclusion = conclude(frames, Question(TWO_PEOPLE, replace(POLICY, min_margin=0.0)))
        final = final_comparison(conclusion, frames)
        assert conclusion.comparison.verdict == Verdict.MATCH
        assert (final.verdict, final.reasons) == (Verdict.UNCERTAIN, ("frames_disagree",))


class TestFuseLiveness:
    @pytest.mark.parametrize(
        ("scores", "verdict"),
        [
            ([], LivenessVerdict.NOT_CHECKED),
            ([0.9, 0.95, 0.2], LivenessVerdict.BONA_FIDE),
            ([0.1, 0.2, 0.6], LivenessVerdict.ATTACK),
            ([0.6, 0.65, 0.9], LivenessVerdict.UNCERTAIN),
            ([0.1, 0.2, 0.9], LivenessVerdict.UNCERTAIN),
        ],
    )
    def test_takes_the_median_and_calls_nobody_an_attack_while_a_frame_contradicts(self, scores, verdict):
        assert fuse_liveness(scores).verdict == verdict

    def test_calls_nobody_an_attack_while_no_frame_is_sharp(self):
        unsharp = fuse_liveness([0.1, 0.2], sharp=False)
        assert unsharp.verdict == LivenessVerdict.UNCERTAIN
        assert unsharp.score == pytest.approx(0.15)
        assert fuse_liveness([0.9, 0.8], sharp=False).verdict == LivenessVerdict.BONA_FIDE
        assert is_sharp(replace(GOOD, sharpness=SHARP_FROM))
        assert not is_sharp(replace(GOOD, sharpness=SHARP_FROM - 0.01))

    @given(st.lists(st.builds(LivenessLook, st.floats(0, 1), st.booleans(), st.booleans()), max_size=9))
    def test_only_looks_with_surroundings_show_a_live_face(self, looks):
        surrounded = [look for look in looks if look.surrounded]
        fused = fuse_looks(looks)
        assert fused.verdict != LivenessVerdict.BONA_FIDE or surrounded
        if surrounded:
            assert fused == fuse_looks(surrounded)

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 1))
    def test_a_higher_score_never_makes_an_attack_of_it(self, scores, gain):
        higher = [min(1.0, score + gain) for score in scores]
        order = [LivenessVerdict.ATTACK, LivenessVerdict.UNCERTAIN, LivenessVerdict.BONA_FIDE]
        assert order.index(fuse_liveness(higher).verdict) >= order.index(fuse_liveness(scores).verdict)

    @pytest.mark.parametrize(
        ("scores", "agree"), [([0.9, 0.8], True), ([0.1], True), ([0.9, 0.6], False), ([0.6], False)]
    )
    def test_scores_agree_when_all_give_one_clear_verdict(self, scores, agree):
        assert liveness_agrees(scores) == agree


class TestApplyLiveness:
    @given(
        verdict=st.sampled_from([Verdict.MATCH, Verdict.NON_MATCH, Verdict.UNCERTAIN]),
        liveness=st.sampled_from(LivenessVerdict),
        mode=st.sampled_from(LivenessMode),
    )
    def test_attacks_only_and_always_when_required_and_doubt_never_denies(self, verdict, liveness, mode):
        comparison = Comparison(verdict, (), "anna", 0.5, 0.1)
        result = apply_liveness(comparison, Liveness(liveness, 0.5), mode)
        if mode != LivenessMode.REQUIRED or liveness == LivenessVerdict.BONA_FIDE:
            assert result == comparison
        elif liveness == LivenessVerdict.ATTACK:
            assert (result.verdict, result.person_id) == (Verdict.ATTACK, None)
        else:
            assert result.verdict == Verdict.UNCERTAIN

    def test_says_when_liveness_cannot_be_checked(self):
        comparison = Comparison(Verdict.UNCERTAIN, (Reason.BETWEEN_THRESHOLDS,), "anna", 0.35)
        result = apply_liveness(comparison, Liveness(), LivenessMode.REQUIRED)
        assert result.reasons == ("liveness_unavailable", "between_thresholds")
