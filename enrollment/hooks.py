"""The places where other apps join in. Enrolment knows none of them: they register from their AppConfig.ready().

Registered today by verification/apps.py and, where it says so, by api/apps.py:

erase        verification.services.forget_people: pictures and links in the history, the person's unknown faces, and
             (by cascade) recorded wrong matches; api.answers.forget_answers: answers that hold the person's name
rebuild      verification.review.feedback.rebuild_false_matches: recorded wrong matches in the new embedding space
policy       verification.policy.current_policy: the saved policy instead of the defaults
confusions   verification.review.feedback.load_confusions: recorded wrong matches that searches must mind
export       verification.rights: what the history, the wrong matches and the inbox hold about a person
periods      verification.rights: how long they are kept, in sentences
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recognizer.engine import FaceEngine
from recognizer.search.confusions import Confusions
from recognizer.types import DecisionPolicy

if TYPE_CHECKING:
    from enrollment.models import Person

EraseHook = Callable[[Sequence["Person"]], Mapping[str, int] | None]
RebuildHook = Callable[[FaceEngine], None]
PolicySource = Callable[[FaceEngine], DecisionPolicy]
ConfusionSource = Callable[[str], Confusions]
PeriodSource = Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Held:
    """One kind of what is held about a person, for the copy that they may ask for. Both are read once, row by row."""

    name: str
    """The key in data.json."""
    rows: Iterator[Mapping[str, Any]]
    """JSON values."""
    pictures: Iterator[tuple[str, bytes]] = field(default_factory=lambda: iter(()))
    """(path inside the archive, the file's bytes)."""


ExportHook = Callable[["Person"], Iterable[Held]]


@dataclass(slots=True)
class Hooks:
    erase: list[EraseHook] = field(default_factory=list)
    """Each is called with the people inside every erasure's transaction, while they still exist.

    It returns how many rows of which kind it erased or emptied, for the receipt; None: nothing to count.
    """
    rebuild: list[RebuildHook] = field(default_factory=list)
    """Each is called at the end of a rebuild: every sample that can be embedded then has a template of the engine's."""
    policy: PolicySource | None = None
    """Gives the decision policy in force; None: enrollment.runtime.policy.default_policy."""
    confusions: ConfusionSource | None = None
    """Reads the recorded wrong matches of a contract_id with every new revision of the gallery."""
    export: list[ExportHook] = field(default_factory=list)
    """Each gives what its app holds about a person."""
    periods: list[PeriodSource] = field(default_factory=list)
    """Each says in sentences how long its app keeps what, for the public notice."""
    new_day: list[Callable[[], object]] = field(default_factory=list)
    """Each is called by the first search of a day in each process, outside of transactions."""
    gallery_changed: list[Callable[[], object]] = field(default_factory=list)
    """Each is called after a commit that moved the gallery's revision, in the process that wrote. None may raise."""

    def on_erase(self, callback: EraseHook) -> None:
        """Add a callback once: AppConfig.ready() may run twice."""
        if callback not in self.erase:
            self.erase.append(callback)

    def on_rebuild(self, callback: RebuildHook) -> None:
        """Add a callback once: AppConfig.ready() may run twice."""
        if callback not in self.rebuild:
            self.rebuild.append(callback)

    def on_export(self, callback: ExportHook) -> None:
        """Add a callback once: AppConfig.ready() may run twice."""
        if callback not in self.export:
            self.export.append(callback)

    def on_periods(self, callback: PeriodSource) -> None:
        """Add a callback once: AppConfig.ready() may run twice."""
        if callback not in self.periods:
            self.periods.append(callback)

    def on_gallery_changed(self, callback: Callable[[], object]) -> None:
        """Add a callback once: AppConfig.ready() may run twice."""
        if callback not in self.gallery_changed:
            self.gallery_changed.append(callback)

    def on_new_day(self, callback: Callable[[], object]) -> None:
        """Add a callback once: AppConfig.ready() may run twice."""
        if callback not in self.new_day:
            self.new_day.append(callback)


hooks = Hooks()
"""The process's own. A test swaps single fields with monkeypatch.setattr(hooks, ...)."""
