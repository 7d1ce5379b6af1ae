"""The inbox of unknown faces: what is kept, for how long, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone

from enrollment.errors import ConsentInvalid, NameInvalid, PossibleDuplicate
from enrollment.hygiene import actions as hygiene
from enrollment.models import FaceSample, GalleryRevision, Person
from enrollment.runtime.gallery import current_gallery, reset_gallery
from enrollment.services import erase_people
from recognizer.decisions import Question
from recognizer.reasons import Reason
from recognizer.search.gallery import GallerySnapshot
from recognizer.tracking.fuser import decide_still
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy, Liveness, LivenessVerdict
from tests.support.consent import ON_PAPER
from tests.verification.conftest import ADA, BOB, STRANGER
from verification import services
from verification.models import InboxAction, UnknownFace, UnknownPolicy, VerificationAttempt
from verification.policy import Grounds, current_policy
from verification.review import unknowns

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy(engine, liveness_off) -> DecisionPolicy:
    return current_policy(engine)


@pytest.fixture
def see(engine, policy, picture):
    """see(name, number): one decision of the live page about that picture, in the history."""

    def decide(name: str, number: int, *, gallery: GallerySnapshot | None = None, **values: Any) -> VerificationAttempt:
        image = engine.decode(picture(name, number))
        (decision,) = decide_still(engine, image, Question(gallery or current_gallery(engine), policy)).decisions
        return record(decision, engine.contract_id, **values)

    return decide


def record(decision: Decision, contract_id: str, **values: Any) -> VerificationAttempt:
    grounds = Grounds(contract_id, 1, None)
    about = {"operator": None, "mode": "identify", "source": "live", "claimed": None, "grounds": grounds}
    return services.record_attempt(decision=decision, **(about | values))


@pytest.fixture
def keeping(staff) -> UnknownPolicy:
    return unknowns.save_unknown_policy(actor=staff, keep=True, days=7)


def uuids(faces) -> list:
    return [face.uuid for face in faces]


def waiting(engine, policy) -> list[unknowns.Cluster]:
    return unknowns.find_clusters(engine.contract_id, policy.match_threshold)


class TestKeeping:
    def test_is_off_until_somebody_turns_it_on(self, see, ada):
        assert see(STRANGER, 1).verdict == "non_match"
        assert not UnknownFace.objects.exists()

    def test_keeps_a_good_face_that_matched_nobody(self, see, keeping, ada, engine):
        attempt = see(STRANGER, 1)
        face = UnknownFace.objects.get()
        assert (face.attempt, face.contract_id, face.handled_by) == (attempt, engine.contract_id, None)
        assert face.quality_score == pytest.approx(attempt.quality_score)

    def test_keeps_a_stranger_where_nobody_is_enrolled(self, see, keeping):
        assert see(STRANGER, 1).reasons == ["gallery_empty"]
        assert UnknownFace.objects.count() == 1

    def test_keeps_nobody_who_is_named(self, see, keeping, ada):
        reset_gallery()
        assert see(ADA, 4).verdict == "match"
        assert not UnknownFace.objects.exists()

    @pytest.mark.parametrize("values", [{"source": "photo"}, {"source": "command"}, {"mode": "verify"}])
    def test_keeps_nothing_but_searches_of_the_live_page(self, see, keeping, values):
        see(STRANGER, 1, **values)
        assert not UnknownFace.objects.exists()

    def test_keeps_no_attack(self, engine, policy, picture, keeping):
        image, question = engine.decode(picture(STRANGER, 1)), Question(current_gallery(engine), policy)
        (decision,) = decide_still(engine, image, question).decisions
        attack = replace(decision, liveness=Liveness(LivenessVerdict.ATTACK, 0.01))
        record(attack, engine.contract_id)
        assert not UnknownFace.objects.exists()

    def test_keeps_no_poor_picture(self, engine, policy, picture, keeping):
        image, question = engine.decode(picture(STRANGER, 1)), Question(current_gallery(engine), policy)
        (decision,) = decide_still(engine, image, question).decisions
        poor = replace(decision.best.quality, reasons=(Reason.BLURRED,))
        record(replace(decision, best=replace(decision.best, quality=poor)), engine.contract_id)
        assert not UnknownFace.objects.exists()

    def test_the_oldest_goes_when_the_inbox_is_full(self, see, keeping, monkeypatch):
        monkeypatch.setattr(unknowns, "MOST_KEPT", 2)
        attempts = [see(STRANGER, 1), see(STRANGER, 2), see(BOB, 3)]
        assert {face.attempt for face in UnknownFace.objects.all()} == set(attempts[1:])


class TestPolicy:
    @pytest.mark.parametrize("days", [0, 31, -1])
    def test_refuses_other_days_than_one_to_thirty(self, staff, days):
        with pytest.raises(ValidationError):
            unknowns.save_unknown_policy(actor=staff, keep=True, days=days)
        assert not UnknownPolicy.objects.exists()

    def test_turning_it_off_empties_the_inbox(self, see, keeping, staff):
        see(STRANGER, 1)
        unknowns.save_unknown_policy(actor=staff, keep=False, days=7)
        assert not UnknownFace.objects.exists()
        assert [row.keep for row in UnknownPolicy.objects.all()] == [False, True]

    def test_faces_go_after_the_policy_s_days(self, see, keeping, capsys):
        see(STRANGER, 1)
        see(BOB, 3)
        old = UnknownFace.objects.earliest("pk")
        UnknownFace.objects.filter(pk=old.pk).update(kept_at=timezone.now() - timedelta(days=7, minutes=1))
        call_command("purge_unknowns")
        assert capsys.readouterr().out == "1 unknown face erased.\n"
        assert UnknownFace.objects.get() != old

    def test_a_new_face_sweeps_out_the_old_ones(self, see, keeping):
        see(STRANGER, 1)
        UnknownFace.objects.update(kept_at=timezone.now() - timedelta(days=8))
        see(STRANGER, 2)
        assert UnknownFace.objects.count() == 1


class TestClusters:
    def test_groups_the_pictures_of_one_person(self, see, keeping, engine, policy):
        attempts = [see(name, number) for number in (2, 3, 4) for name in (ADA, BOB)]
        clusters = waiting(engine, policy)
        groups = {frozenset(face.attempt.pk for face in cluster.faces) for cluster in clusters}
        assert groups == {frozenset(one.pk for one in attempts[0::2]), frozenset(one.pk for one in attempts[1::2])}

    def test_faces_of_another_pack_are_embedded_anew_and_never_mixed(self, see, keeping, engine, policy):
        see(ADA, 1)
        see(ADA, 2)
        stale = UnknownFace.objects.earliest("pk")
        UnknownFace.objects.filter(pk=stale.pk).update(contract_id="another", embedding=b"")
        assert [len(cluster.faces) for cluster in waiting(engine, policy)] == [1]
        assert unknowns.embed_anew(engine) == 1
        assert [len(cluster.faces) for cluster in waiting(engine, policy)] == [2]


class TestEnrolling:
    @pytest.fixture
    def faces(self, see, keeping) -> list[UnknownFace]:
        for number in (1, 2, 3):
            see(ADA, number)
        return list(UnknownFace.objects.all())

    def enrol(self, staff, faces, **values: Any) -> InboxAction:
        about = {"name": "Ada", "external_id": None, "consent": ON_PAPER}
        return unknowns.enrol_unknown(actor=staff, faces=uuids(faces), **(about | values))

    def test_makes_a_person_whom_the_live_page_knows_from_then_on(self, staff, faces, see, engine, policy):
        action = self.enrol(staff, faces)
        person = Person.objects.get()
        assert (action.person, action.face_count, person.created_by) == (person, 3, staff)
        assert {sample.source for sample in person.samples.all()} == {FaceSample.Source.LIVE}
        reset_gallery()
        assert see(ADA, 4).matched_person == person
        assert waiting(engine, policy) == []

    def test_needs_consent_and_a_name_and_leaves_nothing_behind_without(self, staff, faces, engine, policy):
        cases: list[tuple[dict[str, Any], type[Exception]]] = [
            ({"consent": replace(ON_PAPER, note="n" * 301)}, ConsentInvalid),
            ({"name": " "}, NameInvalid),
        ]
        for values, error in cases:
            with pytest.raises(error):
                self.enrol(staff, faces, **values)
        assert not Person.objects.exists()
        assert not InboxAction.objects.exists()
        assert [len(cluster.faces) for cluster in waiting(engine, policy)] == [3]

    def test_asks_when_they_look_like_somebody(self, staff, faces, enrol, picture):
        enrol("Ada the first", picture(ADA, 4))
        reset_gallery()
        with pytest.raises(PossibleDuplicate):
            self.enrol(staff, faces)
        person = self.enrol(staff, faces, despite_duplicate=True).person
        assert person is not None
        assert person.name == "Ada"

    def test_the_same_faces_cannot_be_enrolled_twice(self, staff, faces):
        self.enrol(staff, faces)
        with pytest.raises(unknowns.InboxRefused):
            self.enrol(staff, faces, name="Ada again", despite_duplicate=True)
        assert Person.objects.count() == 1

    def test_undo_brings_the_faces_back_and_takes_the_person_away(self, staff, faces, see, engine, policy):
        revision = GalleryRevision.objects.get().number
        action = self.enrol(staff, faces)
        assert unknowns.undo_inbox_action(actor=staff, action=action) == 3
        assert not Person.objects.exists()
        assert GalleryRevision.objects.get().number > revision + 1
        assert [len(cluster.faces) for cluster in waiting(engine, policy)] == [3]
        assert all(bytes(attempt.thumbnail) for attempt in VerificationAttempt.objects.all())
        with pytest.raises(unknowns.InboxRefused):
            unknowns.undo_inbox_action(actor=staff, action=action)

    def test_undo_keeps_a_person_who_has_other_pictures_by_now(self, staff, faces, picture, engine):
        from enrollment.samples.drafts import draft_from_face
        from enrollment.services import add_samples

        action = self.enrol(staff, faces)
        assert action.person is not None
        face = engine.analyze(engine.decode(picture(ADA, 4))).faces[0]
        draft = draft_from_face(face, contract_id=engine.contract_id, source="upload")
        add_samples(actor=staff, person=action.person, samples=[draft], despite_duplicate=True)
        unknowns.undo_inbox_action(actor=staff, action=action)
        assert [sample.source for sample in Person.objects.get().samples.all()] == ["upload"]

    def test_undo_comes_too_late_once_the_faces_are_gone(self, staff, faces):
        action = self.enrol(staff, faces)
        UnknownFace.objects.all().delete()
        with pytest.raises(unknowns.InboxRefused, match="no longer kept"):
            unknowns.undo_inbox_action(actor=staff, action=action)
        assert Person.objects.get().samples.count() == 3

    def test_erasing_the_person_erases_their_unknown_faces_too(self, staff, faces):
        action = self.enrol(staff, faces)
        assert action.person is not None
        erase_people(actor=staff, people=[action.person])
        assert not UnknownFace.objects.exists()
        assert not InboxAction.objects.exists()
        assert {bytes(attempt.thumbnail) for attempt in VerificationAttempt.objects.all()} == {b""}

    def test_erasing_a_person_erases_the_faces_that_match_them_and_no_others(
        self, staff, see, keeping, enrol, picture, engine
    ):
        """Seen before they were enrolled, one of them dismissed since: nobody had said whose faces these are."""
        waits, dismissed, stranger = see(ADA, 4), see(ADA, 1), see(STRANGER, 1)
        unknowns.dismiss_unknown(actor=staff, faces=[dismissed.unknown_face.uuid])
        ada = enrol("Ada", picture(ADA, 2), picture(ADA, 3))
        erase_people(actor=staff, people=[ada])
        assert list(UnknownFace.objects.values_list("attempt", flat=True)) == [stranger.pk]
        for attempt in (waits, dismissed, stranger):
            attempt.refresh_from_db()
            assert bool(attempt.thumbnail) == (attempt == stranger)

    def test_the_log_names_nobody(self, staff, faces, caplog):
        caplog.set_level("INFO", "facesite")
        self.enrol(staff, faces, name="Zebulon")
        assert caplog.records
        assert "Zebulon" not in caplog.text


class TestAssigning:
    @pytest.fixture
    def person(self, enrol, picture) -> Person:
        return enrol("Bob", picture(BOB, 1))

    @pytest.fixture
    def faces(self, see, keeping, person, engine) -> list[UnknownFace]:
        empty = GallerySnapshot.build([], contract_id=engine.contract_id, dimension=engine.dimension, revision=0)
        for number in (2, 3):
            see(BOB, number, gallery=empty)
        return list(UnknownFace.objects.all())

    def test_adds_samples_and_undo_removes_just_those(self, staff, person, faces):
        before = set(person.samples.values_list("pk", flat=True))
        action = unknowns.assign_unknown(actor=staff, faces=uuids(faces), person=person)
        assert person.samples.count() == 3
        assert len(action.samples) == 2
        unknowns.undo_inbox_action(actor=staff, action=action)
        assert set(person.samples.values_list("pk", flat=True)) == before
        assert unknowns.pending_faces().count() == 2

    def test_undo_finds_the_samples_that_a_merge_brought_to_somebody_else(
        self, staff, person, faces, enrol, picture, engine
    ):
        action = unknowns.assign_unknown(actor=staff, faces=uuids(faces), person=person)
        keep = enrol("Bob's first record", picture(BOB, 4))
        hygiene.merge_people(actor=staff, keep=keep, merge=person, contract_id=engine.contract_id)
        unknowns.undo_inbox_action(actor=staff, action=action)
        assert not FaceSample.objects.filter(uuid__in=action.samples).exists()
        assert UnknownFace.objects.filter(handled_by=None).count() == len(faces)

    def test_asks_when_they_look_like_somebody_else(self, staff, person, faces, enrol, picture):
        other = enrol("Ada", picture(ADA, 1))
        reset_gallery()
        with pytest.raises(PossibleDuplicate):
            unknowns.assign_unknown(actor=staff, faces=uuids(faces), person=other)
        assert unknowns.pending_faces().count() == 2

    def test_no_older_sample_goes_to_make_room(self, staff, person, faces, monkeypatch):
        monkeypatch.setattr(unknowns, "MAX_SAMPLES", 1)
        with pytest.raises(unknowns.InboxRefused, match="Remove some"):
            unknowns.assign_unknown(actor=staff, faces=uuids(faces), person=person)
        assert person.samples.count() == 1


class TestDismissing:
    def test_can_be_undone_and_deleting_cannot(self, staff, see, keeping, engine, policy):
        attempts = [see(STRANGER, 1), see(STRANGER, 2)]
        faces = list(UnknownFace.objects.all())
        action = unknowns.dismiss_unknown(actor=staff, faces=uuids(faces))
        assert waiting(engine, policy) == []
        assert unknowns.undoable_actions() == [action]
        unknowns.undo_inbox_action(actor=staff, action=action)
        assert unknowns.delete_unknown(actor=staff, faces=uuids(faces[:1])) == 1
        attempts[0].refresh_from_db()
        assert bytes(attempts[0].thumbnail) == b""
        assert unknowns.pending_faces().count() == 1

    def test_nothing_happens_to_faces_that_are_gone(self, staff):
        with pytest.raises(unknowns.InboxRefused):
            unknowns.dismiss_unknown(actor=staff, faces=[])
