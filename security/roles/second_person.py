"""Some actions need two: one operator asks, another one with the same right agrees, then the first does it, once.

A service calls require_second_person() in the transaction of what it does. Where nobody has agreed yet that raises
SecondPersonNeeded, which middleware.py turns into a request on /site/approvals/. A command on the server, which has no
actor, passes; the web has no way around it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import cast

from django.contrib.auth.models import AbstractUser, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from security.actors import Actor
from security.allowing import is_allowed, require
from security.audit.actions import Action as AuditAction
from security.audit.recording import record
from security.audit.targets import TargetLink
from security.audit.targets import targets as known_targets
from security.models import Approval
from security.rights import Right

Action = Approval.Action

PATIENCE = timedelta(hours=24)
"""How long a request waits for a second person."""
OPEN_FOR = timedelta(hours=1)
"""After the second person agreed: how long it may be done, or how long a search stays open."""
RIGHT_OF: dict[Action, Right] = {
    Action.ERASE_MANY: Right.ERASE,
    Action.EXPORT_BIOMETRICS: Right.EXPORT,
    Action.SEARCH_UNKNOWN: Right.REVIEW_UNKNOWN,
}
"""Which right both people need."""


class SecondPersonNeeded(PermissionDenied):
    """Nobody else has agreed to this yet. Pages ask for it; str() says what to do."""

    code = "second_person_needed"

    def __init__(self, action: Action, targets: Sequence[str], sentence: str) -> None:
        super().__init__(sentence)
        self.action, self.targets = action, targets


class ApprovalRefused(Exception):
    """Nothing was agreed to. str() is a sentence for the operator."""


def require_second_person(*, actor: Actor | None, action: Action, target: object) -> Approval | None:
    """Pass if another operator agreed within the hour that `actor` does exactly this; that agreement is then used up.

    Call it in the transaction of what is done, after require(), and give what it returns to record_second_person() at
    the transaction's end: an audit row locks the trail until the commit. target: "person:<uuid>", or several of them in
    any order: ids only, they are stored. Raises SecondPersonNeeded; it writes nothing then.
    """
    if actor is None:
        return None
    targets = _texts(target)
    for approval in _agreed().filter(action=action, digest=digest_of(action, targets), asked_by=actor.pk):
        if _approver_counts(approval) and _use(approval):
            return approval
    raise SecondPersonNeeded(action, targets, _sentence(actor, action))


def record_second_person(actor: Actor | None, approval: Approval | None) -> None:
    """The audit row about an agreement that was used."""
    if approval is not None:
        record(AuditAction.APPROVAL_USED, actor=actor, target=approval.pk, what=approval.action)


def is_open(action: Action) -> bool:
    """Whether two people have agreed to open this for the site, and the hour is not over. One query, two if it is."""
    return any(_approver_counts(approval) for approval in _agreed().filter(action=action))


def ask(*, actor: Actor, action: Action, target: object) -> Approval:
    """Ask for a second person; what waits already is not asked again. Raises NotAllowed."""
    require(actor, RIGHT_OF[action])
    targets, now = _texts(target), timezone.now()
    digest = digest_of(action, targets)
    with transaction.atomic():
        same = waiting().filter(action=action, digest=digest, asked_by=actor.pk).first()
        if same:
            return same
        approval = Approval(action=action, digest=digest, targets=targets, asked_at=now, expires_at=now + PATIENCE)
        approval.asked_by_id = cast(AbstractUser, actor).pk
        approval.full_clean(exclude={"asked_by", "approved_by", "approved_at", "refused_at", "used_at"})
        approval.save(force_insert=True)
        record(AuditAction.APPROVAL_ASKED, actor=actor, target=approval.pk, what=action.value, number=len(targets))
    return approval


def agree(*, actor: Actor | None, approval: Approval) -> None:
    """Say yes to what somebody else asked. actor None: a command on the server. Raises NotAllowed, ApprovalRefused."""
    with transaction.atomic():
        approval = _answerable(actor, approval)
        now = timezone.now()
        Approval.objects.filter(pk=approval.pk).update(
            approved_by=actor.pk if actor else None, approved_at=now, expires_at=now + OPEN_FOR
        )
        record(AuditAction.APPROVAL_GIVEN, actor=actor, target=approval.pk, what=approval.action)


def refuse(*, actor: Actor | None, approval: Approval) -> None:
    """Say no. Whoever asked may take it back in the same way. Raises NotAllowed, ApprovalRefused."""
    with transaction.atomic():
        approval = _answerable(actor, approval, own=True)
        Approval.objects.filter(pk=approval.pk).update(refused_at=timezone.now())
        record(AuditAction.APPROVAL_REFUSED, actor=actor, target=approval.pk, what=approval.action)


def waiting() -> QuerySet[Approval]:
    """What waits for a second person, newest first."""
    return Approval.objects.filter(approved_at=None, refused_at=None, expires_at__gt=timezone.now())


def seen_by(actor: Actor) -> list[Approval]:
    """What waits or holds now and is about a right of this operator, newest first, with both operators."""
    actions = [action for action, right in RIGHT_OF.items() if is_allowed(actor, right)]
    current = Approval.objects.filter(action__in=actions, refused_at=None, used_at=None, expires_at__gt=timezone.now())
    return list(current.select_related("asked_by", "approved_by"))


def describe(names: Iterable[str], limit: int = 20) -> list[TargetLink]:
    """Names and addresses of the first `limit` targets, for the page only. What is gone meanwhile is left out."""
    there = (link for link in known_targets.find(list(names)[:limit]).values() if link.url)
    return sorted(there, key=lambda link: link.words)


def digest_of(action: Action, targets: Sequence[str]) -> str:
    """SHA-256 in hexadecimal digits over the action and its targets in order."""
    return hashlib.sha256(json.dumps([action.value, sorted(targets)]).encode()).hexdigest()


def others_with(actor: Actor, right: Right) -> int:
    """How many other operators could be the second person."""
    others = User.objects.filter(is_active=True).exclude(pk=cast(AbstractUser, actor).pk)
    permission = Q(groups__permissions__codename=right.codename) | Q(user_permissions__codename=right.codename)
    return others.filter(Q(is_superuser=True) | permission).distinct().count()


def _sentence(actor: Actor, action: Action) -> str:
    if others_with(actor, RIGHT_OF[action]):
        return _(
            "{label}: a second person must agree first. Another operator with the same right finds your request under "
            "Site, Approvals. You then have one hour to do it, once."
        ).format(label=action.label)
    return _(
        "{label}: a second person must agree first, and no other operator has this right. An administrator can give it "
        "to one under Site, Operators."
    ).format(label=action.label)


def _texts(target: object) -> list[str]:
    many = [target] if isinstance(target, str) or not isinstance(target, Iterable) else target
    return sorted({str(each) for each in many})


def _agreed() -> QuerySet[Approval]:
    found = Approval.objects.filter(approved_at__isnull=False, refused_at=None, used_at=None)
    return found.filter(expires_at__gt=timezone.now()).select_related("approved_by")


def _approver_counts(approval: Approval) -> bool:
    """Still an active operator with the right. Nobody: the server's command said yes."""
    by = approval.approved_by
    return by is None or (by.is_active and is_allowed(by, RIGHT_OF[Action(approval.action)]))


def _use(approval: Approval) -> bool:
    """False: another request was quicker."""
    return bool(Approval.objects.filter(pk=approval.pk, used_at=None).update(used_at=timezone.now()))


def _answerable(actor: Actor | None, approval: Approval, *, own: bool = False) -> Approval:
    locked = waiting().select_for_update().filter(pk=approval.pk).first()
    if locked is None:
        raise ApprovalRefused(_("This was answered already, or waited too long. It can be asked for again."))
    require(actor, RIGHT_OF[Action(locked.action)])
    if actor is not None and actor.pk == locked.asked_by_id and not own:
        raise ApprovalRefused(_("You asked for this yourself. Another operator must agree."))
    return locked
