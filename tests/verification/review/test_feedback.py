""" "Not this person", with real faces: what it changes, what it leaves alone, and that it can be taken back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async

from enrollment.hygiene import actions as hygiene
from enrollment.models import GalleryRevision
from enrollment.runtime.gallery import current_gallery, reset_gallery
from enrollment.services import erase_people
from recognizer.decisions import Question, compare_probe
from recognizer.tracking.fuser import decide_still
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy
from tests.verification.conftest import ADA, BOB
from tests.verification.live.test_consumers import of_type, opened, show
from tests.verification.rows import make_attempt
from verification import services
from verification.models import ConfusedFace, FalseMatch, VerificationAttempt
from verification.policy import Grounds, current_policy
from verification.review import feedback

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("liveness_off")]


@pytest.fixture
def policy(engine, liveness_off) -> DecisionPolicy:
    return current_policy(engine)


@pytest.fixture
def decide(engine, policy, picture):
    def decide_picture(name: str, number: int, claimed: str | None = None) -> Decision:
        reset_gallery()  # the test's transaction never commits, so nobody is told
        image = engine.decode(picture(name, number))
        return decide_still(engine, image, Question(current_gallery(engine), policy, claimed)).decisions[0]

    return decide_picture


@pytest.fixture
def attempt(ada, bob, decide, engine) -> VerificationAttempt:
    """A match that somebody will call wrong."""
    return services.record_attempt(
        operator=None,
        mode="identify",
        source="live",
        decision=decide(ADA, 4),
        claimed=None,
        grounds=Grounds(engine.contract_id, 1, None),
    )


@pytest.fixture
def report(attempt, engine, staff):
    def report_it(other=None) -> FalseMatch:
        face = feedback.examine(attempt, engine, other)
        return feedback.record_false_match(actor=staff, attempt=attempt, face=face, other=other)

    return report_it


class TestMerge:
    """The record with the samples is the one who is taken for somebody."""

    def test_of_the_person_keeps_the_face_in_mind_and_an_undo_gives_it_back(
        self, report, decide, engine, ada, enrol, picture, staff
    ):
        report()
        keep = enrol("Ada's first record", picture(ADA, 2))
        merge = hygiene.merge_people(actor=staff, keep=keep, merge=ada, contract_id=engine.contract_id)
        after = decide(ADA, 4)
        assert (after.verdict, after.comparison.reasons, after.person_id) == (
            "uncertain",
            ("known_confusion",),
            str(keep.uuid),
        )
        hygiene.undo_action(actor=staff, action=merge)
        assert decide(ADA, 4).person_id == str(ada.uuid)

    def test_with_the_one_who_it_really_was_leaves_no_pair(self, report, engine, ada, bob, staff):
        report(other=bob)
        hygiene.merge_people(actor=staff, keep=bob, merge=ada, contract_id=engine.contract_id)
        reset_gallery()
        assert list(current_gallery(engine).confusions.mistaken_for(str(bob.uuid))) == []


class TestRecording:
    def test_the_face_is_not_given_that_name_again(self, report, decide):
        assert (decide(ADA, 4).verdict, decide(BOB, 4).verdict) == ("match", "match")
        report()
        again = decide(ADA, 4)
        assert (again.verdict, again.comparison.reasons) == ("uncertain", ("known_confusion",))
        assert again.comparison.comparison_score < again.match_threshold

    def test_a_claim_to_be_that_person_is_held_to_it_too(self, report, decide, ada):
        report()
        assert decide(ADA, 4, claimed=str(ada.uuid)).comparison.reasons == ("known_confusion",)

    def test_other_people_notice_nothing(self, report, decide):
        before = decide(BOB, 4)
        report()
        after = decide(BOB, 4)
        assert (after.comparison, after.match_threshold) == (before.comparison, before.match_threshold)

    def test_the_threshold_is_the_score_and_a_margin(self, report, attempt):
        report()
        face = ConfusedFace.objects.get()
        assert face.comparison_score >= attempt.comparison_score
        assert face.raised_threshold == pytest.approx(min(face.comparison_score + 0.05, 0.99))

    def test_who_it_really_was_is_kept_and_makes_them_a_pair(self, report, engine, ada, bob):
        recorded = report(other=bob)
        reset_gallery()
        assert recorded.other_person == bob
        confusions = current_gallery(engine).confusions
        assert list(confusions.mistaken_for(str(ada.uuid))) == [str(bob.uuid)]
        assert list(confusions.mistaken_for(str(bob.uuid))) == [str(ada.uuid)]

    def test_the_person_was_not_seen_then_until_it_is_taken_back(self, report, attempt, ada):
        def last_seen():
            ada.refresh_from_db()
            return ada.last_seen_at

        assert last_seen() == attempt.created_at
        recorded = report()
        assert last_seen() is None
        feedback.undo_false_match(actor=None, recorded=recorded)
        assert last_seen() == attempt.created_at

    def test_every_process_learns_it_through_the_revision(self, report):
        before = GalleryRevision.objects.get().number
        feedback.undo_false_match(actor=None, recorded=report())
        assert GalleryRevision.objects.get().number == before + 2

    def test_nothing_but_a_match_with_a_picture_can_be_wrong(self, attempt, engine, ada):
        stranger = make_attempt(verdict="non_match", matched_person=None)
        faceless = make_attempt(matched_person=ada, thumbnail=b"")
        for one in (stranger, faceless):
            with pytest.raises(feedback.FeedbackRefused):
                feedback.examine(one, engine)
        with pytest.raises(feedback.FeedbackRefused, match="who was matched"):
            feedback.examine(attempt, engine, ada)

    def test_a_picture_that_was_enrolled_is_to_be_removed_instead(self, attempt, engine, decide):
        own = services.record_attempt(
            operator=None,
            mode="identify",
            source="live",
            decision=decide(ADA, 1),
            claimed=None,
            grounds=Grounds(engine.contract_id, 1, None),
        )
        with pytest.raises(feedback.FeedbackRefused, match="remove that picture"):
            feedback.examine(own, engine)

    def test_is_recorded_once(self, report):
        report()
        with pytest.raises(feedback.FeedbackRefused, match="already"):
            report()
        assert FalseMatch.objects.count() == 1

    def test_somebody_erased_meanwhile_leaves_nothing_behind(self, attempt, engine, bob, staff):
        face = feedback.examine(attempt, engine, bob)
        erase_people(actor=None, people=[type(bob).objects.get(pk=bob.pk)])
        with pytest.raises(feedback.FeedbackRefused, match="erased"):
            feedback.record_false_match(actor=staff, attempt=attempt, face=face, other=bob)
        assert not FalseMatch.objects.exists()


class TestEffect:
    def test_counts_what_is_no_match_any_more_by_the_live_page_s_own_rule(self, attempt, engine, policy, ada, report):
        effect = feedback.examine(attempt, engine).effect
        gallery = current_gallery(engine)
        own = feedback._own_templates(ada, engine.contract_id)
        without = {pk: gallery.without([pk]) for pk in own}
        before = [pk for pk in own if compare_probe(own[pk], Question(without[pk], policy)).verdict == "match"]
        assert effect.samples == len(before) > 0
        assert (effect.attempts, effect.attempts_changed) == (1, 1)
        report()
        reset_gallery()
        confused = current_gallery(engine).confusions
        refused = [
            pk
            for pk in before
            if compare_probe(own[pk], Question(without[pk].with_confusions(confused), policy)).verdict != "match"
        ]
        assert effect.samples_refused == len(refused)

    def test_is_kept_with_the_record(self, report):
        assert report().effect.keys() == {"samples", "samples_refused", "attempts", "attempts_changed"}

    def test_measuring_writes_nothing(self, attempt, engine):
        revision = GalleryRevision.objects.get().number
        feedback.examine(attempt, engine)
        assert GalleryRevision.objects.get().number == revision
        assert not FalseMatch.objects.exists()


class TestUndo:
    def test_restores_every_decision_exactly(self, report, decide, staff, ada):
        pictures = [(ADA, 4), (ADA, 5), (ADA, 6), (BOB, 4)]
        before = [decide(*one) for one in pictures]
        recorded = report()
        feedback.undo_false_match(actor=staff, recorded=recorded)
        for one, then in zip(pictures, before, strict=True):
            now = decide(*one)
            assert (now.comparison, now.match_threshold) == (then.comparison, then.match_threshold)
        recorded.refresh_from_db()
        assert recorded.undone_by == staff
        assert not ConfusedFace.objects.exists()
        with pytest.raises(feedback.FeedbackRefused):
            feedback.undo_false_match(actor=staff, recorded=recorded)

    def test_it_can_be_said_again_afterwards(self, report):
        feedback.undo_false_match(actor=None, recorded=report())
        assert report().undone_at is None


class TestErasure:
    def test_of_either_person_takes_the_record_along(self, report, attempt, ada, bob):
        report(other=bob)
        erase_people(actor=None, people=[bob])
        assert not FalseMatch.objects.exists()
        assert not ConfusedFace.objects.exists()
        attempt.refresh_from_db()
        assert bytes(attempt.thumbnail) == b""  # it was Bob's face
        assert attempt.matched_person == ada

    def test_of_the_attempt_takes_the_record_along(self, report, attempt):
        report()
        attempt.delete()
        assert not ConfusedFace.objects.exists()


class TestPackChange:
    def test_another_pack_s_faces_are_not_minded_until_they_are_embedded_again(self, report, engine, decide):
        recorded = report()
        ConfusedFace.objects.update(contract_id="another")
        GalleryRevision.objects.update(number=10_000)
        assert decide(ADA, 4).verdict == "match"
        feedback.rebuild_false_matches(engine)
        assert decide(ADA, 4).comparison.reasons == ("known_confusion",)
        assert set(recorded.faces.values_list("contract_id", flat=True)) == {"another", engine.contract_id}

    def test_rebuilding_templates_does_it(self, report, engine, decide):
        from enrollment.packs.rebuilding import rebuild_templates

        report()
        ConfusedFace.objects.update(contract_id="another")
        list(rebuild_templates(engine))
        assert decide(ADA, 4).comparison.reasons == ("known_confusion",)

    def test_the_face_from_the_small_picture_is_nearly_the_face_itself(self, attempt, engine, decide):
        face = feedback.examine(attempt, engine)
        assert float(face.embedding @ decide(ADA, 4).best.embedding) > 0.98
        assert np.linalg.norm(face.embedding) == pytest.approx(1.0, abs=1e-3)

    def test_what_was_taken_back_stays_away(self, report, engine):
        feedback.undo_false_match(actor=None, recorded=report())
        feedback.rebuild_false_matches(engine)
        assert not ConfusedFace.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestLivePage:
    async def test_minds_it_at_once_and_forgets_it_with_the_undo(self, operator, ada, bob, picture, engine):
        async def decision() -> dict[str, Any]:
            socket = await opened(operator)
            (found,) = of_type("decision", await show(socket, picture(ADA, 4), 10))
            await socket.disconnect()
            return found

        first = await decision()
        assert first["verdict"] == "match"
        recorded = await sync_to_async(self.report)(first["attempt"], engine, operator)
        second = await decision()
        assert (second["verdict"], second["person"]) == ("uncertain", None)
        assert second["reasons"] == ["known_confusion"]
        assert second["match_threshold"] > first["match_threshold"]
        await sync_to_async(feedback.undo_false_match)(actor=operator, recorded=recorded)
        third = await decision()
        assert (third["verdict"], third["match_threshold"]) == ("match", first["match_threshold"])

    @staticmethod
    def report(uuid: str, engine, operator) -> FalseMatch:
        attempt = VerificationAttempt.objects.select_related("matched_person").get(uuid=uuid)
        face = feedback.examine(attempt, engine)
        return feedback.record_false_match(actor=operator, attempt=attempt, face=face)


@pytest.mark.django_db(transaction=True)
class TestInboxOfTheLivePage:
    async def test_a_stranger_s_track_is_kept_once_where_the_policy_says_so(self, operator, ada, picture):
        from tests.verification.conftest import STRANGER
        from verification.models import UnknownFace
        from verification.review import unknowns

        await sync_to_async(unknowns.save_unknown_policy)(actor=None, keep=True, days=7)
        socket = await opened(operator)
        await show(socket, picture(STRANGER, 1), 10)
        await socket.disconnect()
        face = await UnknownFace.objects.select_related("attempt").aget()
        assert face.attempt.verdict == "non_match"
