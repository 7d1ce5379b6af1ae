"""How the rules around the scores were chosen: `python -m benchmarks.accuracy` prints the tables of docs/accuracy.md.

Three questions, answered with the product's own functions on pictures whose folders say who is who:
- enrolment: 20 people are enrolled from three pictures each, then searched with their other pictures; 20 strangers are
  searched with one picture each;
- frames: three pictures of a person as the frames of one track, compared with one frame alone;
- growth: the same strangers are searched in galleries of more and more people (aligned crops from a tar, one each).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path

import numpy as np

from benchmarks.sample import CROPS, crops_in
from recognizer.decisions import (
    Comparison,
    Evidence,
    Question,
    compare_probe,
    fuse_embeddings,
    judge_score,
    policy_for_gallery,
)
from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS
from recognizer.packs.choosing import policy_for
from recognizer.pipelines import main_face
from recognizer.search.blocks import TemplateRow
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import DecisionPolicy, LivenessMode, RecognizerConfig, Vector, Verdict

ROOT = Path(__file__).resolve().parent.parent
FACES = ROOT.parent / "shared" / "faces"
PEOPLE, ENROLLED_FROM, STRANGERS = 20, 3, 20
NO_STRANGERS = ("celeba/03904.webp", "celeba/05451.webp")
"""Crops that three packs take for somebody of ../shared/faces/eval, with cosines of 0.46 to 0.68."""
GALLERY_SIZES = (20, 100, 500, 2_000, 4_000)
Judge = Callable[[Vector, Question], Comparison]
ByPerson = Mapping[str, Sequence[Evidence]]
"""Person to one piece of evidence for each picture."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models-dir", type=Path, default=ROOT / "models")
    parser.add_argument("--pack", help="default: the best installed one")
    parser.add_argument("--faces", type=Path, default=FACES / "eval", help="folder of folders, one per person")
    parser.add_argument("--crops", type=Path, default=CROPS)
    parser.add_argument("--crops-under", default="celeba/", help="which of the crops: one per person")
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--fmr", type=float, default=1e-4)
    options = parser.parse_args()
    engine = FaceEngine(RecognizerConfig(models_dir=options.models_dir, pack=options.pack, threads=1))
    engine.startup()
    policy = policy_for(engine.pack, options.fmr, LivenessMode.OFF)
    people = read_people(engine, options.faces)
    print_lines(
        [f"### {engine.pack.title}", "", *enrolment_table(engine, policy, people, options.draws)],
        ["", *frames_table(policy, people)],
        ["", *growth_table(engine, policy, people, read_crops(engine, options.crops, options.crops_under))],
    )
    engine.close()


def print_lines(*groups: Sequence[str]) -> None:
    for group in groups:
        print("\n".join(group), flush=True)  # noqa: T201 - this is the program's output


def read_people(engine: FaceEngine, folder: Path) -> ByPerson:
    """The pictures of FOLDER/<person>/*.jpg in which a face was found."""
    people: defaultdict[str, list[Evidence]] = defaultdict(list)
    nothing = Comparison(Verdict.NON_MATCH, ())
    for path in sorted(folder.glob("*/*.jpg")):
        image = engine.decode(path.read_bytes(), UPLOAD_LIMITS)
        detection = main_face(engine.detect(image), image)
        if detection is not None:
            crop = engine.align(image, detection)
            quality = engine.measure_quality(image, detection, crop)
            people[path.parent.name].append(Evidence(engine.embed([crop])[0], crop, quality, nothing))
    return people


def read_crops(engine: FaceEngine, tar: Path, under: str) -> Vector:
    """(n, d) float32 embeddings of strangers whose path holds `under`: as many as the largest gallery has people."""
    strangers = crops_in(tar, lambda name: under in name and name not in NO_STRANGERS)
    found = islice(strangers, max(GALLERY_SIZES))
    return np.concatenate([engine.embed([engine.decode(crop)]) for _, crop in found])


@dataclass(slots=True)
class Tally:
    """Counts of one draw."""

    searches: int = 0
    """Searches with a picture of an enrolled person."""
    hits: int = 0
    """Those that gave the right name."""
    wrong: int = 0
    """Those that gave another name."""
    strangers: int = 0
    """Searches with a picture of a stranger."""
    named: int = 0
    """Those that gave any name."""


def enrolment_table(engine: FaceEngine, policy: DecisionPolicy, people: ByPerson, draws: int) -> list[str]:
    """The table's lines: `draws` random choices of the enrolled people, judged with and without the product's rules.

    A draw has failed when fewer than 95 % of its searches gave the right name, or any search gave a wrong one.
    """
    ways: dict[str, Judge] = {
        "score at the threshold alone": judge_by_threshold_alone,
        "with margin and second template (the product)": compare_probe,
    }
    rows = [
        f"| enrolment, {draws} draws at FMR {policy.fmr:g} | recognised | wrong name | strangers named | failed |",
        "|---|---|---|---|---|",
    ]
    for name, judge in ways.items():
        tallies = [tally_draw(engine, policy, people, judge, np.random.default_rng(draw)) for draw in range(draws)]
        total = Tally(*(sum(getattr(tally, field) for tally in tallies) for field in Tally.__slots__))
        failing = sum(tally.hits < 0.95 * tally.searches or tally.wrong + tally.named > 0 for tally in tallies)
        rows.append(
            f"| {name} | {percent(total.hits, total.searches)} | {percent(total.wrong, total.searches)} "
            f"| {percent(total.named, total.strangers)} | {percent(failing, draws)} |"
        )
    return rows


def judge_by_threshold_alone(probe: Vector, question: Question) -> Comparison:
    """Names the best person for the probe (d,) by the score alone, without margin and second template."""
    [best] = question.gallery.search(probe, 1)
    verdict, reasons = judge_score(best.comparison_score, question.policy)
    return Comparison(verdict, reasons, best.person_id, best.comparison_score)


def tally_draw(
    engine: FaceEngine, policy: DecisionPolicy, people: ByPerson, judge: Judge, random: np.random.Generator
) -> Tally:
    """Enrol PEOPLE people drawn at random, then search with their other pictures and with STRANGERS strangers."""
    several = [name for name, pictures in people.items() if len(pictures) > ENROLLED_FROM]
    enrolled = set(random.permutation(several)[:PEOPLE].tolist())
    strangers = random.permutation([name for name in people if name not in enrolled])[:STRANGERS]
    rows: list[TemplateRow] = []
    probes: list[tuple[str | None, Vector]] = []
    for name in sorted(enrolled):
        pictures = [people[name][index].embedding for index in random.permutation(len(people[name]))]
        rows += [TemplateRow(len(rows) + n, name, vector) for n, vector in enumerate(pictures[:ENROLLED_FROM])]
        probes += [(name, vector) for vector in pictures[ENROLLED_FROM:]]
    probes += [(None, people[name][int(random.integers(len(people[name])))].embedding) for name in strangers]
    gallery = GallerySnapshot.build(rows, contract_id="accuracy", dimension=engine.dimension, revision=1)
    rule = policy_for_gallery(policy, gallery.people)
    tally = Tally()
    for name, probe in probes:
        found = judge(probe, Question(gallery, rule))
        named = found.person_id if found.verdict == Verdict.MATCH else None
        tally.searches += name is not None
        tally.hits += name is not None and named == name
        tally.wrong += name is not None and named not in (name, None)
        tally.strangers += name is None
        tally.named += name is None and named is not None
    return tally


def frames_table(policy: DecisionPolicy, people: ByPerson) -> list[str]:
    """The table's lines: every three pictures of a person against all pictures that are not among the three."""
    ways: dict[str, Callable[[Sequence[Evidence]], Sequence[Vector]]] = {
        "one frame": lambda frames: [frames[0].embedding],
        "mean of three frames (the product)": lambda frames: [fuse_embeddings(frames)],
        "best score of three frames": lambda frames: [one.embedding for one in frames],
    }
    rows = [f"| frames at {policy.match_threshold:g} | FNMR | FMR |", "|---|---|---|"]
    for name, probes_of in ways.items():
        mated, others = (np.array(scores) for scores in _frame_scores(people, probes_of))
        missed, false = int((mated < policy.match_threshold).sum()), int((others >= policy.match_threshold).sum())
        rows.append(f"| {name} | {percent(missed, len(mated))} | {percent(false, len(others), digits=4)} |")
    return rows


def _frame_scores(
    people: ByPerson, probes_of: Callable[[Sequence[Evidence]], Sequence[Vector]]
) -> tuple[list[float], list[float]]:
    everyone = [(name, one) for name, pictures in people.items() for one in pictures]
    matrix = np.array([one.embedding for _, one in everyone])
    mated: list[float] = []
    others: list[float] = []
    for name, frames in _threes(people):
        scores = (np.array(probes_of(frames)) @ matrix.T).max(axis=0)
        for (other, picture), score in zip(everyone, scores.tolist(), strict=True):
            if other != name:
                others.append(score)
            elif not any(picture is frame for frame in frames):
                mated.append(score)
    return mated, others


def _threes(people: ByPerson) -> Iterator[tuple[str, tuple[Evidence, ...]]]:
    for name, pictures in people.items():
        if len(pictures) > 3:
            for frames in combinations(pictures, 3):
                yield name, frames


def growth_table(engine: FaceEngine, policy: DecisionPolicy, people: ByPerson, crowd: Vector) -> list[str]:
    """The table's lines: strangers named in galleries of other people, the mean over 20 random galleries of each size.

    crowd: (n, d), one template for each of the other people.
    """
    probes = np.array([one.embedding for pictures in people.values() for one in pictures])
    scores = probes @ crowd.T
    rows = [
        "| people enrolled | strangers named at the fixed threshold | the product's threshold | strangers named "
        "| mated pairs above it |",
        "|---|---|---|---|---|",
    ]
    random = np.random.default_rng(0)
    mated = np.array([float(a.embedding @ b.embedding) for group in people.values() for a, b in combinations(group, 2)])
    for size in (size for size in GALLERY_SIZES if size <= len(crowd)):
        grown = policy_for_gallery(policy, size).match_threshold
        best = np.array([scores[:, random.permutation(len(crowd))[:size]].max(axis=1) for _ in range(20)])
        rows.append(
            f"| {size:,} | {percent((best >= policy.match_threshold).sum(), best.size)} | {grown:.3f} "
            f"| {percent((best >= grown).sum(), best.size)} | {percent((mated >= grown).sum(), mated.size)} |"
        )
    return rows


def percent(part: int, whole: int, digits: int = 2) -> str:
    return f"{100 * part / whole:.{digits}f} %"


if __name__ == "__main__":
    main()
