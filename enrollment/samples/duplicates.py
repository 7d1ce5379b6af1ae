"""Does a new face look like somebody who is enrolled already?"""

from __future__ import annotations

from collections.abc import Sequence

from enrollment.errors import DuplicateCandidate, PackChanged
from enrollment.models import Person
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from enrollment.runtime.policy import current_policy
from enrollment.samples.drafts import SampleDraft
from enrollment.samples.pairs import different_from
from enrollment.selectors import people_by_uuid
from recognizer.decisions import policy_for_gallery
from recognizer.types import Candidate

MAX_CANDIDATES = 5


def find_duplicates(drafts: Sequence[SampleDraft], *, except_for: Person | None = None) -> list[DuplicateCandidate]:
    """Active people whose best comparison with any draft reaches the match threshold, best first.

    The threshold counts as reached when it is met exactly. It is the one that a search among so many people uses: with
    a fixed one, a large gallery would warn all the time. `except_for` and people noted as different are left out.

    Raises PackChanged when the drafts were not made with the pack that searches use now.
    """
    engine = get_engine()
    if drafts[0].contract_id != engine.contract_id or len(drafts[0].embedding) != engine.dimension:
        raise PackChanged
    mark_gallery_stale()  # nobody enrolled half a second ago, here or elsewhere, may be overlooked
    gallery = current_gallery(engine)
    threshold = policy_for_gallery(current_policy(engine), gallery.people).match_threshold
    left_out = {except_for.pk, *different_from(except_for)} if except_for else set()
    best: dict[str, tuple[Candidate, SampleDraft]] = {}
    for draft in drafts:
        for candidate in gallery.search(draft.embedding, MAX_CANDIDATES + len(left_out)):
            known = best.get(candidate.person_id)
            if candidate.comparison_score >= threshold and (
                known is None or candidate.comparison_score > known[0].comparison_score
            ):
                best[candidate.person_id] = candidate, draft
    people = people_by_uuid(best)  # somebody may have been erased since the snapshot
    found = [
        DuplicateCandidate(people[uuid], candidate.comparison_score, candidate.template_id, draft.digest)
        for uuid, (candidate, draft) in best.items()
        if uuid in people and people[uuid].pk not in left_out
    ]
    return sorted(found, key=lambda candidate: -candidate.comparison_score)[:MAX_CANDIDATES]
