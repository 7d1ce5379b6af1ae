from __future__ import annotations

from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from enrollment.services import erase_people
from recognizer.decisions import Comparison, Conclusion, Evidence
from recognizer.images import decode_crop
from recognizer.reasons import Reason
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy, Liveness, LivenessVerdict, Pose, Quality, Verdict
from security.meters import REGISTRY
from tests.verification.rows import make_attempt, make_person
from verification import services
from verification.models import VerificationAttempt, VerificationPolicy
from verification.policy import Grounds
from verification.sealed import read_picture

pytestmark = pytest.mark.django_db


def decision(verdict: Verdict = Verdict.MATCH, person_id: str | None = None, score: float = 0.62) -> Decision:
    found = Comparison(verdict, (Reason.BLURRED,), person_id, score, 0.1)
    quality = Quality(0.8, (Reason.BLURRED,), Pose(0, 0, 0), 100, 45, 120, 50, 20)
    return Decision(
        track=1,
        comparison=found,
        conclusion=Conclusion(found, seen=4, agreed=3),
        liveness=Liveness(LivenessVerdict.BONA_FIDE, 0.97),
        policy=DecisionPolicy(match_threshold=0.31, uncertain_threshold=0.25, fmr=1e-4),
        best=Evidence(np.eye(8, dtype=np.float32)[0], np.full((112, 112, 3), 90, np.uint8), quality, found),
    )


def record(operator=None, claimed: str | None = None, **values: Any) -> VerificationAttempt:
    attempt = services.record_attempt(
        operator=operator,
        mode="verify" if claimed else "identify",
        source="live",
        decision=decision(**values),
        claimed=claimed,
        grounds=Grounds("test-contract", 512, None),
    )
    return VerificationAttempt.objects.get(pk=attempt.pk)


class TestRecordAttempt:
    def test_keeps_everything_that_the_decision_rests_on(self, operator):
        person = make_person()
        attempt = record(operator, person_id=str(person.uuid))
        assert (attempt.verdict, attempt.matched_person, attempt.operator) == ("match", person, operator)
        assert (attempt.comparison_score, attempt.runner_up, attempt.match_threshold) == (0.62, 0.1, 0.31)
        assert (attempt.liveness_verdict, attempt.liveness_score) == ("bona_fide", 0.97)
        assert (attempt.frames_agreed, attempt.frames_seen, attempt.reasons) == (3, 4, ["blurred"])
        assert attempt.fmr == 1e-4

    def test_a_decision_is_counted_for_the_metrics(self, operator):
        labels = {"verdict": "match", "mode": "identify", "source": "live"}
        before = REGISTRY.get_sample_value("facesite_decisions_total", labels) or 0
        record(operator, person_id=str(make_person().uuid))
        assert REGISTRY.get_sample_value("facesite_decisions_total", labels) == before + 1
        assert REGISTRY.get_sample_value("facesite_decision_reasons_total", {"reason": "blurred"})

    def test_keeps_by_which_policy_and_gallery_it_was_decided(self, staff):
        assert (record().gallery_revision, record().policy) == (512, None)
        policy = services.save_policy(actor=staff, fmr="0.001", liveness="off")
        kept = services.record_attempt(
            operator=staff,
            mode="identify",
            source="live",
            decision=decision(),
            claimed=None,
            grounds=Grounds("test-contract", 513, policy.pk),
        )
        kept.refresh_from_db()
        assert (kept.policy, kept.gallery_revision, kept.contract_id) == (policy, 513, "test-contract")

    def test_the_thumbnail_is_the_aligned_face(self):
        picture = decode_crop(read_picture(record()))
        assert abs(int(picture.mean()) - 90) <= 2

    @pytest.mark.parametrize("verdict", [Verdict.NON_MATCH, Verdict.UNCERTAIN, Verdict.ATTACK])
    def test_only_a_match_links_a_person(self, verdict):
        assert record(verdict=verdict, person_id=str(make_person().uuid)).matched_person is None

    def test_a_claim_is_kept_when_it_is_refused(self):
        person = make_person()
        attempt = record(claimed=str(person.uuid), verdict=Verdict.NON_MATCH)
        assert (attempt.mode, attempt.claimed_person, attempt.matched_person) == ("verify", person, None)

    def test_somebody_erased_a_moment_ago_leaves_no_face(self):
        attempt = record(person_id=str(uuid4()))
        assert attempt.matched_person is None
        assert bytes(attempt.thumbnail) == b""

    def test_a_verdict_that_is_none_is_refused(self):
        with pytest.raises(ValueError, match="pending"):
            record(verdict=Verdict.PENDING)
        assert not VerificationAttempt.objects.exists()

    def test_the_log_line_names_nobody(self, operator, caplog):
        caplog.set_level("INFO", "facesite.verification")
        record(operator, person_id=str(make_person().uuid))
        (line,) = caplog.records
        assert "Lovelace" not in str(line.__dict__)
        assert operator.username not in str(line.__dict__["data"])

    def test_a_doubtful_face_and_an_attack_are_kept_with_whom_they_show(self):
        ada = make_person()
        for verdict in (Verdict.UNCERTAIN, Verdict.ATTACK):
            attempt = record(verdict=verdict, person_id=str(ada.uuid), score=0.3)
            assert (attempt.nearest_person, attempt.matched_person) == (ada, None)

    def test_a_face_like_nobody_is_kept_with_nobody(self):
        ada = make_person()
        assert record(verdict=Verdict.UNCERTAIN, person_id=str(ada.uuid), score=0.1).nearest_person is None
        assert record(verdict=Verdict.NON_MATCH, person_id=str(ada.uuid), score=0.3).nearest_person is None


class TestErasure:
    @pytest.mark.parametrize("verdict", [Verdict.UNCERTAIN, Verdict.ATTACK])
    def test_takes_the_picture_of_an_attempt_that_named_nobody_but_shows_the_person(self, verdict):
        ada = make_person()
        attempt = record(verdict=verdict, person_id=str(ada.uuid), score=0.3)
        assert bytes(attempt.thumbnail)
        erase_people(actor=None, people=[ada])
        attempt.refresh_from_db()
        assert bytes(attempt.thumbnail) == b""
        assert attempt.nearest_person is None

    def test_erasing_a_person_clears_face_and_link_of_their_attempts_and_keeps_the_verdicts(self):
        ada, bob = make_person("Ada"), make_person("Bob")
        matched = make_attempt(matched_person=ada)
        claimed = make_attempt(claimed_person=ada, mode="verify", verdict="non_match")
        other = make_attempt(matched_person=bob)
        erase_people(actor=None, people=[ada])
        for attempt in (matched, claimed):
            attempt.refresh_from_db()
            assert bytes(attempt.thumbnail) == b""
            assert attempt.matched_person is None
            assert attempt.claimed_person is None
        other.refresh_from_db()
        assert bytes(other.thumbnail)
        assert other.matched_person == bob
        assert VerificationAttempt.objects.count() == 3


class TestSavePolicy:
    def test_every_save_is_a_new_row_with_who(self, staff):
        services.save_policy(actor=staff, fmr="0.001", liveness="off")
        services.save_policy(actor=staff, fmr="0.00001", liveness="advisory")
        assert [row.fmr for row in VerificationPolicy.objects.all()] == ["0.00001", "0.001"]
        assert {row.saved_by for row in VerificationPolicy.objects.all()} == {staff}

    @pytest.mark.parametrize(("fmr", "liveness"), [("0.5", "off"), ("0.001", "sometimes")])
    def test_what_no_pack_offers_is_refused(self, staff, fmr, liveness):
        with pytest.raises(ValidationError):
            services.save_policy(actor=staff, fmr=fmr, liveness=liveness)
        assert not VerificationPolicy.objects.exists()
