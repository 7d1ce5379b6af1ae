"""What happens in the product, for whoever wants to know: told in the change's transaction, so both are or neither.

Every audit row is told under its action's name (security/audit/recording.py); an app may tell more, such as decisions
about faces. Listeners register from AppConfig.ready().
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Listener = Callable[[str, Sequence[str], Mapping[str, Any]], None]
"""(what happened, the ids of what it is about, facts). It may write; what it raises undoes the change."""

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Add a listener once: AppConfig.ready() may run twice."""
    if listener not in _listeners:
        _listeners.append(listener)


def happened(what: str, about: Iterable[object], facts: Mapping[str, Any]) -> None:
    """Tell everybody. Call it inside the transaction. facts: ids, numbers and codes, never names or pictures."""
    ids = [str(each) for each in about]
    for listener in _listeners:
        listener(what, ids, facts)
