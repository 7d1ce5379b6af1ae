"""Faces over time: one identity per track, one decision per track, models only where they bring something.

A face that plainly continues (same place, same look, a moment later) is not embedded again. Whatever is doubtful is:
two faces that come close to each other, a face that was hidden, a sudden change of look. Continuity of the embedding,
not of the box, is what keeps an identity, so whoever takes a decided face's place is judged anew.

Detection, alignment and quality run on every frame; the embedding on undecided tracks, in doubt and with a slow
refresh; liveness on undecided tracks until its scores agree, then with the refresh. A challenge (challenge_run.py) is
put to one track at a time and ends with it: the number changes when the face does. One that is passed opens the track's
case again, so that there is a second decision, from the challenge's own calm frames.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from recognizer.decisions import Evidence, compare_probe, conclude, policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.search.gallery import GallerySnapshot
from recognizer.tracking.association import appearance_of, best_pairs, overlap_matrix, undisputed_pairs
from recognizer.tracking.challenge import ChallengeState, Prompt
from recognizer.tracking.challenge_run import ChallengeProgress, ChallengeRun, refusal_of
from recognizer.tracking.outcomes import FrameOutcome, shown_faces
from recognizer.tracking.tracks import Decision, Sighting, Track
from recognizer.types import (
    DecisionPolicy,
    Image,
    LivenessMode,
    LivenessVerdict,
    Vector,
    Verdict,
)

FORGET_AFTER = 1.0
"""Seconds that a hidden face may take to come back as the same track."""
PAUSE_LIMIT = 10.0
"""Seconds that a stream may pause without its faces being forgotten; their embeddings must agree afterwards."""
EMBEDDINGS_PER_FRAME = 8
"""Most faces embedded in one frame, the largest first, so that a crowd cannot stall a stream."""


class TrackFuser:
    """The tracks of one stream. No I/O; one frame at a time."""

    def __init__(
        self,
        engine: FaceEngine,
        policy: DecisionPolicy,
        *,
        claimed: str | None = None,
        check_liveness: bool,
        most_embeddings: int | None = EMBEDDINGS_PER_FRAME,
    ) -> None:
        """claimed: person id for 1:1; None: 1:N. check_liveness False: as if the policy's liveness were off.

        most_embeddings: faces embedded in one frame; None: all of them.
        """
        self._engine = engine
        self._most_embeddings = most_embeddings
        self._policy = policy if check_liveness else replace(policy, liveness=LivenessMode.OFF)
        self._liveness_models = check_liveness and bool(engine.pack.files_of("liveness"))
        self._claimed = claimed
        self._tracks: list[Track] = []
        self._frames = 0
        self._numbers = 0
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._run: ChallengeRun | None = None

    def process(self, image: Image, gallery: GallerySnapshot, *, skipped: int = 0, now: float) -> FrameOutcome:
        """Look at one frame. skipped: frames lost since the last one; now: seconds of a clock that never goes back.

        Raises ContractMismatch when the gallery belongs to another pack than the engine's.
        """
        gallery.require_contract(self._engine.contract_id)
        started = time.perf_counter()
        self._spent.clear()
        self._frames += 1 + skipped
        policy = self._policy if self._claimed else policy_for_gallery(self._policy, gallery.people)
        self._forget(gallery, now)
        tracks = self._follow(self._look(image), born=self._frames - skipped, now=now)
        for track in tracks:
            if track.decision is None:
                self._learn(track, image, gallery, policy)
            elif track.sighting.embedding is not None:
                self._refresh(track, image, gallery, policy, now)
        challenge = self._follow_challenge(image, gallery, policy, now)
        decisions = self._decide(tracks, policy, now)
        faces = shown_faces(tracks)
        self._spent["total"] = (time.perf_counter() - started) * 1000
        return FrameOutcome(faces, decisions, policy.match_threshold, dict(self._spent), challenge)

    def refuse_challenge(self, number: int) -> str | None:
        """Why this track cannot be challenged now, as a code; None: it can."""
        track = self._track(number)
        return "challenge_face_lost" if track is None else refusal_of(track)

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
        run.end("challenge_cancelled")
        return run.progress(now)

    def _track(self, number: int) -> Track | None:
        return next((track for track in self._tracks if track.number == number and track.in_last_frame), None)

    def _forget(self, gallery: GallerySnapshot, now: float) -> None:
        """Drop tracks whose face is gone, and those whose person is no longer enrolled (the face is judged anew)."""
        self._tracks = [
            track
            for track in self._tracks
            if now - track.seen_at <= (PAUSE_LIMIT if track.in_last_frame else FORGET_AFTER)
            and (track.names is None or track.names in gallery)
        ]

    def _look(self, image: Image) -> list[Sighting]:
        with self._timed("detect"):
            detections = self._engine.detect(image)
        sightings = []
        with self._timed("quality"):
            for detection in detections:
                aligned = self._engine.align(image, detection)
                quality = self._engine.measure_quality(image, detection, aligned)
                sightings.append(Sighting(detection, aligned, quality, appearance_of(aligned)))
        return sightings

    def _follow(self, sightings: Sequence[Sighting], *, born: int, now: float) -> list[Track]:
        """The track of each sighting, new ones included, in the same order."""
        least = self._policy.uncertain_threshold
        found = self._continuing(sightings, now)
        wanted = [index for index, track in found.items() if track.wants_embedding(sightings[index], now)]
        doubtful = [index for index in range(len(sightings)) if index not in found]
        self._embed([sightings[index] for index in sorted([*doubtful, *wanted])[: self._most_embeddings]])
        for index in wanted:
            if found[index].shows_somebody_else(sightings[index], least):
                del found[index]
                doubtful.append(index)
        found |= self._recognised(sightings, doubtful, found.values(), least)
        for track in self._tracks:
            track.in_last_frame = False
        return [
            self._see(found.get(index) or self._new_track(sighting, born), sighting, now)
            for index, sighting in enumerate(sightings)
        ]

    def _continuing(self, sightings: Sequence[Sighting], now: float) -> dict[int, Track]:
        """Sightings that plainly continue a track."""
        overlap = overlap_matrix(
            [track.sighting.detection.box_xyxy for track in self._tracks],
            [sighting.detection.box_xyxy for sighting in sightings],
        )
        return {
            column: self._tracks[row]
            for row, column in undisputed_pairs(overlap)
            if self._tracks[row].plainly_continues(sightings[column], now)
        }

    def _embed(self, sightings: Sequence[Sighting]) -> None:
        with self._timed("embed"):
            vectors: Vector = self._engine.embed([sighting.aligned for sighting in sightings])
        for sighting, vector in zip(sightings, vectors, strict=True):
            sighting.embedding = vector

    def _recognised(
        self, sightings: Sequence[Sighting], doubtful: Sequence[int], continued: Collection[Track], least: float
    ) -> dict[int, Track]:
        """Doubtful sightings whose embedding agrees with a track that nobody else continues."""
        free = [track for track in self._tracks if track not in continued]
        similarity = np.array([[track.similarity(sightings[index]) for index in doubtful] for track in free])
        pairs = best_pairs(similarity.reshape(len(free), len(doubtful)), least)
        return {doubtful[column]: free[row] for row, column in pairs}

    def _new_track(self, sighting: Sighting, born: int) -> Track:
        self._numbers += 1
        track = Track(self._numbers, born, sighting, seen_at=0.0)
        self._tracks.append(track)
        return track

    @staticmethod
    def _see(track: Track, sighting: Sighting, now: float) -> Track:
        track.sighting, track.seen_at, track.in_last_frame = sighting, now, True
        return track

    def _learn(self, track: Track, image: Image, gallery: GallerySnapshot, policy: DecisionPolicy) -> None:
        """Add this frame to what an undecided track knows."""
        sighting = track.sighting
        if sighting.embedding is None:  # a crowd: larger faces came first
            return
        with self._timed("search"):
            comparison = compare_probe(sighting.embedding, gallery, policy, self._claimed)
            evidence = Evidence(sighting.embedding, sighting.aligned, sighting.quality, comparison)
            track.learn(evidence, conclude([*track.evidence, evidence], gallery, policy, self._claimed))
        if self._liveness_models and track.wants_liveness(policy):
            self._check_liveness(track, image)

    def _refresh(
        self, track: Track, image: Image, gallery: GallerySnapshot, policy: DecisionPolicy, now: float
    ) -> None:
        """A decided face was embedded again and agrees. What it shows now may still call for a new judgement."""
        if track.challenged or track.sighting.embedding is None or not track.wants_embedding(track.sighting, now):
            return
        track.confirm(now)
        if self._liveness_models:
            self._check_liveness(track, image)
        with self._timed("search"):
            fresh = compare_probe(track.sighting.embedding, gallery, policy, self._claimed)
        if track.is_overtaken(fresh, policy):
            self._tracks.remove(track)

    def _follow_challenge(
        self, image: Image, gallery: GallerySnapshot, policy: DecisionPolicy, now: float
    ) -> ChallengeProgress | None:
        """One more frame of the running challenge. Its calm frames are what a passed one is decided from."""
        run = self._run
        if run is None:
            return None
        track = run.track
        run.see(present=track in self._tracks and track.in_last_frame, now=now)
        if run.challenge.calm and track.sighting.embedding is not None:
            self._keep_calm_frame(run, track.sighting, track.sighting.embedding, image, gallery, policy)
        if track.passive_liveness.verdict == LivenessVerdict.ATTACK:
            run.end("challenge_attack")
        if run.challenge.state == ChallengeState.PASSED:
            evidence = list(run.evidence)
            track.pass_challenge(evidence, conclude(evidence, gallery, policy, self._claimed))
        if run.challenge.code is not None:
            self._run = None
        return run.changed(now)

    def _keep_calm_frame(
        self,
        run: ChallengeRun,
        sighting: Sighting,
        embedding: Vector,
        image: Image,
        gallery: GallerySnapshot,
        policy: DecisionPolicy,
    ) -> None:
        if self._liveness_models:
            self._check_liveness(run.track, image)
        with self._timed("search"):
            comparison = compare_probe(embedding, gallery, policy, self._claimed)
        run.evidence.append(Evidence(embedding, sighting.aligned, sighting.quality, comparison))

    def _check_liveness(self, track: Track, image: Image) -> None:
        with self._timed("liveness"):
            track.learn_liveness(self._engine.check_liveness(image, track.sighting.detection))

    def _decide(self, tracks: Sequence[Track], policy: DecisionPolicy, now: float) -> tuple[Decision, ...]:
        """Decisions that are due. Of two faces that match one person, the better score gets the name."""
        due = [
            (track, track.final_verdict(track.conclusion, policy))
            for track in tracks
            if track.conclusion and self._is_due(track, policy)
        ]
        due.sort(key=lambda pair: pair[1].comparison_score or -1.0, reverse=True)
        taken = {track.names for track in tracks}
        decisions = []
        for track, comparison in due:
            if comparison.verdict == Verdict.MATCH and comparison.person_id in taken:
                comparison = replace(comparison, verdict=Verdict.UNCERTAIN, reasons=("person_already_matched",))
            decisions.append(track.decide(comparison, policy, now))
            taken.add(track.names)
        return tuple(sorted(decisions, key=lambda decision: decision.track))

    def _is_due(self, track: Track, policy: DecisionPolicy) -> bool:
        if track.decision is not None:
            return False
        if self._frames - track.born + 1 >= policy.frames_limit:
            return True
        return track.is_settled(policy) and not (self._liveness_models and track.wants_liveness(policy))

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._spent[stage] += (time.perf_counter() - started) * 1000


def decide_still(
    engine: FaceEngine, policy: DecisionPolicy, image: Image, gallery: GallerySnapshot, *, claimed: str | None = None
) -> FrameOutcome:
    """One picture instead of a stream: every face is decided at once, by the rules of the live page."""
    at_once = replace(policy, frames_needed=1, frames_limit=1)
    check_liveness = policy.liveness != LivenessMode.OFF
    fuser = TrackFuser(engine, at_once, claimed=claimed, check_liveness=check_liveness, most_embeddings=None)
    return fuser.process(image, gallery, now=0.0)
