"""Whom does a threshold hold for? `python -m benchmarks.groups` prints the table of docs/accuracy.md.

For each group of strangers: how many pairs match at the threshold, by the score alone and past the cohort's gate; and
with 20 of them enrolled, how often others of the group are named, by the whole rule of a search. Only crops that the
pack's cohort has not seen count (`packs cohort --held-out 0.5`). They have no names: the same person may occur twice.

UTKFace's crops lie in the order of its file names, age_gender_race_date, as text: all of age 1 between ages 19 and 20,
boys before girls, then race as the set's authors guessed it (White, Black, Asian, Indian, others). The names themselves
are lost. RANGES was found again by that order and by eye, and leaves out what lies near a border.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.accuracy import FACES, ROOT, read_people
from benchmarks.sample import CROPS, crops_in
from recognizer.calibration import rate_of
from recognizer.decisions import Question, compare_probe
from recognizer.engine import FaceEngine
from recognizer.images import decode_crop
from recognizer.packs.choosing import policy_for
from recognizer.packs.cohorts import is_held_out
from recognizer.search.blocks import TemplateRow
from recognizer.search.cohort import Cohort
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import DecisionPolicy, Image, LivenessMode, RecognizerConfig, Vector, Verdict
from training.covers import cover_mouth

HELD_OUT = 0.5
"""As the shipped cohorts were built."""
ENROLLED, DRAWS, SEARCHES = 20, 100, 50
RANGES: Mapping[str, str] = {
    "children of 1 and 2": "1224-2328 3850-4318",
    "children from 3 to 6": "5358-5638 6318-6572 7516-7690 8352-8460",
    "children from 7 to 12": "4-142 146-312 8845-8965 9288-9516 9616-9772",
    "women, label Indian": "2397-2408 2511-2537 2645-2679 2755-2776 2904-2951 3089-3125 3323-3397 3516-3534 3656-3680 "
    "3818-3835 4400-4418 4502-4515 4637-4655 4708-4713 4791-4797 4908-4920 5026-5029 5122-5127 5205-5213 5338-5346",
    "women, label Asian": "2385-2395 2495-2509 2628-2643 2746-2753 2882-2902 3063-3087 3294-3321 3502-3514 3641-3654 "
    "3805-3816 4385-4398 4490-4500 4625-4635 4782-4789 4904-4906 5022-5024 5116-5120 5200-5203 5332-5336",
    "women, label Black": "2381-2384 2493-2494 2623-2627 2742-2745 2880-2881 3058-3062 3287-3293 3498-3501 3635-3640 "
    "3799-3804 4383-4384 4486-4489 4776-4781 4901-4903 5018-5021 5197-5199 5330-5331",
    "women, label White": "2351-2380 2479-2492 2609-2622 2722-2741 2842-2879 3025-3057 3241-3286 3474-3497 3603-3634 "
    "3751-3798 4359-4382 4467-4485 4576-4623 4684-4704 4751-4775 4865-4900 4981-5017 5078-5114 5165-5196 5285-5329",
    "men, label White": "2332-2341 2434-2445 2570-2587 2711-2712 2801-2809 2992-3001 3148-3167 3427-3441 3553-3567 "
    "3698-3730 4323-4337 4432-4448 4529-4553 4670-4678 4715-4737 4803-4833 4922-4962 5036-5064 5129-5153 5220-5270",
    "men and women, all labels": "2331-3847 4322-5356",
}
"""Group to positions among the utk/ crops, the end not included."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One group of strangers."""

    pairs: int
    matching: int
    """Pairs that reach the threshold."""
    past_gate: int
    """Those of them that stand out against the cohort, too."""
    searches: int
    """With ENROLLED others of the group in the gallery."""
    named: int
    """Searches that gave a name, without the gate."""
    named_past_gate: int
    needed: float
    """The median of what a pair of such faces must score to pass the gate."""
    lost: float
    """Share of LFW's matches that score less than one of these faces' matches would have to."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models-dir", type=Path, default=ROOT / "models")
    parser.add_argument("--pack", help="default: the best installed one")
    parser.add_argument("--faces", type=Path, default=FACES / "eval", help="folder of folders, one per person")
    parser.add_argument("--crops", type=Path, default=CROPS)
    parser.add_argument("--fmr", type=float, default=1e-4)
    options = parser.parse_args()
    engine = FaceEngine(RecognizerConfig(models_dir=options.models_dir, pack=options.pack, threads=1))
    engine.startup()
    policy = policy_for(engine.pack, options.fmr, LivenessMode.OFF)
    if engine.cohort is None:
        raise SystemExit(
            f"The pack {engine.pack.name} has no cohort: build one with `packs cohort --held-out {HELD_OUT}`."
        )
    cost, matches = cost_of_gate(engine, policy, engine.cohort, options.faces)
    say(f"### {engine.pack.title}", "", cost, "", *HEADER)
    for name, crops in groups_of(options.crops):
        embeddings = np.concatenate([engine.embed(crops[at : at + 64]) for at in range(0, len(crops), 64)])
        say(row(name, len(crops), measure(embeddings, policy, engine.cohort, matches)))
    engine.close()


HEADER = (
    "| strangers | faces | pairs | FMR by the score alone | FMR past the gate "
    f"| {ENROLLED} enrolled: strangers named | past the gate | the gate asks for | LFW's matches below that |",
    "|---|---|---|---|---|---|---|---|---|",
)


def say(*lines: str) -> None:
    print("\n".join(lines), flush=True)  # noqa: T201 - this is the program's output


def groups_of(tar: Path) -> Iterator[tuple[str, list[Image]]]:
    """Each group's crops that no cohort was built from."""
    kept = read_held_out(tar)
    utk = {int(Path(name).stem): crop for name, crop in kept.items() if name.startswith("utk/")}
    for group, ranges in RANGES.items():
        spans = [tuple(map(int, span.split("-"))) for span in ranges.split()]
        yield group, [utk[at] for first, end in spans for at in range(first, end) if at in utk]
    celeba = [crop for name, crop in sorted(kept.items()) if name.startswith("celeba/")][:2_000]
    yield "CelebA", celeba
    random = np.random.default_rng(7)
    yield "CelebA, masks painted on", [cover_mouth(crop, celeba, random) for crop in celeba[:1_000]]


def read_held_out(tar: Path) -> dict[str, Image]:
    """Name to crop (112, 112, 3)."""
    found = crops_in(tar, lambda name: is_held_out(name, HELD_OUT))
    return {name: decode_crop(crop) for name, crop in found}


def measure(embeddings: Vector, policy: DecisionPolicy, cohort: Cohort, matches: Vector) -> Measure:
    """All pairs of one group (n, d), and searches among ENROLLED of it. matches: scores (m,) of LFW's right matches."""
    rows, columns = np.triu_indices(len(embeddings), 1)
    scores = (embeddings @ embeddings.T)[rows, columns]
    means, deviations = np.array([cohort.strangers(embedding) for embedding in embeddings]).T
    normalised = [(scores - means[side]) / deviations[side] for side in (rows, columns)]
    matching = scores >= policy.match_threshold
    past = matching & (np.mean(normalised, axis=0) >= cohort.gate)
    found = (
        [search(embeddings, policy, cohort, seed) for seed in range(DRAWS)] if len(embeddings) > 2 * ENROLLED else []
    )
    searches, named, past_gate = (sum(column) for column in zip(*found, strict=True)) if found else (0, 0, 0)
    needed = means + cohort.gate * deviations
    lost = float(np.searchsorted(np.sort(matches), needed).mean()) / len(matches)
    counts = len(scores), int(matching.sum()), int(past.sum())
    return Measure(*counts, searches, named, past_gate, float(np.median(needed)), lost)


def search(embeddings: Vector, policy: DecisionPolicy, cohort: Cohort, seed: int) -> tuple[int, int, int]:
    """Others of the group searched among ENROLLED of it, one template each: how many, named, named past the gate."""
    order = np.random.default_rng(seed).permutation(len(embeddings))
    rows = [TemplateRow(n, str(n), embeddings[at]) for n, at in enumerate(order[:ENROLLED].tolist())]
    gallery = GallerySnapshot.build(rows, contract_id="groups", dimension=embeddings.shape[1], revision=1)
    probes = embeddings[order[ENROLLED : ENROLLED + SEARCHES]]

    def named(question: Question) -> int:
        return sum(compare_probe(probe, question).verdict == Verdict.MATCH for probe in probes)

    return len(probes), named(Question(gallery, policy)), named(Question(gallery, policy, cohort=cohort))


def row(name: str, faces: int, found: Measure) -> str:
    rates = [rate(found.matching, found.pairs), rate(found.past_gate, found.pairs)]
    named = [f"{100 * part / found.searches:.2f} %" if found.searches else "-" for part in _named(found)]
    asked = f"| {found.needed:.2f} | {100 * found.lost:.1f} % |"
    return f"| {name} | {faces} | {found.pairs:,} | {rates[0]} | {rates[1]} | {named[0]} | {named[1]} {asked}"


def _named(found: Measure) -> tuple[int, int]:
    return found.named, found.named_past_gate


def rate(part: int, whole: int) -> str:
    """A rate with its count and its 95 % interval."""
    found = rate_of(part, whole)
    return f"{found.value:.1e} ({part:,}) [{found.low:.1e}, {found.high:.1e}]"


def cost_of_gate(engine: FaceEngine, policy: DecisionPolicy, cohort: Cohort, folder: Path) -> tuple[str, Vector]:
    """What the gate costs, of all pairs of pictures of one person; and the scores of those that match."""
    people = read_people(engine, folder)
    same = [(a.embedding, b.embedding) for group in people.values() for a, b in combinations(group, 2)]
    scored = [(float(a @ b), a, b) for a, b in same]
    matches = [one for one in scored if one[0] >= policy.match_threshold]
    lost = sum(not cohort.stands_out(*one) for one in matches)
    below = len(scored) - len(matches)
    said = (
        f"Gate {cohort.gate:g}. Of {len(scored)} mated pairs {below} are below the threshold: FNMR "
        f"{rate(below, len(scored))}. {lost} of the others do not pass the gate: {rate(lost, len(matches))}."
    )
    return said, np.array([score for score, *_ in matches], np.float32)


if __name__ == "__main__":
    main()
