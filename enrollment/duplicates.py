"""Does a new face look like somebody who is enrolled already?"""

from __future__ import annotations

from collections.abc import Sequence

from enrollment.drafts import SampleDraft
from enrollment.errors import DuplicateCandidate, PackChanged
from enrollment.gallery import current_gallery, mark_gallery_stale
from enrollment.models import Person
from enrollment.policy import current_policy
from enrollment.runtime import get_engine
from enrollment.selectors import people_by_uuid
from recognizer.decisions import policy_for_gallery

MAX_CANDIDATES = 5


def find_duplicates(drafts: Sequence[SampleDraft], *, except_for: Person | None = None) -> list[DuplicateCandidate]:
    """Active people whose best comparison with any draft reaches the match threshold, best first.

    Inclusive, and the threshold that a search among so many people uses: else a large gallery would warn all the time.

    Raises PackChanged when the drafts were not made with the pack that searches use now.
    """
    engine = get_engine()
    if drafts[0].contract_id != engine.contract_id or len(drafts[0].embedding) != engine.dimension:
        raise PackChanged
    mark_gallery_stale()  # nobody enrolled half a second ago, here or elsewhere, may be overlooked
    gallery = current_gallery(engine)
    threshold = policy_for_gallery(current_policy(engine), gallery.people).match_threshold
    best: dict[str, float] = {}
    for draft in drafts:
        for candidate in gallery.search(draft.embedding, MAX_CANDIDATES + 1):  # one place may be their own
            if candidate.comparison_score >= threshold:
                score = max(candidate.comparison_score, best.get(candidate.person_id, -1.0))
                best[candidate.person_id] = score
    if except_for:
        best.pop(str(except_for.uuid), None)
    people = people_by_uuid(best)  # somebody may have been erased since the snapshot
    found = [DuplicateCandidate(people[uuid], score) for uuid, score in best.items() if uuid in people]
    return sorted(found, key=lambda candidate: -candidate.comparison_score)[:MAX_CANDIDATES]
