"""How many unknown people wait in the inbox? The number beside "Unknown" on every page."""

from __future__ import annotations

from django.db.models import Count, Max, Q

from enrollment.runtime.engine import engine_if_ready
from verification.models import UnknownFace
from verification.policy import current_policy
from verification.review.unknowns import find_clusters

_counted: dict[tuple[object, ...], int] = {}
"""The last answer, by what it was counted from."""


def people_waiting() -> int:
    """People, as far as their faces can be told apart; faces of another embedding space count one by one.

    One query while nothing has changed. It is a number and names nobody, so it takes no second operator, as looking at
    the groups does. Before the engine runs every face counts.
    """
    engine = engine_if_ready()
    contract = engine.contract_id if engine else ""
    pending = UnknownFace.objects.filter(handled_by=None)
    found = pending.aggregate(faces=Count("pk"), own=Count("pk", filter=Q(contract_id=contract)), last=Max("pk"))
    if engine is None or found["own"] < 2:
        return int(found["faces"])
    key = (contract, *found.values())
    if key not in _counted:
        groups = find_clusters(contract, current_policy(engine).match_threshold)
        people = len(groups) + found["faces"] - found["own"]
        _counted.clear()
        _counted[key] = people
    return _counted.get(key, int(found["faces"]))
