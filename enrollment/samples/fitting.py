"""Do new samples fit each other and those that the person has already? Asked before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from enrollment.models import Person
from enrollment.runtime.engine import engine_if_ready
from enrollment.runtime.policy import current_policy
from enrollment.samples.drafts import SampleDraft
from enrollment.selectors import embeddings_of
from recognizer.engine import FaceEngine
from recognizer.search.fit import judge_fit
from recognizer.types import Vector

UNSETTLED = _(
    "The pictures do not fit each other, and there are too few to tell which are right. "
    "All were kept: look at them on the person's page."
)


@dataclass(frozen=True, slots=True)
class DraftsFit:
    set_aside: frozenset[str] = frozenset()
    """Digests of the drafts that do not fit."""
    settled: bool = True

    @property
    def sentence(self) -> str:
        """For the operator; empty when all is well."""
        if not self.settled:
            return str(UNSETTLED)
        number = len(self.set_aside)
        if not number:
            return ""
        return ngettext(
            "One picture does not fit the others and is set aside: kept, but not searched. It can be undone on the "
            "person's page.",
            "{count} pictures do not fit and are set aside: kept, but not searched. It can be undone on the person's "
            "page.",
            number,
        ).format(count=number)


def judge_drafts(drafts: Sequence[SampleDraft], person: Person | None = None) -> DraftsFit:
    """Which drafts are outside the group of samples that hang together at the policy's uncertain threshold.

    recognizer.search.fit has the rule. Where two pictures disagree, or as many stand on each side, nothing is set
    aside: nobody can say which is wrong. Drafts of another embedding space than the engine's pass: no threshold is
    known for them.
    """
    engine = engine_if_ready()
    if engine is None:
        return DraftsFit()
    known = embeddings_of(person, engine.contract_id) if person else []
    return _judge(engine, drafts, known, current_policy(engine).uncertain_threshold)


def judge_newcomers(groups: Sequence[Sequence[SampleDraft]]) -> list[DraftsFit]:
    """judge_drafts() for several people who have no samples yet; the policy is asked for once."""
    engine = engine_if_ready()
    if engine is None:
        return [DraftsFit()] * len(groups)
    threshold = current_policy(engine).uncertain_threshold
    return [_judge(engine, drafts, [], threshold) for drafts in groups]


def _judge(engine: FaceEngine, drafts: Sequence[SampleDraft], known: Sequence[Vector], threshold: float) -> DraftsFit:
    if any(draft.contract_id != engine.contract_id for draft in drafts):
        return DraftsFit()
    unique = {draft.digest: draft.embedding for draft in drafts}
    fit = judge_fit(np.stack([*known, *unique.values()]), threshold, known=len(known))
    digests = list(unique)
    return DraftsFit(frozenset(digests[row - len(known)] for row in fit.outliers), fit.settled)
