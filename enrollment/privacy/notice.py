"""How long what is kept, in sentences, for the public notice."""

from __future__ import annotations

from collections.abc import Iterator

from enrollment.consent.policy import current_consent_policy
from enrollment.hooks import hooks
from security.retention.policy import current_days

PUBLIC_RULES = {
    "punches": "When you came and went",
    "attempt_pictures": "The small picture of a decision at a camera",
    "attempts": "The decision itself, without the picture",
    "inactive_people": "People who are enrolled but were deactivated",
}
"""Keys of retention rules that are about people before the cameras, and how the notice calls them."""


def kept_for() -> list[str]:
    """One sentence for each kind of data; other apps add theirs (enrollment/hooks.py)."""
    policy = current_consent_policy()
    lasts = f"for {_count(policy.months, 'month')}, or until you withdraw" if policy.months else "until you withdraw"
    if policy.grace_days:
        after = f"From then on you are not recognised, and {_count(policy.grace_days, 'day')} later it is erased."
    else:
        after = "From then on you are not recognised, and it is erased within a day."
    return [
        f"Your name, the pictures of your face and the numbers computed from them: {lasts}. {after}",
        *(sentence for source in hooks.periods for sentence in source()),
        *_rules(),
    ]


def _rules() -> Iterator[str]:
    """The site's rules about the history, in the words of the page where they are set."""
    days = current_days()
    for key, words in PUBLIC_RULES.items():
        if key in days:
            number = days[key]
            yield f"{words}: {'until somebody erases it' if number is None else _count(number, 'day')}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
