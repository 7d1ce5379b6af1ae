"""Why something could not be written, at a glance. `code` is stable and public; str() is a sentence for the operator.

EnrollmentError
├── ConsentRequired      consent_required
├── ConsentInvalid       consent_invalid: a record that contradicts itself or the site's policy
├── ConsentEnded         consent_ended: withdrawn or expired, so that the person may not be searched
├── NameInvalid          name_invalid
├── NameAmbiguous        name_ambiguous: several people have the name that an import goes by
├── ExternalIdInvalid    external_id_invalid
├── ExternalIdTaken      external_id_taken
├── ValidityInvalid      validity_invalid: the last day is before the first
├── NotesInvalid         notes_invalid: too long, or with characters that nobody can see
├── GroupNameInvalid     group_name_invalid
├── GroupNameTaken       group_name_taken
├── GroupUnknown         group_unknown: it was deleted meanwhile
├── PersonUnknown        person_unknown
├── SampleUnknown        sample_unknown
├── NoSamples            no_samples
├── HeadNotTurned        head_not_turned: nothing shows yet that the captured face is a live one
├── SampleInvalid        sample_invalid: an embedding that is not what its contract_id promises
├── PackChanged          pack_changed: samples of another embedding space than the one that is searched
├── TemplatesMissing     templates_missing: a pack cannot be switched to before every sample has its template
├── MergeRefused         merge_refused: these two cannot be made one
├── UndoBlocked          undo_blocked: something that came later has to be undone first, or it was undone already
└── PossibleDuplicate    possible_duplicate: nothing stored; .candidates says who looks like them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from enrollment.reasons import sentence_for

if TYPE_CHECKING:
    from enrollment.models import Person


class EnrollmentError(Exception):
    code: ClassVar[str] = "enrollment_error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or sentence_for(self.code))


class ConsentRequired(EnrollmentError):
    code = "consent_required"


class ConsentInvalid(EnrollmentError):
    code = "consent_invalid"


class ConsentEnded(EnrollmentError):
    code = "consent_ended"


class NameInvalid(EnrollmentError):
    code = "name_invalid"


class NameAmbiguous(EnrollmentError):
    code = "name_ambiguous"


class ExternalIdInvalid(EnrollmentError):
    code = "external_id_invalid"


class ExternalIdTaken(EnrollmentError):
    code = "external_id_taken"


class NotesInvalid(EnrollmentError):
    code = "notes_invalid"


class ValidityInvalid(EnrollmentError):
    code = "validity_invalid"


class GroupNameInvalid(EnrollmentError):
    code = "group_name_invalid"


class GroupNameTaken(EnrollmentError):
    code = "group_name_taken"


class GroupUnknown(EnrollmentError):
    code = "group_unknown"


class PersonUnknown(EnrollmentError):
    code = "person_unknown"


class SampleUnknown(EnrollmentError):
    code = "sample_unknown"


class NoSamples(EnrollmentError):
    code = "no_samples"


class HeadNotTurned(EnrollmentError):
    code = "head_not_turned"


class SampleInvalid(EnrollmentError):
    code = "sample_invalid"


class PackChanged(EnrollmentError):
    code = "pack_changed"


class TemplatesMissing(EnrollmentError):
    code = "templates_missing"


class MergeRefused(EnrollmentError):
    code = "merge_refused"


class UndoBlocked(EnrollmentError):
    code = "undo_blocked"


@dataclass(frozen=True, slots=True)
class DuplicateCandidate:
    person: Person
    comparison_score: float
    """Cosine, -1..1: the best of all new samples against all of this person's templates."""
    template_id: int | None = None
    """The template that this best comparison was with."""
    digest: str = ""
    """The new sample's."""


class PossibleDuplicate(EnrollmentError):
    code = "possible_duplicate"

    def __init__(self, candidates: Sequence[DuplicateCandidate]) -> None:
        super().__init__()
        self.candidates = tuple(candidates)
        """Best first, at least one."""
