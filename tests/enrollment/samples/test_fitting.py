"""Samples that do not fit, with real faces: a stranger's picture among a person's own."""

from __future__ import annotations

import pytest

from enrollment import services
from enrollment.models import FaceSample, FaceTemplate, Person
from enrollment.samples.fitting import UNSETTLED, judge_drafts
from enrollment.selectors import embeddings_of
from tests.support.consent import ON_PAPER

pytestmark = pytest.mark.django_db
MAN, OTHER, WOMAN = "Pierce_Brosnan", "Bill_Gates", "Halle_Berry"


def digests_aside() -> set[str]:
    return set(FaceSample.objects.filter(set_aside=True).values_list("digest", flat=True))


class TestJudgeDrafts:
    def test_finds_the_planted_stranger(self, drafts_of):
        wrong = drafts_of(WOMAN)[0]
        fit = judge_drafts([*drafts_of(OTHER), wrong])
        assert fit.set_aside == {wrong.digest}
        assert fit.sentence.startswith("One picture does not fit the others and is set aside")

    def test_pictures_of_one_person_fit(self, drafts_of):
        assert judge_drafts(drafts_of(OTHER)).sentence == ""

    def test_two_that_disagree_are_both_kept_and_it_is_said(self, drafts_of):
        fit = judge_drafts([drafts_of(MAN)[0], drafts_of(WOMAN)[0]])
        assert (fit.set_aside, fit.sentence) == (frozenset(), str(UNSETTLED))

    def test_the_same_picture_twice_does_not_outvote_another(self, drafts_of):
        assert not judge_drafts([drafts_of(MAN)[0], drafts_of(MAN)[0], drafts_of(WOMAN)[0]]).settled

    def test_what_the_person_has_already_decides(self, drafts_of, enroll_real):
        person = enroll_real(MAN, slice(2))
        strangers = drafts_of(WOMAN)[:2]
        assert judge_drafts(strangers, person).set_aside == {draft.digest for draft in strangers}

    def test_drafts_of_another_embedding_space_pass(self, engine, make_draft):
        assert judge_drafts([make_draft(1), make_draft(2)]).settled


class TestStoring:
    def test_enrolling_sets_the_stranger_aside_with_the_reason(self, drafts_of, enroll_real):
        wrong = drafts_of(WOMAN)[0]
        person = enroll_real(MAN, slice(3), extra=(wrong,))
        sample = person.samples.get(digest=wrong.digest)
        assert (sample.set_aside, sample.set_aside_reason) == (True, FaceSample.AsideReason.OUTLIER)
        assert person.samples.count() == 4
        assert len(embeddings_of(person, wrong.contract_id)) == 3

    def test_adding_sets_the_stranger_aside(self, drafts_of, enroll_real):
        person = enroll_real(MAN, slice(3))
        wrong = drafts_of(WOMAN)[0]
        services.add_samples(actor=None, person=person, samples=[wrong, drafts_of(MAN)[3]])
        assert digests_aside() == {wrong.digest}

    def test_a_stranger_among_the_pictures_raises_no_question_about_duplicates(self, drafts_of, enroll_real):
        enroll_real(WOMAN)
        person = services.enroll_person(
            actor=None, name="M", consent=ON_PAPER, samples=[*drafts_of(MAN), drafts_of(WOMAN)[0]]
        ).person
        assert digests_aside() == {drafts_of(WOMAN)[0].digest}
        assert Person.objects.count() == 2
        assert person.samples.count() == len(drafts_of(MAN)) + 1

    def test_what_was_taken_back_is_searched_again(self, drafts_of, enroll_real, operator):
        wrong = drafts_of(WOMAN)[0]
        person = enroll_real(MAN, slice(3), extra=(wrong,))
        services.set_aside(actor=operator, sample=person.samples.get(set_aside=True), aside=False)
        sample = FaceSample.objects.get(digest=wrong.digest)
        assert (sample.set_aside, sample.set_aside_reason, sample.taken_back) == (False, "", True)
        assert FaceTemplate.objects.filter(sample=sample).exists()
        assert len(embeddings_of(person, wrong.contract_id)) == 4
