"""Faces over time: one identity per track, one decision per track, models only where they bring something.

A face that plainly continues (same place, same look, a moment later) is not embedded again. Whatever is doubtful is:
two faces that come close to each other, a face that was hidden, a sudden change of look. Continuity of the embedding,
not of the box, is what keeps an identity, so whoever takes a decided face's place is judged anew.

Detection, alignment and quality run on every frame; the embedding on undecided tracks, in doubt and with a slow
refresh; liveness on undecided tracks until its scores agree, then with the refresh. A challenge (challenge_run.py) is
put to one track at a time and ends with it: the number changes when the face does. One that is passed opens the track's
case again, so that there is a second decision, from the challenge's own calm frames; so does one that is failed, and
then the face is named no more. A face that comes back within seconds is not decided twice (visits.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from recognizer.decisions import Comparison, Evidence, Question, policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.reasons import Reason
from recognizer.search.galleries import Gallery
from recognizer.stopwatch import Stopwatch
from recognizer.tracking.association import appearance_of, best_pairs, overlap_matrix, undisputed_pairs
from recognizer.tracking.challenge import ChallengeState, Prompt
from recognizer.tracking.challenge_run import ChallengeProgress, ChallengeRun, refusal_of
from recognizer.tracking.frame import Frame
from recognizer.tracking.outcomes import FrameOutcome, shown_faces
from recognizer.tracking.tracks import Decision, Sighting, Track
from recognizer.tracking.visits import Visits, is_only_averted, predecessor
from recognizer.types import DecisionPolicy, Detection, Image, LivenessMode, LivenessVerdict, Vector, Verdict

FORGET_AFTER = 1.0
"""Seconds that a hidden face may take to come back as the same track."""
PAUSE_LIMIT = 10.0
"""Seconds that a stream may pause without its faces being forgotten; their embeddings must agree afterwards."""
EMBEDDINGS_PER_FRAME = 8
"""Most faces embedded in one frame, the largest first, so that a crowd cannot stall a stream."""
FACES_PER_FRAME = 32
"""Most faces looked at in one frame, the largest first: each costs alignment, quality and a place in the answer."""


class TrackFuser:
    """The tracks of one stream. No I/O; one frame at a time."""

    def __init__(
        self,
        engine: FaceEngine,
        policy: DecisionPolicy,
        *,
        claimed: str | None = None,
        check_liveness: bool,
        most_faces: int | None = FACES_PER_FRAME,
        most_embeddings: int | None = EMBEDDINGS_PER_FRAME,
    ) -> None:
        """claimed: person id for 1:1; None: 1:N. check_liveness False: as if the policy's liveness were off.

        most_faces, most_embeddings: faces looked at, and embedded, in one frame; None: all of them.
        """
        self._engine = engine
        self._most_faces, self._most_embeddings = most_faces, most_embeddings
        self._policy = policy if check_liveness else replace(policy, liveness=LivenessMode.OFF)
        self._liveness_models = check_liveness and bool(engine.pack.files_of("liveness"))
        self._claimed = claimed
        self._tracks: list[Track] = []
        self._frames = 0
        self._numbers = 0
        self._shape: tuple[int, ...] = ()
        """Of the last frame. A phone that is turned changes it: then no face is where it was."""
        self._watch = Stopwatch()
        self._run: ChallengeRun | None = None
        self._visits = Visits()

    def process(
        self,
        image: Image,
        gallery: Gallery,
        *,
        detections: Sequence[Detection] | None = None,
        skipped: int = 0,
        now: float,
    ) -> FrameOutcome:
        """Look at one frame (H x W x 3 uint8 BGR).

        detections: its faces, where they are known; None: the engine looks for them as in any frame.
        skipped: frames lost since the last one; now: seconds of a clock that never goes back.
        Raises ContractMismatch when the gallery belongs to another pack than the engine's.
        """
        gallery.require_contract(self._engine.contract_id)
        self._watch = Stopwatch()
        self._frames += 1 + skipped
        frame = Frame(image, self._question(gallery), now, self._frames, skipped)
        self._forget(frame)
        tracks = self._follow(self._look(frame, detections), frame)
        for track in tracks:
            (self._learn if track.decision is None else self._refresh)(track, frame)
        challenged = [self._run.track] if self._run else []
        challenge = self._follow_challenge(frame)
        # A challenged face that left the picture has failed, and that is an outcome too.
        decisions = self._decide([*tracks, *(track for track in challenged if track not in tracks)], frame)
        self._shape = image.shape
        faces = shown_faces(tracks)
        return FrameOutcome(faces, decisions, frame.policy.match_threshold, self._watch.timings(), challenge)

    def refuse_challenge(self, number: int) -> Reason | None:
        """Why this track cannot be challenged now, as a code; None: it can."""
        track = self._track(number)
        return Reason.CHALLENGE_FACE_LOST if track is None else refusal_of(track)

    def begin_challenge(self, number: int, prompts: Sequence[Prompt], *, now: float) -> ChallengeProgress | None:
        """Ask the face of this track for these movements; None when it is gone. One that runs already is cancelled."""
        self.cancel_challenge(now=now)
        track = self._track(number)
        if track is None:
            return None
        self._run = ChallengeRun(track, prompts, self._policy, now)
        return self._run.changed(now)

    def cancel_challenge(self, *, now: float) -> ChallengeProgress | None:
        """None when there is none."""
        run, self._run = self._run, None
        if run is None:
            return None
        run.end(Reason.CHALLENGE_CANCELLED)
        return run.progress(now)

    def _track(self, number: int) -> Track | None:
        return next((track for track in self._tracks if track.number == number and track.in_last_frame), None)

    def _question(self, gallery: Gallery) -> Question:
        policy = self._policy if self._claimed else policy_for_gallery(self._policy, gallery.people)
        return Question(gallery, policy, self._claimed, self._engine.cohort)

    def _forget(self, frame: Frame) -> None:
        """Drop tracks whose face is gone, and those whose person is no longer enrolled (the face is judged anew)."""
        for track in list(self._tracks):
            enrolled = track.names is None or track.names in frame.question.gallery
            kept_for = PAUSE_LIMIT if track.in_last_frame else FORGET_AFTER
            if enrolled and frame.now - track.seen_at <= kept_for:
                continue
            self._tracks.remove(track)
            if enrolled:
                self._visits.remember([track])

    def _look(self, frame: Frame, detections: Sequence[Detection] | None) -> list[Sighting]:
        if detections is None:
            with self._watch.measure("detect"):
                detections = self._engine.detect(frame.image)
        sightings = []
        with self._watch.measure("quality"):
            for detection in detections[: self._most_faces]:
                aligned = self._engine.align(frame.image, detection)
                quality = self._engine.measure_quality(frame.image, detection, aligned)
                sightings.append(Sighting(detection, aligned, quality, appearance_of(aligned)))
        return sightings

    def _follow(self, sightings: Sequence[Sighting], frame: Frame) -> list[Track]:
        """The track of each sighting, new ones included, in the same order."""
        found = self._continuing(sightings, frame) if frame.image.shape == self._shape else {}
        wanted = [index for index, track in found.items() if track.wants_embedding(sightings[index], frame.now)]
        doubtful = [index for index in range(len(sightings)) if index not in found]
        self._embed([sightings[index] for index in sorted([*doubtful, *wanted])[: self._most_embeddings]])
        for index in wanted:
            if found[index].shows_somebody_else(sightings[index], self._least_similarity):
                del found[index]
                doubtful.append(index)
        found |= self._recognised({index: sightings[index] for index in doubtful}, found.values())
        for track in self._tracks:
            track.in_last_frame = False
        lost = [track for track in self._tracks if track not in found.values()]
        tracks = [
            found.get(index) or self._new_track(sighting, frame.born, lost) for index, sighting in enumerate(sightings)
        ]
        for track, sighting in zip(tracks, sightings, strict=True):
            track.see(sighting, frame.now)
        return tracks

    @property
    def _least_similarity(self) -> float:
        """Cosine of a face with its own track, at least. A large gallery makes no face less like itself."""
        return self._policy.uncertain_threshold

    def _continuing(self, sightings: Sequence[Sighting], frame: Frame) -> dict[int, Track]:
        """Sightings that plainly continue a track."""
        overlap = overlap_matrix(
            [track.sighting.detection.box_xyxy for track in self._tracks],
            [sighting.detection.box_xyxy for sighting in sightings],
        )
        return {
            column: self._tracks[row]
            for row, column in undisputed_pairs(overlap)
            if self._tracks[row].plainly_continues(sightings[column], frame.now)
        }

    def _embed(self, sightings: Sequence[Sighting]) -> None:
        with self._watch.measure("embed"):
            vectors: Vector = self._engine.embed([sighting.aligned for sighting in sightings])
        for sighting, vector in zip(sightings, vectors, strict=True):
            sighting.embedding = vector

    def _recognised(self, doubtful: Mapping[int, Sighting], continued: Collection[Track]) -> dict[int, Track]:
        """Doubtful sightings, by their index, whose embedding agrees with a track that no other one continues."""
        free = [track for track in self._tracks if track not in continued]
        similarity = np.array([[track.similarity(sighting) for sighting in doubtful.values()] for track in free])
        pairs = best_pairs(similarity.reshape(len(free), len(doubtful)), self._least_similarity)
        indices = list(doubtful)
        return {indices[column]: free[row] for row, column in pairs}

    def _new_track(self, sighting: Sighting, born: int, lost: Sequence[Track]) -> Track:
        self._numbers += 1
        track = Track(self._numbers, born, sighting, seen_at=0.0, in_place_of=predecessor(sighting, lost))
        self._tracks.append(track)
        return track

    def _hidden(self) -> list[Track]:
        """Tracks that are kept although their face is not in the picture."""
        return [track for track in self._tracks if not track.in_last_frame]

    def _learn(self, track: Track, frame: Frame) -> None:
        """Add this frame to what an undecided track knows."""
        evidence = self._compare(track, frame)
        if evidence is None:
            return
        with self._watch.measure("search"):
            track.learn(evidence, frame.question)
        if self._wants_liveness(track, frame):
            self._check_liveness(track, frame)

    def _refresh(self, track: Track, frame: Frame) -> None:
        """A decided face was embedded again and agrees. What it shows now may still call for a new judgement."""
        if track.challenged or not track.wants_embedding(track.sighting, frame.now):
            return
        fresh = self._compare(track, frame)
        if fresh is None:
            return
        track.confirm(frame.now)
        self._check_liveness(track, frame)
        if track.is_overtaken(fresh.comparison, frame.policy):
            self._tracks.remove(track)
            self._visits.remember([track])

    def _follow_challenge(self, frame: Frame) -> ChallengeProgress | None:
        """One more frame of the running challenge. Its calm frames are what a passed one is decided from."""
        run = self._run
        if run is None:
            return None
        track = run.track
        run.see(present=track in self._tracks and track.in_last_frame, now=frame.now)
        calm = self._compare(track, frame) if run.challenge.calm else None
        if calm:
            self._check_liveness(track, frame)
            run.evidence.append(calm)
        if track.passive_liveness.verdict == LivenessVerdict.ATTACK:
            run.end(Reason.CHALLENGE_ATTACK)
        if run.challenge.state == ChallengeState.PASSED:
            track.pass_challenge(list(run.evidence), frame.question)
        elif run.challenge.code is not None:
            track.fail_challenge(run.challenge.code)
        if run.challenge.code is not None:
            self._run = None
        return run.changed(frame.now)

    def _compare(self, track: Track, frame: Frame) -> Evidence | None:
        """The latest sighting against the gallery. None: it was not embedded (a crowd: larger faces came first)."""
        with self._watch.measure("search"):
            return track.sighting.compare(frame.question)

    def _wants_liveness(self, track: Track, frame: Frame) -> bool:
        return self._liveness_models and track.wants_liveness(frame.policy)

    def _check_liveness(self, track: Track, frame: Frame) -> None:
        if self._liveness_models:
            with self._watch.measure("liveness"):
                track.learn_liveness(self._engine.check_liveness(frame.image, track.sighting.detection))

    def _decide(self, tracks: Sequence[Track], frame: Frame) -> tuple[Decision, ...]:
        """Decisions that are due. Of two faces that match one person, the better score gets the name."""
        due = [(track, track.final_verdict(frame.policy)) for track in tracks if self._is_due(track, frame)]
        due.sort(key=lambda pair: pair[1].comparison_score or -1.0, reverse=True)
        taken = {track.names for track in tracks}
        decisions = []
        for track, comparison in due:
            if comparison.verdict == Verdict.MATCH and comparison.person_id in taken:
                comparison = comparison.doubted(Reason.PERSON_ALREADY_MATCHED)
            if not self._goes_on(track, comparison, frame):
                decisions.append(track.decide(comparison, frame))
            taken.add(track.names)
        return tuple(sorted(decisions, key=lambda decision: decision.track))

    def _goes_on(self, track: Track, final: Comparison, frame: Frame) -> bool:
        """Whether this face was decided a moment ago, and that still stands: then the track goes on as that one."""
        least = self._policy.match_threshold
        earlier = self._visits.earlier(track, final, hidden=self._hidden(), now=frame.now, least=least)
        if earlier is None:
            return False
        self._tracks = [other for other in self._tracks if other is not earlier]
        track.resume(earlier, frame.now)
        return True

    def _is_due(self, track: Track, frame: Frame) -> bool:
        if track.decision is not None or not track.evidence:
            return False
        if track.challenge_failed:
            return True
        if is_only_averted(track, track.in_place_of, frame.now):
            return False
        return track.has_waited(frame) or (track.is_settled(frame.policy) and not self._wants_liveness(track, frame))


def decide_still(
    engine: FaceEngine, image: Image, question: Question, detections: Sequence[Detection] | None = None
) -> FrameOutcome:
    """One picture (H x W x 3 uint8 BGR) instead of a stream: every face is decided at once, by the live page's rules.

    detections: what turn_upright() found in it; None: detect_still() looks for them.
    Raises ContractMismatch when the gallery belongs to another pack than the engine's.
    """
    policy = replace(question.policy, frames_needed=1, frames_limit=1)
    check_liveness = policy.liveness != LivenessMode.OFF
    fuser = TrackFuser(
        engine,
        policy,
        claimed=question.claimed,
        check_liveness=check_liveness,
        most_faces=None,
        most_embeddings=None,
    )
    if detections is None:
        detections = engine.detect_still(image)
    return fuser.process(image, question.gallery, detections=detections, now=0.0)
