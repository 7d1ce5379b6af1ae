"""Who is close to whom at this site, and whether more people are taken for each other than the policy promises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from enrollment.models import FaceSample, Person, PersonPair
from enrollment.samples.site_scores import MOST_PAIRS, NearPair, SiteScores
from recognizer.calibration import chance_of_at_least
from recognizer.decisions import policy_for_gallery
from recognizer.types import DecisionPolicy
from security.numbers import grouped
from verification.cards import decimals, rate_in_words, shortest

DOUBTFUL_CHANCE = 0.01
"""The promise is called broken where so many close pairs, or more, would come about by chance at fewer sites."""

FEWEST_PAIRS = 3
"""Fewer prove nothing about the rate: twins, or one person who was enrolled twice."""


@dataclass(frozen=True, slots=True)
class ClosePair:
    """Two people and the two of their samples that resemble each other most; crops are not loaded."""

    first: Person
    second: Person
    first_sample: FaceSample
    second_sample: FaceSample
    comparison_score: float
    """Cosine, -1..1."""
    in_search: bool
    """A search would take one for the other by this score (its lead and second template aside)."""
    in_claim: bool
    """The claim to be the other one would be believed."""
    noted: bool
    """An operator noted that they are different people."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """The nearest pairs of people, and how many reach the policy's threshold for one comparison."""

    nearest: tuple[ClosePair, ...]
    """The most similar first."""
    match_threshold: float
    search_threshold: float
    reaching: int
    """Pairs of people with a comparison at match_threshold or more."""
    pairs: int
    """Pairs of people that were compared."""
    expected: float
    """How many of them the promised rate allows at most, on the average."""
    chance: float
    """How likely so many or more are by the promised rate, 0..1."""
    warning: str
    """A sentence where the promise does not hold here; else empty."""


def find_closeness(scores: SiteScores, policy: DecisionPolicy) -> Closeness:
    """Three queries, for the nearest pairs. policy: the one in force.

    A pair counts once, however many of its samples reach the threshold, since these resemble each other. It has as many
    chances as comparisons, so that the promised rate times these is the most that a pair may have.
    """
    reaching, expected = scores.pairs_reaching(policy.match_threshold), scores.comparisons * policy.fmr
    chance = chance_of_at_least(reaching, scores.pairs, expected / scores.pairs if scores.pairs else 0.0)
    broken = reaching >= FEWEST_PAIRS and chance < DOUBTFUL_CHANCE
    return Closeness(
        nearest=tuple(_described(scores.nearest, policy, scores.everybody)),
        match_threshold=policy.match_threshold,
        search_threshold=policy_for_gallery(policy, scores.everybody).match_threshold,
        reaching=reaching,
        pairs=scores.pairs,
        expected=expected,
        chance=chance,
        warning=_warning(reaching, scores.pairs, expected, chance, policy) if broken else "",
    )


def _warning(reaching: int, pairs: int, expected: float, chance: float, policy: DecisionPolicy) -> str:
    many = _("At least {reaching} of {pairs} pairs of people reach the threshold of {threshold}.")
    some = _("{reaching} of {pairs} pairs of people reach the threshold of {threshold}.")
    found = (many if reaching >= MOST_PAIRS else some).format(
        reaching=grouped(reaching), pairs=grouped(pairs), threshold=decimals(policy.match_threshold, 3)
    )
    likely = _("less than {number}").format(number=shortest("0.0001")) if chance < 1e-4 else shortest(f"{chance:.2g}")
    promised = _(
        "By the promised {rate} it would be about {expected} at most, and so many by chance with a likelihood of "
        "{likely} (exact binomial test)."
    ).format(rate=rate_in_words(policy.fmr, policy.population), expected=shortest(f"{expected:.2g}"), likely=likely)
    return f"{found} {promised}"


def _described(pairs: Iterable[NearPair], policy: DecisionPolicy, people: int) -> Iterable[ClosePair]:
    pairs = list(pairs)
    wanted = {pk for pair in pairs for pk in (pair.sample, pair.other_sample)}
    samples = FaceSample.objects.select_related("person").defer("crop", "quality").in_bulk(wanted)
    search = policy_for_gallery(policy, people).match_threshold
    noted = _noted({sample.person_id for sample in samples.values()})
    for pair in pairs:
        one, other = samples.get(pair.sample), samples.get(pair.other_sample)
        if one and other:  # else it was erased a moment ago
            yield ClosePair(
                first=one.person,
                second=other.person,
                first_sample=one,
                second_sample=other,
                comparison_score=pair.comparison_score,
                in_search=pair.comparison_score >= search,
                in_claim=pair.comparison_score >= policy.match_threshold,
                noted=frozenset((one.person_id, other.person_id)) in noted,
            )


def _noted(people: set[int]) -> set[frozenset[int]]:
    rows = PersonPair.objects.filter(first__in=people, second__in=people, kind=PersonPair.Kind.DIFFERENT)
    return {frozenset(row) for row in rows.values_list("first_id", "second_id")}
