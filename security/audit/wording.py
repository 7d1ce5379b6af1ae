"""Audit rows as operators read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from security.audit.actions import Action
from security.audit.facts import LABELS, VALUES
from security.audit.selectors import operator_names
from security.audit.targets import TargetLink, targets
from security.kept import kept_in_words
from security.models import AuditEvent
from security.numbers import grouped
from security.source import PRODUCT

BY_COMMAND = _("command {name}")
"""As security/source.py says from where a change came."""
UNTOLD = {"together": 1, "despite_duplicate": False}
"""Facts that say nothing with these values."""
IDS = {"person": "person", "other": "person", "attempt": "attempt", "group": "group"}
"""Facts that hold an id -> the kind of target that it is."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One fact. before is set where a setting was changed."""

    label: str
    value: str
    before: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class EventWords:
    """One row of the page."""

    number: int
    at: datetime
    what: str
    who: str
    target: TargetLink | None
    target_id: str
    """For those to whom words are not enough."""
    about: str
    """The target by kind and id, where nobody knows a better word for it."""
    details: Sequence[Detail]
    source: str
    hash: str


def in_words(events: Sequence[AuditEvent]) -> list[EventWords]:
    """A few queries, however many rows."""
    names = operator_names([*(event.actor for event in events), *(event.target for event in events)])
    links = targets.find({target for event in events for target in _targets_of(event)})
    return [
        EventWords(
            number=event.number,
            at=event.at,
            what=what_of(event.action),
            who=who_of(event.actor, names),
            target=links.get(event.target),
            target_id=event.target,
            about=_about(event.target, names),
            details=details_of(_facts_of(event), links),
            source="" if event.source == PRODUCT else kept_in_words(event.source, (BY_COMMAND,)),
            hash=event.hash,
        )
        for event in events
    ]


def what_of(action: str) -> str:
    """The action's label; of one that a later version wrote, its name."""
    try:
        return str(Action(action).label)
    except ValueError:
        return action


def who_of(actor: str, names: Mapping[str, str]) -> str:
    if actor in names:
        return names[actor]
    kind, _, number = actor.partition(":")
    words = {
        "operator": gettext("operator {number}, who is gone").format(number=number),
        "command": gettext("a command"),
        "product": gettext("the product itself"),
    }
    return words.get(kind, gettext("somebody not signed in") if kind == "anonymous" else actor)


def details_of(facts: Mapping[str, Any], links: Mapping[str, TargetLink]) -> list[Detail]:
    """Settings before and after as one line each, then the other facts."""
    before, after = facts.get("before"), facts.get("after")
    details: list[Detail] = []
    rest = dict(facts)
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        rest = {name: value for name, value in facts.items() if name not in ("before", "after")}
        details = _changes(before if isinstance(before, Mapping) else {}, after if isinstance(after, Mapping) else {})
    for name, value in rest.items():
        if value not in (None, "", [], {}) and not (name in UNTOLD and UNTOLD[name] == value):
            link = links.get(f"{IDS[name]}:{value}") if name in IDS else None
            details.append(Detail(_label(name), link.words if link else _text(value), url=link.url if link else ""))
    return details


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Detail]:
    """What differs; everything where there was nothing before."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [Detail(_label(name), _text(after.get(name)), _text(before.get(name)) if before else "") for name in names]


def _about(target: str, names: Mapping[str, str]) -> str:
    """An operator by login name, anything else by kind and id."""
    kind, _, key = target.partition(":")
    return names.get(target) or f"{_label(kind)} {key}".strip()


def _targets_of(event: AuditEvent) -> list[str]:
    facts = _facts_of(event)
    inner = [f"{kind}:{facts[name]}" for name, kind in IDS.items() if isinstance(facts.get(name), str)]
    return [event.target, *inner]


def _facts_of(event: AuditEvent) -> Mapping[str, Any]:
    """The page must open whatever somebody has written into a row: that is when it is needed."""
    facts: object = event.facts
    return facts if isinstance(facts, Mapping) else {"facts": facts}


def _label(name: str) -> str:
    return str(LABELS.get(name) or name.replace("_", " "))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value is None or value == "":
        return gettext("none")
    if isinstance(value, float):
        return number_format(f"{value:.4g}")
    if isinstance(value, int):
        return grouped(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{_label(name)}: {_text(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value)
    code = str(value)
    if code in VALUES:
        return str(VALUES[code])
    return code.replace("_", " ") if code.isidentifier() else code
