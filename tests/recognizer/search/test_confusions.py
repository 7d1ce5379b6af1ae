from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recognizer.decisions import Question, compare_probe
from recognizer.search.blocks import TemplateRow
from recognizer.search.confusions import HIGHEST, PAIR_MARGIN_FACTOR, RAISE_BY, Confusion, Confusions, raise_threshold
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import DecisionPolicy, Vector, Verdict
from tests.support.floats import approx_cosine

POLICY = DecisionPolicy(match_threshold=0.4, uncertain_threshold=0.33, fmr=1e-4)
scores = st.floats(0.0, 0.999)


def axis(number: int) -> Vector:
    unit: Vector = np.eye(8, dtype=np.float32)[number]
    return unit


def mix(**parts: float) -> Vector:
    """mix(a0=0.5, a3=0.2): those cosines to the axes; what remains of the length lies along the last axis."""
    vector = sum((value * axis(int(name[1:])) for name, value in parts.items()), np.zeros(8, np.float32))
    rest = 1 - float(vector @ vector)
    assert rest >= -1e-6
    mixed: Vector = (vector + np.sqrt(max(rest, 0.0)) * axis(7)).astype(np.float32)
    return mixed


GALLERY = GallerySnapshot.build(
    [TemplateRow(1, "anna", axis(0)), TemplateRow(2, "bert", axis(1))], contract_id="space", dimension=8, revision=1
)
STRANGER = mix(a0=0.5, a3=0.86)
"""Taken for Anna with a score of 0.5."""


def recorded(other: str | None = None, face: Vector = STRANGER) -> GallerySnapshot:
    score = float(face @ axis(0))
    return GALLERY.with_confusions(Confusions([Confusion("anna", face, raise_threshold(score), other)]))


class TestRaiseThreshold:
    @given(scores)
    def test_asks_for_more_than_before_but_never_for_what_a_stored_picture_could_not_reach(self, score):
        raised = raise_threshold(score)
        assert raised <= HIGHEST < 1
        assert raised == HIGHEST or score < raised == pytest.approx(score + RAISE_BY)


class TestDecisions:
    def test_the_recorded_face_is_not_named_again_and_the_code_says_why(self):
        assert compare_probe(STRANGER, Question(GALLERY, POLICY)).verdict == Verdict.MATCH
        after = compare_probe(STRANGER, Question(recorded(), POLICY))
        assert (after.verdict, after.reasons, after.person_id) == (Verdict.UNCERTAIN, ("known_confusion",), "anna")
        assert after.raised_threshold == pytest.approx(HIGHEST)

    def test_a_claim_is_held_to_it_too(self):
        assert compare_probe(STRANGER, Question(recorded(), POLICY, "anna")).reasons == ("known_confusion",)

    def test_a_face_a_little_like_it_must_reach_the_raised_threshold(self):
        below, above = mix(a0=0.53, a3=0.2), mix(a0=0.56, a3=0.2)
        assert float(below @ STRANGER) >= POLICY.match_threshold
        assert compare_probe(below, Question(recorded(), POLICY)).verdict == Verdict.UNCERTAIN
        assert compare_probe(above, Question(recorded(), POLICY)).verdict == Verdict.MATCH
        assert compare_probe(above, Question(recorded(), POLICY)).raised_threshold == pytest.approx(0.55)
        assert compare_probe(above, Question(recorded(), POLICY)).reasons == ("threshold_raised",)

    def test_others_are_judged_as_before(self):
        for probe in (axis(1), mix(a0=0.45), mix(a1=0.6, a3=0.7), axis(5)):
            assert compare_probe(probe, Question(recorded(), POLICY)) == compare_probe(probe, Question(GALLERY, POLICY))

    @given(own=scores, like=scores)
    def test_a_record_never_names_anybody_and_never_denies(self, own, like):
        assume(own**2 + like**2 <= 1)
        probe = mix(a0=own, a3=like)
        before, after = (
            compare_probe(probe, Question(GALLERY, POLICY)),
            compare_probe(probe, Question(recorded(), POLICY)),
        )
        if before.verdict == Verdict.MATCH:
            assert after.verdict in (Verdict.MATCH, Verdict.UNCERTAIN)
            assert (after.person_id, after.comparison_score) == (before.person_id, before.comparison_score)
        else:
            assert after == before

    def test_the_raised_threshold_is_inclusive(self):
        probe = mix(a0=0.6)
        at_score, above_it = (Confusion("anna", axis(0), float(probe[0]) + more) for more in (0.0, 1e-4))
        at, above = (GALLERY.with_confusions(Confusions([one])) for one in (at_score, above_it))
        assert compare_probe(probe, Question(at, POLICY)).verdict == Verdict.MATCH
        assert compare_probe(probe, Question(above, POLICY)).verdict == Verdict.UNCERTAIN


class TestPairs:
    def test_between_two_people_who_were_confused_the_lead_must_be_larger_in_both_directions(self):
        lead = PAIR_MARGIN_FACTOR * POLICY.min_margin
        pair = recorded(other="bert", face=axis(5))
        for near, far in (("a0", "a1"), ("a1", "a0")):
            close = mix(**{near: 0.6, far: 0.6 - lead + 0.02})
            clear = mix(**{near: 0.6, far: 0.6 - lead - 0.02})
            assert compare_probe(close, Question(GALLERY, POLICY)).verdict == Verdict.MATCH
            assert compare_probe(close, Question(pair, POLICY)).reasons == ("known_confusion",)
            assert compare_probe(clear, Question(pair, POLICY)).verdict == Verdict.MATCH

    def test_somebody_who_is_no_longer_searched_is_no_rival(self):
        assert compare_probe(axis(0), Question(recorded(other="carla", face=axis(5)), POLICY)).verdict == Verdict.MATCH


class TestSnapshot:
    def test_carries_the_records_into_the_next_revision_and_can_do_without(self):
        later = recorded().updated(added=[TemplateRow(3, "carla", axis(2))], revision=2)
        assert len(later.confusions) == 1
        assert compare_probe(STRANGER, Question(later, POLICY)).reasons == ("known_confusion",)
        restored = compare_probe(STRANGER, Question(later.with_confusions(Confusions()), POLICY))
        assert (restored.verdict, restored.reasons, restored.person_id) == (Verdict.MATCH, (), "anna")
        assert (restored.comparison_score, restored.runner_up) == approx_cosine((0.5, 0.0), 8)
