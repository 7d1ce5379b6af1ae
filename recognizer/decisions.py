"""From comparison scores and liveness to a verdict with reasons: pure functions. Measurements: docs/accuracy.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recognizer.reasons import Reason
from recognizer.search.cohort import Cohort
from recognizer.search.confusions import HIGHEST, PAIR_MARGIN_FACTOR
from recognizer.search.galleries import Gallery
from recognizer.stages.liveness import verdict_for
from recognizer.types import (
    DecisionPolicy,
    Image,
    Liveness,
    LivenessMode,
    LivenessVerdict,
    Quality,
    Vector,
    Verdict,
)

BEST_FRAMES = 5
"""Most frames whose embeddings are averaged."""
PEOPLE_AT_BASE = 20
"""Up to this many people a search uses the policy's own threshold."""
FLATTER, FLATTER_FROM = 2 / 3, 5.0
"""Beyond 1e-5 (10 ** -5.0) thresholds grow by two thirds of what the last known decade took: the highest scores of
strangers thin out. Measured with 323 pictures of LFW against 9,993 crops of CelebA (3.2 million pairs): 0.63, 0.75 and
0.63 (mobile, edgeface-xs, starter; sface 1.6, of three pairs), and 0.66 among all 1,680 people of LFW (mobile)."""
SHARP_FROM = 100.0
"""Quality.sharpness from which a low liveness score says something. Measured on ../shared/faces/webcam, as it is and
cut closer: live people who score like attacks have 20 to 71, the two attacks 180 to 720."""
LIVENESS_FRAMES = 3
"""Liveness scores that settle a track, when they agree."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is asked about a face. The same for every face of a frame."""

    gallery: Gallery
    policy: DecisionPolicy
    claimed: str | None = None
    """1:1: the claimed person's id; None: 1:N, a search."""
    cohort: Cohort | None = None
    """Strangers that a match must stand out against; None: the pack has none, and the score alone decides."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the gallery says about one probe."""

    verdict: Verdict
    """match, non_match or uncertain; liveness may make an attack of it, and a face is pending before its decision."""
    reasons: tuple[Reason, ...]
    person_id: str | None = None
    """The best candidate, whatever the verdict; with a claim the claimed person."""
    comparison_score: float | None = None
    runner_up: float | None = None
    """1:N: the second best person's score."""
    raised_threshold: float | None = None
    """What the score had to reach instead of match_threshold, when the probe resembles a recorded wrong match."""

    def doubted(self, *reasons: Reason) -> Comparison:
        """The same scores, but uncertain for these reasons."""
        return replace(self, verdict=Verdict.UNCERTAIN, reasons=reasons)


BARRING = (Reason.TURNED_OVER, Reason.MOUTH_HIDDEN)
"""At the ordinary threshold, 17 % of pictures of different people matched when they stood on their heads, and masked
faces matched each other ten to twenty times too often: what is wrong with these pictures raises scores."""


def barring_reason(quality: Quality) -> Reason | None:
    """Why such a picture may neither name, deny nor enrol anybody, whatever its score; None: it may."""
    return next((reason for reason in BARRING if reason in quality.reasons), None)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One look at a face, held against the gallery."""

    embedding: Vector
    """(d,) float32, L2-normalised."""
    aligned: Image
    """(112, 112, 3): the crop that was embedded."""
    quality: Quality
    """Of that crop's frame."""
    comparison: Comparison

    @property
    def good(self) -> bool:
        """Nothing is wrong with the picture."""
        return not self.quality.reasons

    @property
    def barred(self) -> Reason | None:
        """See barring_reason()."""
        return barring_reason(self.quality)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What all frames of a track say together; PENDING while there is none."""

    comparison: Comparison = Comparison(Verdict.PENDING, ())
    seen: int = 0
    """Frames that were compared."""
    agreed: int = 0
    """Frames that point to the same answer."""
    solid: int = 0
    """Those of them that are worth something: a poor frame that matches nobody says little."""
    against: int = 0
    """Frames that point to another answer."""


def policy_for_gallery(policy: DecisionPolicy, people: int) -> DecisionPolicy:
    """The policy for 1:N among that many people: above PEOPLE_AT_BASE the false-match rate shrinks as they become more.

    So the share of strangers who are named stays about the same. Between the pack's rates the threshold is taken as
    linear in the logarithm of the rate, beyond 1e-5 as FLATTER says. docs/accuracy.md has the measurements.
    """
    fmr = policy.fmr * min(1.0, PEOPLE_AT_BASE / max(people, 1))
    if fmr == policy.fmr or len(policy.thresholds) < 2:
        return policy
    match = max(policy.match_threshold, threshold_for(fmr, policy.thresholds))
    uncertain = policy.uncertain_threshold + match - policy.match_threshold
    return replace(policy, fmr=fmr, match_threshold=match, uncertain_threshold=uncertain)


def threshold_for(fmr: float, known: Sequence[tuple[float, float]]) -> float:
    """The match threshold for a rate, from at least two (rate, threshold) points; see FLATTER."""
    points = sorted((-math.log10(rate), threshold) for rate, threshold in known)
    wanted = -math.log10(fmr)
    above = next((index for index, (x, _) in enumerate(points) if x >= wanted), len(points) - 1)
    (x0, y0), (x1, y1) = points[max(above, 1) - 1], points[max(above, 1)]
    slope = (y1 - y0) / (x1 - x0)
    beyond = max(0.0, wanted - max(x1, FLATTER_FROM))
    return y0 + slope * (wanted - x0 - beyond) + FLATTER * slope * beyond


def compare_probe(probe: Vector, question: Question) -> Comparison:
    """1:1 with a claim, else 1:N. probe: (d,) float32, L2-normalised. Raises what Gallery.search raises."""
    compared = _verify(probe, question, question.claimed) if question.claimed else _identify(probe, question)
    return _mind_strangers(_mind_confusions(compared, probe, question), probe, question)


def _verify(probe: Vector, question: Question, claimed: str) -> Comparison:
    candidate = question.gallery.compare(probe, claimed)
    if candidate is None:  # a claim that cannot be checked is not a wrong claim
        return Comparison(Verdict.UNCERTAIN, (Reason.PERSON_NOT_ENROLLED,))
    score = candidate.comparison_score
    verdict, reasons = judge_score(score, question.policy)
    return Comparison(verdict, reasons, claimed, score)


def _identify(probe: Vector, question: Question) -> Comparison:
    gallery, policy = question.gallery, question.policy
    candidates = gallery.search(probe, 2)
    if not candidates:
        return Comparison(Verdict.NON_MATCH, (Reason.GALLERY_EMPTY,))
    best, score = candidates[0].person_id, candidates[0].comparison_score
    runner_up = candidates[1].comparison_score if len(candidates) > 1 else None
    verdict, reasons = judge_score(score, policy)
    if verdict == Verdict.MATCH:
        own = gallery.scores(probe, best)
        if runner_up is not None and score - runner_up < policy.min_margin:
            verdict, reasons = Verdict.UNCERTAIN, (Reason.MARGIN_TOO_SMALL,)
        elif not policy.may_search:
            verdict, reasons = Verdict.UNCERTAIN, (Reason.PACK_NOT_MEASURED,)
        elif len(own) > 1 and own[1] < policy.uncertain_threshold:
            # One picture that happens to resemble a stranger names nobody: measured, this about halves the strangers
            # who are named and costs 0.14 % of the right answers.
            verdict, reasons = Verdict.UNCERTAIN, (Reason.TEMPLATES_DISAGREE,)
    return Comparison(verdict, reasons, best, score, runner_up)


def _mind_confusions(compared: Comparison, probe: Vector, question: Question) -> Comparison:
    """Holds a match against the wrong matches of that person that operators reported (recognizer.search.confusions).

    A match that reaches a raised threshold says so: it no longer stands for the policy's false-match rate.
    """
    gallery, policy = question.gallery, question.policy
    person, score = compared.person_id, compared.comparison_score
    if compared.verdict != Verdict.MATCH or person is None or score is None:
        return compared
    needed = gallery.confusions.needed_score(probe, person, policy.match_threshold)
    rivals = [gallery.compare(probe, other) for other in gallery.confusions.mistaken_for(person)]
    lead = score - max((rival.comparison_score for rival in rivals if rival), default=-1.0)
    too_low = needed is not None and score < needed
    raised = (Reason.THRESHOLD_RAISED,) if needed is not None and not too_low else ()
    compared = replace(compared, raised_threshold=needed, reasons=raised)
    if too_low or lead < PAIR_MARGIN_FACTOR * policy.min_margin:
        return compared.doubted(Reason.KNOWN_CONFUSION, *raised)
    return compared


def _mind_strangers(compared: Comparison, probe: Vector, question: Question) -> Comparison:
    """Holds a match against the cohort: a score that strangers of the same kind have too names nobody.

    Measured (docs/accuracy.md): of two different children under three, two in three pairs match at the threshold for
    1 in 10,000, and hardly any past the gate, which costs 2 in 1,000 of the right matches of LFW. The very picture
    that was enrolled always passes: babies score so much with their strangers that even a cosine of 1 would not.
    """
    cohort, person, score = question.cohort, compared.person_id, compared.comparison_score
    if cohort is None or compared.verdict != Verdict.MATCH or person is None or score is None:
        return compared
    template = question.gallery.best_template(probe, person)
    if template is None or stands_out(cohort, score, probe, template):
        return compared
    return compared.doubted(Reason.SIMILAR_TO_MANY, *compared.reasons)


def stands_out(cohort: Cohort, score: float, probe: Vector, template: Vector) -> bool:
    """Whether a score that matches may name somebody: strangers rarely have it, or it is the very same picture."""
    return score >= HIGHEST or cohort.stands_out(score, probe, template)


def judge_score(score: float, policy: DecisionPolicy) -> tuple[Verdict, tuple[Reason, ...]]:
    """Verdict and reasons of one cosine (-1..1) alone. Inclusive at both thresholds."""
    if score >= policy.match_threshold:
        return Verdict.MATCH, ()
    if score >= policy.uncertain_threshold:
        return Verdict.UNCERTAIN, (Reason.BETWEEN_THRESHOLDS,)
    return Verdict.NON_MATCH, (Reason.BELOW_THRESHOLD,)


def fuse_embeddings(evidence: Sequence[Evidence]) -> Vector:
    """The mean of the best frames, of the good ones if there are any: (d,) float32, L2-normalised.

    Measured on ../shared/faces/eval with three pictures of a person as frames: at the 1e-4 threshold FNMR falls from
    9.3 to 2.0 % (MobileFaceNet) and from 2.1 to 0.6 % (EdgeFace-XS) while FMR stays near a single frame's. The best
    of three scores would double FMR; weights by quality bring nothing.
    """
    ranked = sorted(evidence, key=lambda one: (one.good, one.quality.score), reverse=True)
    best = [one for one in ranked if one.good == ranked[0].good][:BEST_FRAMES]
    mean = np.mean([one.embedding for one in best], axis=0)
    length = float(np.linalg.norm(mean))
    # Opposite vectors have no mean; then the best frame speaks alone.
    return (mean / length).astype(np.float32) if length > 1e-3 else best[0].embedding


def conclude(evidence: Sequence[Evidence], question: Question) -> Conclusion:
    """The verdict of all frames of one track (at least one). Barred frames count only where there are no others."""
    clear = [one for one in evidence if not one.barred]
    bars = () if clear else [reason for reason in BARRING if any(one.barred == reason for one in evidence)]
    evidence = clear or evidence
    fused = evidence[0].comparison
    if len(evidence) > 1:
        fused = compare_probe(fuse_embeddings(evidence), question)
    if bars:
        fused = fused.doubted(*bars)
    agreeing = [one for one in evidence if _agrees(one, fused, question.policy)]
    return Conclusion(
        comparison=fused,
        seen=len(evidence),
        agreed=len(agreeing),
        solid=sum(one.good or fused.verdict == Verdict.MATCH for one in agreeing),
        against=sum(one.good or fused.verdict != Verdict.MATCH for one in evidence if one not in agreeing),
    )


def _agrees(one: Evidence, fused: Comparison, policy: DecisionPolicy) -> bool:
    """Did this frame alone point to the same answer? The right candidate above the lower threshold will do."""
    own = one.comparison
    if fused.verdict == Verdict.MATCH:
        near = own.comparison_score is not None and own.comparison_score >= policy.uncertain_threshold
        return own.person_id == fused.person_id and near
    return own.verdict == fused.verdict


def is_settled(conclusion: Conclusion, policy: DecisionPolicy) -> bool:
    """Enough frames agree that waiting for more is pointless."""
    clear = conclusion.comparison.verdict in (Verdict.MATCH, Verdict.NON_MATCH)
    return clear and conclusion.solid - conclusion.against >= policy.frames_needed


def final_comparison(conclusion: Conclusion, evidence: Sequence[Evidence]) -> Comparison:
    """The verdict when no more frames are waited for.

    Poor frames alone may name somebody but never deny: blur, darkness and small faces (measured with LFW pictures
    scaled to 0.2, blurred, darkened) lower mated scores and leave non-mated ones as they are.
    """
    fused = conclusion.comparison
    if set(BARRING) & set(fused.reasons):
        return fused
    if fused.verdict == Verdict.MATCH:
        if conclusion.solid <= conclusion.against:
            return fused.doubted(Reason.FRAMES_DISAGREE)
        return fused
    if any(one.good for one in evidence) or fused.reasons == (Reason.GALLERY_EMPTY,):
        return fused
    best = max(evidence, key=lambda one: one.quality.score)
    return fused.doubted(Reason.LOW_QUALITY, *best.quality.reasons)


@dataclass(frozen=True, slots=True)
class LivenessLook:
    """What one frame says about liveness."""

    score: float
    sharp: bool
    """see is_sharp()"""
    surrounded: bool
    """see Liveness.surrounded"""


def fuse_looks(looks: Sequence[LivenessLook]) -> Liveness:
    """All of a track's looks together. Those at a face that fills the picture count only where there are no others."""
    telling = [look for look in looks if look.surrounded] or looks
    surrounded = any(look.surrounded for look in telling)
    sharp = any(look.sharp for look in telling)
    return fuse_liveness([look.score for look in telling], sharp=sharp, surrounded=surrounded)


def fuse_liveness(scores: Sequence[float], *, sharp: bool = True, surrounded: bool = True) -> Liveness:
    """The median of a track's liveness scores, judged with the thresholds of a single one; NOT_CHECKED for none.

    One score that says bona fide turns a median that says attack into doubt: calling a live person an attack needs
    frames that agree, and one of them sharp (`sharp`: there was such a frame). Doubt names nobody either.
    """
    if not scores:
        return Liveness()
    score = float(np.median(scores))
    verdict = verdict_for(score, surrounded=surrounded)
    contradicted = verdict_for(max(scores)) == LivenessVerdict.BONA_FIDE
    if verdict == LivenessVerdict.ATTACK and (contradicted or not sharp):
        verdict = LivenessVerdict.UNCERTAIN
    return Liveness(verdict, score, surrounded)


def is_sharp(quality: Quality) -> bool:
    """Whether a frame of this quality can show that a face is no live one."""
    return quality.sharpness >= SHARP_FROM


def liveness_agrees(scores: Sequence[float]) -> bool:
    """All scores give one verdict, and not a doubtful one."""
    verdicts = {verdict_for(score) for score in scores}
    return len(verdicts) == 1 and LivenessVerdict.UNCERTAIN not in verdicts


def apply_liveness(comparison: Comparison, liveness: Liveness, mode: LivenessMode) -> Comparison:
    """What liveness does to a verdict: under `required` an attack names nobody, and doubt never denies.

    Doubt about a face that fills the picture says so, since moving back may be all it takes.
    """
    if mode != LivenessMode.REQUIRED or liveness.verdict == LivenessVerdict.BONA_FIDE:
        return comparison
    if liveness.verdict == LivenessVerdict.ATTACK:
        return replace(comparison, verdict=Verdict.ATTACK, reasons=(Reason.LIVENESS_ATTACK,), person_id=None)
    unchecked = liveness.verdict == LivenessVerdict.NOT_CHECKED
    code = Reason.LIVENESS_UNAVAILABLE if unchecked else Reason.LIVENESS_UNCERTAIN
    kept = comparison.reasons if comparison.verdict == Verdict.UNCERTAIN else ()
    close = () if liveness.surrounded or Reason.FACE_TOO_LARGE in kept else (Reason.FACE_TOO_LARGE,)
    return comparison.doubted(code, *close, *kept)
