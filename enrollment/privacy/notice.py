"""How long what is kept, in sentences, for the public notice."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from enrollment.consent.policy import current_consent_policy
from enrollment.hooks import hooks
from enrollment.models import ConsentPolicy
from security.retention.policy import current_days

PUBLIC_RULES = {
    "punches": _("When you came and went"),
    "attempt_pictures": _("The small picture of a decision at a camera"),
    "attempts": _("The decision itself, without the picture"),
    "inactive_people": _("People who are enrolled but were deactivated"),
}
"""Keys of retention rules that are about people before the cameras, and how the notice calls them."""


def kept_for() -> list[str]:
    """One sentence for each kind of data; other apps add theirs (enrollment/hooks.py)."""
    policy = current_consent_policy()
    return [
        f"{_lasts(policy)} {_after(policy)}",
        *(sentence for source in hooks.periods for sentence in source()),
        *_rules(),
    ]


def _lasts(policy: ConsentPolicy) -> str:
    if not policy.months:
        return gettext("Your name, the pictures of your face and the numbers computed from them: until you withdraw.")
    return ngettext(
        "Your name, the pictures of your face and the numbers computed from them: for {count} month, or until you "
        "withdraw.",
        "Your name, the pictures of your face and the numbers computed from them: for {count} months, or until you "
        "withdraw.",
        policy.months,
    ).format(count=policy.months)


def _after(policy: ConsentPolicy) -> str:
    if not policy.grace_days:
        return gettext("From then on you are not recognised, and it is erased within a day.")
    return ngettext(
        "From then on you are not recognised, and {count} day later it is erased.",
        "From then on you are not recognised, and {count} days later it is erased.",
        policy.grace_days,
    ).format(count=policy.grace_days)


def _rules() -> Iterator[str]:
    """The site's rules about the history, in the words of the page where they are set."""
    days = current_days()
    for key, words in PUBLIC_RULES.items():
        if key in days:
            number = days[key]
            if number is None:
                yield gettext("{data}: until somebody erases it.").format(data=words)
            else:
                yield ngettext("{data}: {count} day.", "{data}: {count} days.", number).format(data=words, count=number)
