"""Does a new face look like somebody who is enrolled already?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice

import numpy as np

from enrollment.errors import DuplicateCandidate, PackChanged
from enrollment.models import FaceTemplate, Person
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from enrollment.runtime.policy import current_policy
from enrollment.samples.drafts import SampleDraft
from enrollment.samples.pairs import different_from
from enrollment.selectors import people_by_uuid
from recognizer.decisions import policy_for_gallery
from recognizer.search.blocks import TemplateRow
from recognizer.search.galleries import Gallery
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import Candidate

MAX_CANDIDATES = 5

Best = dict[str, tuple[Candidate, SampleDraft]]
"""Person's uuid -> the best comparison with them, and the draft that it was made with."""


def find_duplicates(drafts: Sequence[SampleDraft], *, except_for: Person | None = None) -> list[DuplicateCandidate]:
    """Active people whose best comparison with any draft reaches the match threshold, best first.

    The threshold counts as reached when it is met exactly. It is the one that a search among so many people uses: with
    a fixed one, a large gallery would warn all the time. `except_for` and people noted as different are left out.

    Raises PackChanged when the drafts were not made with the pack that searches use now.
    """
    require_present_pack(drafts)
    gallery, threshold = _newest_gallery()
    left_out = {except_for.pk, *different_from(except_for)} if except_for else set()
    limit = MAX_CANDIDATES + len(left_out)
    best = _best_of([(draft, gallery.search(draft.embedding, limit)) for draft in drafts], threshold)
    people = people_by_uuid(best)  # somebody may have been erased since the snapshot
    return _candidates(best, {uuid: person for uuid, person in people.items() if person.pk not in left_out})


def find_lookalikes(
    newcomers: Sequence[tuple[Person, Sequence[SampleDraft]]],
) -> list[list[DuplicateCandidate]]:
    """find_duplicates() for people who have just been enrolled together: who of those before them looks like each.

    The gallery is brought up to date once, and all pictures are compared with it together.
    """
    gallery, threshold = _newest_gallery()
    rows = _rows_of(newcomers, gallery)
    among = GallerySnapshot.build(
        rows, contract_id=gallery.contract_id, dimension=gallery.dimension, revision=gallery.revision
    )
    drafts = [draft for _, those in newcomers for draft in those]
    vectors = np.stack([draft.embedding for draft in drafts])
    older = gallery.without([row.template_id for row in rows]).reaching(vectors, threshold, MAX_CANDIDATES)
    newer = among.reaching(vectors, threshold, len(newcomers))
    reached = iter(zip(drafts, map(chain, older, newer), strict=True))
    ranks = {str(person.uuid): number for number, (person, _) in enumerate(newcomers)}
    found = []
    for number, (_, those) in enumerate(newcomers):
        best = _best_of(islice(reached, len(those)), threshold)
        found.append({uuid: match for uuid, match in best.items() if ranks.get(uuid, -1) < number})
    people = people_by_uuid({uuid for best in found for uuid in best})
    return [_candidates(best, people) for best in found]


def _rows_of(newcomers: Sequence[tuple[Person, Sequence[SampleDraft]]], gallery: Gallery) -> list[TemplateRow]:
    """Their searched templates, without decrypting them again."""
    vectors = {(person.pk, draft.digest): draft.embedding for person, drafts in newcomers for draft in drafts}
    templates = FaceTemplate.objects.filter(
        sample__person__in=[person.pk for person, _ in newcomers],
        sample__set_aside=False,
        contract_id=gallery.contract_id,
    ).values_list("pk", "sample__person__uuid", "sample__person_id", "sample__digest")
    return [TemplateRow(pk, str(uuid), vectors[person, digest]) for pk, uuid, person, digest in templates.order_by()]


def require_present_pack(drafts: Iterable[SampleDraft]) -> None:
    """Raises PackChanged when the drafts were not made with the pack that searches use now."""
    engine = get_engine()
    for draft in drafts:
        if draft.contract_id != engine.contract_id or len(draft.embedding) != engine.dimension:
            raise PackChanged


def _newest_gallery() -> tuple[Gallery, float]:
    """With the match threshold of a search among so many people."""
    engine = get_engine()
    mark_gallery_stale()  # nobody enrolled half a second ago, here or elsewhere, may be overlooked
    gallery = current_gallery(engine)
    return gallery, policy_for_gallery(current_policy(engine), gallery.people).match_threshold


def _best_of(found: Iterable[tuple[SampleDraft, Iterable[Candidate]]], threshold: float) -> Best:
    best: Best = {}
    for draft, candidates in found:
        for candidate in candidates:
            known = best.get(candidate.person_id)
            if candidate.comparison_score >= threshold and (
                known is None or candidate.comparison_score > known[0].comparison_score
            ):
                best[candidate.person_id] = candidate, draft
    return best


def _candidates(best: Best, people: Mapping[str, Person]) -> list[DuplicateCandidate]:
    """The best MAX_CANDIDATES of those who are in `people`."""
    found = [
        DuplicateCandidate(people[uuid], candidate.comparison_score, candidate.template_id, draft.digest)
        for uuid, (candidate, draft) in best.items()
        if uuid in people
    ]
    return sorted(found, key=lambda candidate: -candidate.comparison_score)[:MAX_CANDIDATES]
