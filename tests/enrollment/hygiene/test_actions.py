"""Merging, noting pairs, and undoing each: nothing is lost on the way."""

from __future__ import annotations

import pytest

from enrollment import services
from enrollment.errors import DuplicateCandidate, MergeRefused, PersonUnknown, SampleUnknown, UndoBlocked
from enrollment.hygiene import actions as hygiene
from enrollment.models import FaceSample, GalleryChange, HygieneAction, Person, PersonGroup, PersonPair
from enrollment.samples.pairs import different_from
from enrollment.samples.storing import MAX_SAMPLES
from tests.enrollment.conftest import CONTRACT
from tests.support.consent import ON_PAPER

pytestmark = pytest.mark.django_db


@pytest.fixture
def enroll(operator, make_draft):
    def make(name="Ada", seeds=(1, 2)) -> Person:
        samples = [make_draft(seed) for seed in seeds]
        return services.enroll_person(
            actor=operator, name=name, consent=ON_PAPER, samples=samples, despite_duplicate=True
        ).person

    return make


@pytest.fixture
def merge(operator):
    def make(keep: Person, other: Person) -> HygieneAction:
        return hygiene.merge_people(actor=operator, keep=keep, merge=other, contract_id=CONTRACT)

    return make


def state() -> list[tuple]:
    """Everything that a merge may touch."""
    samples = FaceSample.objects.order_by("pk").values_list(
        "pk", "person__name", "set_aside", "set_aside_reason", "taken_back", "merged_from__name"
    )
    return [*samples, *Person.objects.order_by("pk").values_list("name", "is_active")]


def changed_people() -> set:
    last = GalleryChange.objects.order_by("-revision").first()
    assert last
    return set(GalleryChange.objects.filter(revision=last.revision).values_list("person_uuid", flat=True))


class TestMergePeople:
    def test_gives_all_samples_to_the_one_who_stays(self, enroll, merge):
        ada, again = enroll("Ada", (1, 2)), enroll("Ada again", (3, 4, 5))
        merge(ada, again)
        again.refresh_from_db()
        assert (ada.samples.count(), again.samples.count(), again.is_active) == (5, 0, False)
        assert set(again.given_samples.all()) <= set(ada.samples.all())
        assert changed_people() == {ada.uuid, again.uuid}

    def test_takes_the_groups_along_and_an_undo_gives_back_only_those(self, enroll, merge, operator):
        ada, again = enroll("Ada", (1, 2)), enroll("Ada again", (3, 4))
        office, lab = (PersonGroup.objects.create(name=name) for name in ("Office", "Laboratory"))
        ada.groups.add(office)
        again.groups.add(office, lab)
        action = merge(ada, again)
        assert set(ada.groups.all()) == {office, lab}
        hygiene.undo_action(actor=operator, action=action)
        assert (set(ada.groups.all()), set(again.groups.all())) == ({office}, {office, lab})

    def test_is_undone_completely(self, enroll, merge, operator):
        ada, again = enroll("Ada", (1, 2)), enroll("Ada again", (3, 4, 5))
        before = state()
        action = merge(ada, again)
        assert state() != before
        hygiene.undo_action(actor=operator, action=action)
        assert state() == before
        action.refresh_from_db()
        assert action.undone_by == operator and action.undone_at

    def test_sets_aside_what_is_above_the_cap_and_gives_it_back(self, enroll, merge, operator):
        ada, again = enroll("Ada", range(15)), enroll("Ada again", range(20, 35))
        before = state()
        action = merge(ada, again)
        assert ada.samples.count() == 30
        assert ada.samples.filter(set_aside=False).count() == MAX_SAMPLES
        assert set(ada.samples.filter(set_aside=True).values_list("set_aside_reason", flat=True)) == {"surplus"}
        hygiene.undo_action(actor=operator, action=action)
        assert state() == before

    def test_leaves_a_picture_that_both_have_where_it_is(self, enroll, merge, operator):
        ada, again = enroll("Ada", (1, 2)), enroll("Ada again", (2, 3))
        before = state()
        action = merge(ada, again)
        assert (ada.samples.count(), again.samples.count()) == (3, 1)
        hygiene.undo_action(actor=operator, action=action)
        assert state() == before

    def test_of_a_deactivated_person_does_not_activate_them_when_undone(self, enroll, merge, operator):
        ada, again = enroll("Ada", (1,)), enroll("Ada again", (2,))
        services.set_active(actor=operator, people=[again], active=False)
        hygiene.undo_action(actor=operator, action=merge(ada, again))
        again.refresh_from_db()
        assert not again.is_active

    def test_later_samples_stay_when_it_is_undone(self, enroll, merge, operator, make_draft):
        ada, again = enroll("Ada", (1,)), enroll("Ada again", (2,))
        action = merge(ada, again)
        services.add_samples(actor=operator, person=ada, samples=[make_draft(9)], despite_duplicate=True)
        hygiene.undo_action(actor=operator, action=action)
        assert (ada.samples.count(), again.samples.count()) == (2, 1)

    def test_a_full_record_sets_merged_samples_aside_instead_of_erasing_them(self, enroll, merge, operator, make_draft):
        ada, again = enroll("Ada", range(10)), enroll("Ada again", range(20, 30))
        action = merge(ada, again)
        drafts = [make_draft(seed) for seed in range(40, 55)]
        services.add_samples(actor=operator, person=ada, samples=drafts, despite_duplicate=True)
        assert ada.samples.filter(set_aside=False).count() == MAX_SAMPLES
        hygiene.undo_action(actor=operator, action=action)
        assert again.samples.count() == 10

    def test_samples_that_made_room_for_merged_ones_are_there_when_it_is_undone(
        self, enroll, merge, operator, make_draft
    ):
        ada, again = enroll("Ada", range(10)), enroll("Ada again", range(20, 30))
        own = set(ada.samples.values_list("pk", flat=True))
        action = merge(ada, again)
        drafts = [make_draft(seed) for seed in range(40, 55)]
        services.add_samples(actor=operator, person=ada, samples=drafts, despite_duplicate=True)
        hygiene.undo_action(actor=operator, action=action)
        assert own <= set(ada.samples.values_list("pk", flat=True))

    def test_merges_in_a_row_are_undone_from_the_last_one(self, enroll, merge, operator):
        ada, again, third = enroll("Ada", (1,)), enroll("Ada again", (2,)), enroll("Ada thrice", (3,))
        before = state()
        first, second = merge(ada, again), merge(third, ada)
        with pytest.raises(UndoBlocked, match="later merge first"):
            hygiene.undo_action(actor=operator, action=first)
        hygiene.undo_action(actor=operator, action=second)
        hygiene.undo_action(actor=operator, action=first)
        assert state() == before

    def test_cannot_be_undone_twice(self, enroll, merge, operator):
        action = merge(enroll("Ada", (1,)), enroll("Ada again", (2,)))
        hygiene.undo_action(actor=operator, action=action)
        with pytest.raises(UndoBlocked, match="already"):
            hygiene.undo_action(actor=operator, action=action)

    def test_cannot_be_undone_once_one_of_the_two_is_erased(self, enroll, merge, operator):
        ada, again = enroll("Ada", (1,)), enroll("Ada again", (2,))
        action = merge(ada, again)
        services.erase_people(actor=None, people=[again])
        with pytest.raises(UndoBlocked, match="erased"):
            hygiene.undo_action(actor=operator, action=action)

    def test_of_two_operators_in_both_directions_the_second_is_refused_so_that_one_stays_active(self, enroll, merge):
        ada, again = enroll("Ada", (1, 2)), enroll("Ada again", (3,))
        merge(ada, again)
        before = state()
        with pytest.raises(MergeRefused, match="not active"):
            merge(again, ada)
        assert state() == before

    def test_is_refused_for_one_person_for_noted_pairs_and_for_strangers(self, enroll, merge, operator):
        ada, grace = enroll("Ada", (1,)), enroll("Grace", (2,))
        with pytest.raises(MergeRefused, match="same person"):
            merge(ada, ada)
        hygiene.note_pair(actor=operator, first=ada, second=grace, comparison_score=0.5)
        with pytest.raises(MergeRefused, match="noted as different"):
            merge(ada, grace)
        services.erase_people(actor=None, people=[Person.objects.get(pk=grace.pk)])
        with pytest.raises(PersonUnknown):
            merge(ada, grace)

    def test_erasing_the_merged_person_erases_their_samples_wherever_they_are(self, enroll, merge, operator):
        ada, again = enroll("Ada", (1, 2)), enroll("Ada again", (3, 4))
        merge(ada, again)
        uuids = {ada.uuid, again.uuid}
        services.erase_people(actor=None, people=[again])
        assert ada.samples.count() == 2
        assert changed_people() == uuids
        assert not HygieneAction.objects.exists()

    def test_erasing_the_one_who_stays_erases_the_records_that_were_merged_into_it(self, enroll, merge, operator):
        """One person with two records: nothing of them is left, names least of all."""
        ada, again, third, grace = (
            enroll(name, (seed,)) for seed, name in enumerate(("Ada", "A. L.", "Ada K.", "Grace"))
        )
        merge(again, third)
        merge(ada, again)
        assert services.erase_people(actor=None, people=[ada]) == 3
        assert list(Person.objects.all()) == [grace]
        assert FaceSample.objects.count() == 1
        assert changed_people() == {ada.uuid, again.uuid, third.uuid}

    def test_erasing_the_one_who_stays_spares_a_record_whose_merge_was_undone(self, enroll, merge, operator):
        ada, grace = enroll("Ada", (1,)), enroll("Grace", (2,))
        hygiene.undo_action(actor=operator, action=merge(ada, grace))
        assert services.erase_people(actor=None, people=[ada]) == 1
        assert grace.samples.count() == 1


class TestPairs:
    def test_a_note_is_kept_once_whatever_the_order(self, enroll, operator):
        ada, grace = enroll("Ada", (1,)), enroll("Grace", (2,))
        pair = hygiene.note_pair(actor=operator, first=grace, second=ada, comparison_score=0.5)
        assert hygiene.note_pair(actor=None, first=ada, second=grace, comparison_score=0.6) == pair
        assert (pair.first, pair.second, pair.noted_by, pair.comparison_score) == (ada, grace, operator, 0.5)
        assert different_from(ada) == {grace.pk}
        assert different_from(grace) == {ada.pk}
        assert HygieneAction.objects.count() == 1

    def test_is_removed_and_comes_back(self, enroll, operator):
        ada, grace = enroll("Ada", (1,)), enroll("Grace", (2,))
        hygiene.note_pair(actor=operator, first=ada, second=grace, comparison_score=0.5)
        removed = hygiene.forget_pair(actor=operator, first=grace, second=ada)
        assert removed and not PersonPair.objects.exists()
        assert hygiene.forget_pair(actor=operator, first=grace, second=ada) is None
        hygiene.undo_action(actor=operator, action=removed)
        assert PersonPair.objects.get().comparison_score == 0.5
        hygiene.undo_action(actor=operator, action=HygieneAction.objects.get(kind="note_pair"))
        assert not PersonPair.objects.exists()

    def test_undoing_what_is_no_longer_so_is_refused(self, enroll, operator):
        ada, grace = enroll("Ada", (1,)), enroll("Grace", (2,))
        hygiene.note_pair(actor=operator, first=ada, second=grace, comparison_score=0.5)
        noted = HygieneAction.objects.get()
        removed = hygiene.forget_pair(actor=operator, first=ada, second=grace)
        assert removed
        with pytest.raises(UndoBlocked):
            hygiene.undo_action(actor=operator, action=noted)
        services.note_as_different(operator, ada, [DuplicateCandidate(grace, 0.5)])
        with pytest.raises(UndoBlocked):
            hygiene.undo_action(actor=operator, action=removed)


class TestSetAside:
    def test_both_ways_are_undone(self, enroll, operator):
        sample = enroll(seeds=(1, 2)).samples.first()
        before = state()
        aside = services.set_aside(actor=operator, sample=sample, aside=True)
        back = services.set_aside(actor=operator, sample=sample, aside=False)
        assert aside and back
        with pytest.raises(UndoBlocked, match="Undo that first"):
            hygiene.undo_action(actor=operator, action=aside)
        hygiene.undo_action(actor=operator, action=back)
        hygiene.undo_action(actor=operator, action=aside)
        assert state() == before

    def test_of_a_sample_that_was_removed_since_cannot_be_undone(self, enroll, operator):
        sample = enroll(seeds=(1, 2)).samples.first()
        action = services.set_aside(actor=operator, sample=sample, aside=True)
        assert action
        services.remove_sample(actor=operator, sample=FaceSample.objects.get(pk=sample.pk))
        with pytest.raises(UndoBlocked, match="removed"):
            hygiene.undo_action(actor=operator, action=action)
        with pytest.raises(SampleUnknown):
            services.set_aside(actor=operator, sample=sample, aside=False)


class TestCap:
    def test_counts_what_is_searched(self, enroll, operator, make_draft):
        ada = enroll(seeds=range(MAX_SAMPLES))
        services.set_aside(actor=operator, sample=ada.samples.first(), aside=True)
        services.add_samples(actor=operator, person=ada, samples=[make_draft(50)], despite_duplicate=True)
        assert ada.samples.count() == MAX_SAMPLES + 1
        assert ada.samples.filter(set_aside=False).count() == MAX_SAMPLES

    def test_keeps_what_an_operator_took_back(self, enroll, operator, make_draft):
        ada = enroll(seeds=(1,))
        sample = ada.samples.get()
        services.set_aside(actor=operator, sample=sample, aside=True)
        services.set_aside(actor=operator, sample=sample, aside=False)
        twins = [make_draft(seed, embedding=make_draft(1).embedding) for seed in range(100, 100 + MAX_SAMPLES)]
        services.add_samples(actor=operator, person=ada, samples=twins, despite_duplicate=True)
        assert ada.samples.filter(pk=sample.pk, set_aside=False).exists()
        assert ada.samples.count() == MAX_SAMPLES

    def test_keeps_the_only_front_sample(self, enroll, operator, make_draft):
        ada = enroll(seeds=(1,))
        same = make_draft(1).embedding
        sides = [make_draft(seed, pose="left", embedding=same) for seed in range(100, 100 + MAX_SAMPLES)]
        services.add_samples(actor=operator, person=ada, samples=sides, despite_duplicate=True)
        assert ada.samples.filter(pose="front").count() == 1
