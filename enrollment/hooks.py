"""The four places where other apps join in. Enrolment knows none of them: they register from their AppConfig.ready().

Registered today, all by verification/apps.py:

erase        verification.services.forget_people: pictures and links in the history, the person's unknown faces, and
             (by cascade) recorded wrong matches
rebuild      verification.review.feedback.rebuild_false_matches: recorded wrong matches in the new embedding space
policy       verification.policy.current_policy: the saved policy instead of the defaults
confusions   verification.review.feedback.load_confusions: recorded wrong matches that searches must mind
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recognizer.engine import FaceEngine
from recognizer.search.confusions import Confusions
from recognizer.types import DecisionPolicy

if TYPE_CHECKING:
    from enrollment.models import Person

EraseHook = Callable[[Sequence["Person"]], None]
RebuildHook = Callable[[FaceEngine], None]
PolicySource = Callable[[FaceEngine], DecisionPolicy]
ConfusionSource = Callable[[str], Confusions]


@dataclass(slots=True)
class Hooks:
    erase: list[EraseHook] = field(default_factory=list)
    """Each is called with the people inside every erasure's transaction, while they still exist."""
    rebuild: list[RebuildHook] = field(default_factory=list)
    """Each is called at the end of a rebuild: every sample that can be embedded then has a template of the engine's."""
    policy: PolicySource | None = None
    """Gives the decision policy in force; None: enrollment.runtime.policy.default_policy."""
    confusions: ConfusionSource | None = None
    """Reads the recorded wrong matches of a contract_id with every new revision of the gallery."""

    def on_erase(self, callback: EraseHook) -> None:
        """Add a callback once: AppConfig.ready() may run twice."""
        if callback not in self.erase:
            self.erase.append(callback)

    def on_rebuild(self, callback: RebuildHook) -> None:
        """Add a callback once: AppConfig.ready() may run twice."""
        if callback not in self.rebuild:
            self.rebuild.append(callback)


hooks = Hooks()
"""The process's own. A test swaps single fields with monkeypatch.setattr(hooks, ...)."""
