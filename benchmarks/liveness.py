"""What passive liveness says about labelled clips, and what it costs: `python -m benchmarks.liveness [FOLDER]`.

Prints the tables of docs/liveness.md:
- the scores of all faces of every clip, frame by frame;
- the decisions of a live page with liveness required, started anew at every fifth frame;
- the same for live people, attacks and composed re-shots (replays.py) that are cut closer and closer;
- the CPU time per frame of a stream whose face is decided.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.replays import SCREENS, cut_to_room, film
from benchmarks.sample import clip_frames
from recognizer.calibration import rate_of
from recognizer.engine import FaceEngine
from recognizer.packs.choosing import policy_for
from recognizer.reasons import Reason
from recognizer.search.blocks import TemplateRow
from recognizer.search.gallery import GallerySnapshot
from recognizer.stages.liveness import verdict_for
from recognizer.tracking.fuser import TrackFuser
from recognizer.tracking.tracks import Decision
from recognizer.types import Image, LivenessMode, LivenessVerdict, RecognizerConfig

ROOT = Path(__file__).resolve().parent.parent
CLIPS = ROOT.parent / "shared" / "faces" / "webcam"
FRAMES_PER_SECOND = 15
STARTS = 5
"""A stream is started at every so many frames of a clip, and runs once round it."""
VERDICTS = (LivenessVerdict.BONA_FIDE, LivenessVerdict.UNCERTAIN, LivenessVerdict.ATTACK)
ROOMS = (1.2, 1.4, 1.6, 1.8, 2.0, 2.4)
"""Face boxes that a picture cut closer has room for."""
LOOKED_AT = 8
"""Frames of a decision at most, where streams are cut closer."""
MOST_RESHOT = 30
"""Frames re-shot of each clip."""
STREAM_FRAMES = 300
ROUNDS = 7
SETTLED_AFTER = 60
"""Frames after which the one decision of a stream has long been made."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=CLIPS, help="clips (.mjpeg)")
    parser.add_argument("--models-dir", type=Path, default=ROOT / "models")
    parser.add_argument("--pack", default=None)
    options = parser.parse_args()
    engine = FaceEngine(RecognizerConfig(models_dir=options.models_dir, pack=options.pack, threads=1))
    engine.startup()
    clips = {path.stem: list(clip_frames(path)) for path in sorted(options.folder.glob("*.mjpeg"))}
    if not clips:
        parser.error(f"{options.folder} has no .mjpeg clips.")
    for table in (score_table, decision_table, closer_table, cost_table):
        sys.stdout.write("\n".join([*table(engine, clips), "", ""]))


def score_table(engine: FaceEngine, clips: dict[str, list[Image]]) -> Iterator[str]:
    """Lines of the first table. clips: H x W x 3 frames by name."""
    yield "| clip | frames | faces | median | lowest | highest | bona fide | uncertain | attack |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, frames in clips.items():
        found = [engine.check_liveness(image, face).score for image in frames for face in engine.detect(image)]
        scores = np.array([score for score in found if score is not None])
        if not scores.size:
            yield f"| {name} | {len(frames)} | 0 | | | | | | |"
            continue
        counts = Counter(verdict_for(float(score)) for score in scores)
        shares = [f"{counts[verdict] / len(scores):.0%}".replace("%", " %") for verdict in VERDICTS]
        numbers = f"{np.median(scores):.3f} | {scores.min():.3f} | {scores.max():.3f}"
        yield f"| {name} | {len(frames)} | {len(scores)} | {numbers} | {' | '.join(shares)} |"


def decision_table(engine: FaceEngine, clips: dict[str, list[Image]]) -> Iterator[str]:
    """Lines of the second table. clips: H x W x 3 frames by name."""
    gallery = gallery_of(engine, clips)
    yield "| clip | decisions | match | non_match | uncertain | of these for liveness | attack |"
    yield "|---|---|---|---|---|---|---|"
    for name, frames in clips.items():
        made = [
            decision
            for start in range(0, len(frames), STARTS)
            for decision in decisions_of(engine, gallery, [*frames[start:], *frames[:start]])
        ]
        verdicts = Counter(decision.verdict.value for decision in made)
        doubts = sum(Reason.LIVENESS_UNCERTAIN in decision.comparison.reasons for decision in made)
        named = (
            f"{verdicts['match']} | {verdicts['non_match']} | {verdicts['uncertain']} | {doubts} | {verdicts['attack']}"
        )
        yield f"| {name} | {len(made)} | {named} |"


def closer_table(engine: FaceEngine, clips: dict[str, list[Image]]) -> Iterator[str]:
    """Lines of the third table. clips: H x W x 3 frames by name; "spoof" in a name says that it shows an attack.

    Wrong: a live person called an attack; an attack or a re-shot taken for live.
    """
    shown = {name: frames for name, frames in clips.items() if engine.detect(frames[0])}
    live = {name: frames for name, frames in shown.items() if "spoof" not in name}
    groups = {"live": live, "attack": {name: shown[name] for name in shown if name not in live}}
    random = np.random.default_rng(7)
    for screen in SCREENS:
        shot = {name: [film(image, screen, random) for image in live[name][:MOST_RESHOT]] for name in live}
        groups[f"re-shot, {screen.name} screen"] = shot
    yield "| who | room | decisions | bona fide | uncertain | attack | wrong, 95 % interval |"
    yield "|---|---|---|---|---|---|---|"
    for group, members in groups.items():
        wrong = LivenessVerdict.ATTACK if group == "live" else LivenessVerdict.BONA_FIDE
        found = [[(image, engine.detect(image)) for image in frames] for frames in members.values()]
        seen = [[(image, faces[0].box_xyxy) for image, faces in frames if faces] for frames in found]
        for room in (*ROOMS, None):
            cut = [[cut_to_room(image, box, room) if room else image for image, box in frames] for frames in seen]
            counts = Counter(verdict for frames in cut for verdict in liveness_of(engine, frames))
            rate = rate_of(counts[wrong], counts.total())
            numbers = " | ".join(str(counts[verdict]) for verdict in VERDICTS)
            share = f"{rate.errors}: {rate.low:.1%} to {rate.high:.1%}".replace("%", " %")
            yield f"| {group} | {room or 'as it is'} | {rate.trials} | {numbers} | {share} |"


def liveness_of(engine: FaceEngine, frames: Sequence[Image]) -> Iterator[LivenessVerdict]:
    """The liveness of every decision on a stream of H x W x 3 frames, begun at every fifth one."""
    nobody = GallerySnapshot.build([], contract_id=engine.contract_id, dimension=engine.dimension, revision=1)
    for start in range(0, len(frames) - LOOKED_AT + 1, STARTS):
        for decision in decisions_of(engine, nobody, frames[start : start + LOOKED_AT]):
            yield decision.liveness.verdict


def gallery_of(engine: FaceEngine, clips: dict[str, list[Image]]) -> GallerySnapshot:
    """Everybody in the clips (H x W x 3 frames), the attacks' faces too: a wrong verdict then shows as a match."""
    rows: list[TemplateRow] = []
    for name, frames in clips.items():
        for image in frames[len(frames) // 3 :: max(1, len(frames) // 3)]:
            for face in engine.detect(image)[:1]:
                embedding = engine.embed([engine.align(image, face)])[0]
                rows.append(TemplateRow(len(rows) + 1, name, embedding))
    return GallerySnapshot.build(rows, contract_id=engine.contract_id, dimension=engine.dimension, revision=1)


def decisions_of(engine: FaceEngine, gallery: GallerySnapshot, frames: Sequence[Image]) -> list[Decision]:
    """Every decision of one stream of H x W x 3 frames, liveness required."""
    fuser = TrackFuser(engine, policy_for(engine.pack, 1e-4, LivenessMode.REQUIRED), check_liveness=True)
    outcomes = [fuser.process(image, gallery, now=index / FRAMES_PER_SECOND) for index, image in enumerate(frames)]
    return [decision for outcome in outcomes for decision in outcome.decisions]


def cost_table(engine: FaceEngine, clips: dict[str, list[Image]]) -> Iterator[str]:
    """Lines of the last table. clips: H x W x 3 frames by name.

    One calm face is decided at the start. What each further frame costs stands beside the cost of detection alone; both
    are medians over ROUNDS.
    """
    name = max(clips, key=lambda clip: len(clips[clip]) if engine.detect(clips[clip][0]) else 0)
    frames, gallery = [*clips[name], *clips[name][::-1]], gallery_of(engine, clips)
    rounds: dict[str, list[tuple[float, int]]] = {"detection alone": [], "liveness off": [], "liveness required": []}
    for _ in range(ROUNDS):
        rounds["detection alone"].append((cpu_ms(lambda index: engine.detect(frames[index % len(frames)])), 0))
        for mode in (LivenessMode.OFF, LivenessMode.REQUIRED):
            rounds[f"liveness {mode.value}"].append(stream_cost(engine, gallery, frames, mode))
    yield f"| {name}, after the decision | CPU ms per frame | frames with a liveness check |"
    yield "|---|---|---|"
    for what, measured in rounds.items():
        checks = f"{measured[0][1]} of {STREAM_FRAMES}"
        yield f"| {what} | {np.median([cost for cost, _ in measured]):.2f} | {checks} |"


def stream_cost(
    engine: FaceEngine, gallery: GallerySnapshot, frames: Sequence[Image], mode: LivenessMode
) -> tuple[float, int]:
    """CPU ms per frame (H x W x 3) of a decided stream, and how many of its frames were checked for liveness."""
    fuser = TrackFuser(engine, policy_for(engine.pack, 1e-4, mode), check_liveness=mode != LivenessMode.OFF)
    checks = 0

    def look(index: int) -> None:
        nonlocal checks
        timings = fuser.process(frames[index % len(frames)], gallery, now=index / FRAMES_PER_SECOND).timings_ms
        checks += index >= SETTLED_AFTER and timings.get("liveness", 0.0) > 0

    for index in range(SETTLED_AFTER):
        look(index)
    return cpu_ms(lambda index: look(SETTLED_AFTER + index)), checks


def cpu_ms(job: Callable[[int], object]) -> float:
    """CPU milliseconds per call, over STREAM_FRAMES calls, of all threads together."""
    started = time.process_time()
    for index in range(STREAM_FRAMES):
        job(index)
    return (time.process_time() - started) / STREAM_FRAMES * 1000


if __name__ == "__main__":
    main()
