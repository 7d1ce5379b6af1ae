"""Why the faces of an import may be kept: what its page says for everybody new, and what a row of the list says."""

from __future__ import annotations

from dataclasses import dataclass

from enrollment.consent.policy import current_consent_policy, last_day
from enrollment.consent.records import Consent, How
from enrollment.errors import ConsentRequired
from enrollment.models import ConsentPolicy, LegalBasis

PAPER = "paper"
AS_LISTED = "listed"


@dataclass(frozen=True, slots=True)
class ConsentChoice:
    """What the page says."""

    basis: str
    """One of bases_at_import(), or AS_LISTED: each row says it."""
    note: str = ""


class BasisNotAllowed(ConsentRequired):
    """The site's rules do not know this basis, or want the consent of everybody who is enrolled by a page."""


def bases_at_import(policy: ConsentPolicy) -> list[str]:
    """PAPER, and where nobody has to tick the consent text the other bases that may be recorded."""
    others = [] if policy.tick_required else [base for base in policy.bases if base != LegalBasis.CONSENT]
    return [*([PAPER] if LegalBasis.CONSENT in policy.bases else []), *others]


def consent_for(choice: ConsentChoice, *, basis: str, note: str) -> Consent:
    """What is recorded for somebody new. basis, note: the row's. Raises ConsentRequired, BasisNotAllowed."""
    policy = current_consent_policy()
    if basis:
        said = note or (choice.note if basis == choice.basis else "")
    else:
        basis, said = choice.basis, note or choice.note
    if basis == AS_LISTED:
        raise ConsentRequired
    if basis not in bases_at_import(policy):
        raise BasisNotAllowed
    if basis == PAPER:
        return Consent(How.PAPER, note=said, valid_until=last_day(policy))
    return Consent(How.NOT_ASKED, legal_basis=basis, note=said or policy.unticked_note)
