"""How long what is kept, in sentences, for the public notice."""

from __future__ import annotations

from enrollment.consent.policy import current_consent_policy
from enrollment.hooks import hooks


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
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
