"""One face over time: what a track has shown, what follows from it, and when it needs another look."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from recognizer.decisions import (
    LIVENESS_FRAMES,
    Comparison,
    Conclusion,
    Evidence,
    LivenessLook,
    Question,
    apply_liveness,
    compare_probe,
    conclude,
    final_comparison,
    fuse_embeddings,
    fuse_looks,
    is_settled,
    is_sharp,
    liveness_agrees,
)
from recognizer.reasons import Reason
from recognizer.tracking.association import SAME_APPEARANCE
from recognizer.tracking.frame import Frame
from recognizer.types import (
    DecisionPolicy,
    Detection,
    Image,
    Liveness,
    LivenessMode,
    LivenessVerdict,
    Quality,
    Vector,
    Verdict,
)

PLAIN_GAP = 0.5
"""Seconds between two frames after which even an unmoved face is checked by its embedding."""
REFRESH_AFTER = 2.0
"""Seconds after which a decided face is looked at again."""
CLEARLY_BETTER = 0.15
"""Gain in quality_score for which an uncertain face is looked at again at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The one verdict on one track."""

    track: int
    comparison: Comparison
    """The final one, after quality and liveness had their say."""
    conclusion: Conclusion
    """What the frames said together before that."""
    liveness: Liveness
    policy: DecisionPolicy
    """1:N: stricter than the site's in a gallery of many people."""
    best: Evidence
    """The best frame: what the history keeps of the face."""

    @property
    def verdict(self) -> Verdict:
        return self.comparison.verdict

    @property
    def person_id(self) -> str | None:
        """The best candidate; only a match names them."""
        return self.comparison.person_id

    @property
    def match_threshold(self) -> float:
        """What the score had to reach: more than the policy asks where the face resembles a wrong match."""
        return self.comparison.raised_threshold or self.policy.match_threshold


@dataclass(slots=True, eq=False)
class Sighting:
    """One face of one frame."""

    detection: Detection
    aligned: Image
    """(112, 112, 3)."""
    quality: Quality
    appearance: Vector
    """(2352,) float32; see association.appearance_of."""
    embedding: Vector | None = None
    """(d,) float32, L2-normalised; None while it was not needed."""

    def compare(self, question: Question) -> Evidence | None:
        """The face held against the gallery; None while it is not embedded."""
        if self.embedding is None:
            return None
        evidence = Evidence(self.embedding, self.aligned, self.quality, compare_probe(self.embedding, question))
        if evidence.barred is None:
            return evidence
        return replace(evidence, comparison=evidence.comparison.doubted(evidence.barred))


@dataclass(slots=True, eq=False)
class Track:
    """Mutable: one face for as long as it stays in the picture."""

    number: int
    born: int
    """The stream's frame count, skipped frames included, when the face may first have been seen."""
    sighting: Sighting
    """The latest one."""
    seen_at: float
    in_last_frame: bool = True
    evidence: list[Evidence] = field(default_factory=list)
    """The frames that were compared while the face was undecided."""
    conclusion: Conclusion = field(default_factory=Conclusion)
    decision: Decision | None = None
    latest: Vector | None = None
    """(d,): the embedding that last confirmed a decided track."""
    refresh_at: float = 0.0
    best_quality: float = 0.0
    challenged: bool = False
    """A challenge is running: every frame is embedded, and no later look overtakes the decision."""
    challenge_passed: bool = False
    challenge_failed: Reason | None = None
    """Why the last challenge failed, until one is passed."""
    in_place_of: Track | None = None
    """The decided track that was lost where this one was found."""
    _looks: deque[LivenessLook] = field(default_factory=lambda: deque(maxlen=16))

    @property
    def names(self) -> str | None:
        """The person that the track was decided to be."""
        decided = self.decision
        return decided.person_id if decided and decided.verdict == Verdict.MATCH else None

    @property
    def liveness(self) -> Liveness:
        """What the pictures say, unless head movements have shown more. The score is always the pictures'."""
        passive = self.passive_liveness
        return replace(passive, verdict=LivenessVerdict.BONA_FIDE) if self.challenge_passed else passive

    @property
    def passive_liveness(self) -> Liveness:
        """What the pictures alone say."""
        return fuse_looks(self._looks)

    @property
    def recent_liveness(self) -> Liveness:
        """What the latest pictures say; older ones do not outvote them."""
        return fuse_looks(list(self._looks)[-LIVENESS_FRAMES:])

    def similarity(self, sighting: Sighting) -> float:
        """Best cosine with what this track has shown; -1 when one of the two was not embedded."""
        return -1.0 if sighting.embedding is None else self.similarity_to(sighting.embedding)

    def similarity_to(self, embedding: Vector) -> float:
        """The same for an embedding: (d,) float32, L2-normalised."""
        known = [one.embedding for one in self.evidence] + ([] if self.latest is None else [self.latest])
        return max((float(vector @ embedding) for vector in known), default=-1.0)

    def plainly_continues(self, sighting: Sighting, now: float) -> bool:
        """Same look, a moment later (the caller knows that the place is the same)."""
        alike = float(self.sighting.appearance @ sighting.appearance) >= SAME_APPEARANCE
        return self.in_last_frame and now - self.seen_at <= PLAIN_GAP and alike

    def wants_embedding(self, sighting: Sighting, now: float) -> bool:
        """New and undecided faces, the slow refresh, and a clearly better frame of an uncertain face."""
        if self.decision is None or self.challenged or now >= self.refresh_at:
            return True
        better = sighting.quality.score >= self.best_quality + CLEARLY_BETTER
        return self.decision.verdict == Verdict.UNCERTAIN and better

    def shows_somebody_else(self, sighting: Sighting, least: float) -> bool:
        """Only good frames can tell: a turned or blurred face resembles nobody."""
        if sighting.embedding is None or sighting.quality.reasons or not any(one.good for one in self.evidence):
            return False
        return self.similarity(sighting) < least

    def see(self, sighting: Sighting, now: float) -> None:
        """The face is in this frame too."""
        self.sighting, self.seen_at, self.in_last_frame = sighting, now, True

    def learn(self, evidence: Evidence, question: Question) -> None:
        """One more frame of an undecided face."""
        self.evidence.append(evidence)
        self.conclusion = conclude(self.evidence, question)
        self.best_quality = max(self.best_quality, evidence.quality.score)

    def learn_liveness(self, liveness: Liveness) -> None:
        """Of the latest sighting. Without a score (the pack has no liveness models) there is nothing to learn."""
        if liveness.score is not None:
            look = LivenessLook(liveness.score, is_sharp(self.sighting.quality), liveness.surrounded)
            self._looks.append(look)

    def wants_liveness(self, policy: DecisionPolicy) -> bool:
        """More scores could change what the present ones say; decided tracks get theirs with the refresh."""
        if policy.liveness == LivenessMode.OFF:
            return False
        required = policy.liveness == LivenessMode.REQUIRED
        telling = [look.score for look in self._looks if look.surrounded or not required]
        if len(telling) < min(LIVENESS_FRAMES, policy.frames_needed):
            return True
        doubtful = self.liveness.verdict == LivenessVerdict.UNCERTAIN
        return required and (doubtful or not liveness_agrees(telling))

    def has_waited(self, frame: Frame) -> bool:
        """Long enough: it is decided with what there is."""
        return frame.number - self.born + 1 >= frame.policy.frames_limit

    def is_settled(self, policy: DecisionPolicy) -> bool:
        """Enough frames agree; liveness is not asked."""
        return is_settled(self.conclusion, policy)

    def decide(self, comparison: Comparison, frame: Frame) -> Decision:
        """Close the case with this verdict. Needs evidence."""
        passed = (Reason.CHALLENGE_PASSED,) if self.challenge_passed else ()
        self.decision = Decision(
            track=self.number,
            comparison=replace(comparison, reasons=(*comparison.reasons, *passed)),
            conclusion=self.conclusion,
            liveness=self.liveness,
            policy=frame.policy,
            best=max(self.evidence, key=lambda one: (one.good, one.quality.score)),
        )
        self.refresh_at, self.in_place_of = frame.now + REFRESH_AFTER, None
        return self.decision

    def final_verdict(self, policy: DecisionPolicy) -> Comparison:
        """Needs evidence."""
        final = final_comparison(self.conclusion, self.evidence)
        if self.challenge_failed:
            final = final.doubted(self.challenge_failed)
        return apply_liveness(final, self.liveness, policy.liveness)

    def pass_challenge(self, evidence: list[Evidence], question: Question) -> None:
        """Open the case again, with what the calm frames of the challenge have shown."""
        self.challenge_passed, self.challenge_failed = True, None
        self.evidence, self.conclusion, self.decision = evidence, conclude(evidence, question), None

    def fail_challenge(self, code: Reason) -> None:
        """Open the case again: whoever does not do what was asked is named by no picture."""
        self.challenge_passed, self.challenge_failed, self.decision = False, code, None

    def resume(self, earlier: Track, now: float) -> None:
        """Go on as the track that this face was a moment ago. Needs a decided `earlier`."""
        self.number, self.decision, self.challenge_failed = earlier.number, earlier.decision, earlier.challenge_failed
        self.latest, self.in_place_of = fuse_embeddings(earlier.evidence), None
        self.refresh_at = now + REFRESH_AFTER

    def confirm(self, now: float) -> None:
        """The decided face was looked at again and is still the same."""
        self.latest = self.sighting.embedding
        self.refresh_at = now + REFRESH_AFTER
        self.best_quality = max(self.best_quality, self.sighting.quality.score)

    def is_overtaken(self, fresh: Comparison, policy: DecisionPolicy) -> bool:
        """A later look could decide otherwise, so that the face should be judged anew.

        fresh: what the gallery says about the latest frame alone. Attacks overtake any verdict; a clear answer
        overtakes doubt, except the doubt that the person is already in the picture or failed a challenge.
        """
        if self.decision is None:
            return False
        now_live = self.recent_liveness.verdict
        if policy.liveness == LivenessMode.REQUIRED and now_live == LivenessVerdict.ATTACK:
            return self.decision.verdict != Verdict.ATTACK
        decided = self.decision.comparison
        if decided.verdict != Verdict.UNCERTAIN or Reason.PERSON_ALREADY_MATCHED in decided.reasons:
            return False
        if self.challenge_failed:
            return False
        clear = apply_liveness(fresh, self.recent_liveness, policy.liveness).verdict
        good = not self.sighting.quality.reasons
        return clear == Verdict.MATCH or (clear == Verdict.NON_MATCH and good)
