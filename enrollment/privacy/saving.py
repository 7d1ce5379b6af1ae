"""What staff save about consent and privacy: a text's next version, the policy, the public notice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from enrollment.consent.policy import current_consent_policy
from enrollment.errors import ConsentInvalid
from enrollment.models import ConsentPolicy, ConsentText, LegalBasis, PrivacyNotice
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.rights import Right

LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,4})?")
"""As browsers name them (BCP 47), in small letters: language, and perhaps a region or a script."""


class LanguageInvalid(ConsentInvalid):
    """Not the code of a language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChoice:
    """The fields of ConsentPolicy."""

    bases: Sequence[str]
    tick_required: bool = True
    unticked_basis: str = ""
    unticked_note: str = ""
    months: int | None = None
    grace_days: int


def save_consent_text(*, actor: Actor | None, language: str, body: str) -> ConsentText:
    """The next version in that language; versions before it stay as they are. Raises ConsentInvalid, NotAllowed."""
    require(actor, Right.SET_CONSENT)
    language = language.strip().lower()
    if not LANGUAGE.fullmatch(language):
        raise LanguageInvalid(_("Give the language as a code, such as en, de or fr-ca."))
    with transaction.atomic():
        versions = ConsentText.objects.select_for_update().filter(language=language)
        newest = versions.order_by("-number").first()
        text = ConsentText(
            language=language,
            number=(versions.aggregate(last=Max("number"))["last"] or 0) + 1,
            body=body.replace("\r\n", "\n").strip(),
            saved_by=actor,  # type: ignore[misc]
        )
        if newest and newest.body == text.body:
            raise ConsentInvalid(_("This is the present text, word for word. Nothing was saved."))
        _save(text)
        record(Action.CONSENT_TEXT_SAVED, actor=actor, target=text.version)
    return text


def save_consent_policy(*, actor: Actor | None, choice: PolicyChoice) -> ConsentPolicy:
    """A new row, which counts from now on. Raises ConsentInvalid, NotAllowed."""
    require(actor, Right.SET_CONSENT)
    unticked = not choice.tick_required
    if not choice.bases or set(choice.bases) - set(LegalBasis.values):
        raise ConsentInvalid(_("Choose at least one legal basis."))
    if choice.tick_required and LegalBasis.CONSENT not in choice.bases:
        raise ConsentInvalid(_("The tick is a consent: allow consent as a legal basis, or do not ask for the tick."))
    if unticked and (choice.unticked_basis not in choice.bases or choice.unticked_basis == LegalBasis.CONSENT):
        raise ConsentInvalid(
            _("Choose which other legal basis is recorded when the tick is missing. It must be allowed.")
        )
    if unticked and choice.unticked_basis == LegalBasis.OTHER and not choice.unticked_note.strip():
        raise ConsentInvalid(_("Say in the note which legal basis it is."))
    policy = ConsentPolicy(
        bases=[basis for basis in LegalBasis.values if basis in choice.bases],
        tick_required=choice.tick_required,
        unticked_basis=choice.unticked_basis if unticked else "",
        unticked_note=choice.unticked_note.strip() if unticked else "",
        months=choice.months,
        grace_days=choice.grace_days,
        saved_by=actor,  # type: ignore[misc]
    )
    return _save_policy(actor, policy)


def save_grace_days(actor: Actor | None, days: int) -> None:
    """The present policy with other days until the erasure, for the page of retention. Raises NotAllowed."""
    require(actor, Right.SET_RETENTION)
    policy = current_consent_policy()
    policy.pk, policy.grace_days, policy.saved_by = None, days, actor  # type: ignore[assignment]
    _save_policy(actor, policy)


def _save_policy(actor: Actor | None, policy: ConsentPolicy) -> ConsentPolicy:
    with transaction.atomic():
        before = current_consent_policy()
        _save(policy)
        record(
            Action.CONSENT_POLICY_SAVED,
            actor=actor,
            target=policy.pk,
            before=_settings(before),
            after=_settings(policy),
        )
    return policy


def save_privacy_notice(*, actor: Actor | None, purpose: str, contact: str, more: str) -> PrivacyNotice:
    """What /privacy/ says from now on; empty texts empty it. Raises ConsentInvalid, NotAllowed."""
    require(actor, Right.SET_CONSENT)
    notice = PrivacyNotice(
        purpose=purpose.strip(),
        contact=contact.strip(),
        more=more.strip(),
        saved_by=actor,  # type: ignore[misc]
    )
    with transaction.atomic():
        _save(notice)
        record(Action.PRIVACY_NOTICE_SAVED, actor=actor, target=notice.pk)
    return notice


def current_privacy_notice() -> PrivacyNotice | None:
    """None: nobody has filled it in."""
    return PrivacyNotice.objects.order_by("-pk").first()


def _settings(policy: ConsentPolicy) -> dict[str, object]:
    """For the audit row. The note is a setting of the site's, about nobody."""
    names = ("bases", "tick_required", "unticked_basis", "unticked_note", "months", "grace_days")
    return {name: getattr(policy, name) for name in names}


def _save(row: models.Model) -> None:
    try:
        row.full_clean(exclude={"saved_by"})
    except ValidationError as error:
        raise ConsentInvalid(" ".join(error.messages)) from None
    row.save(force_insert=True)
