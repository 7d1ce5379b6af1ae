"""How operators are made, changed and sent away. Everybody who may do that holds Right.MANAGE_OPERATORS.

Nobody hands out, or takes away, a right that they lack; nobody changes their own roles; one administrator always stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from security.actors import Actor
from security.allowing import is_allowed, require
from security.audit.actions import Action
from security.audit.recording import record
from security.machines import accounts_of_people
from security.rights import Right
from security.roles.groups import give_roles, rights_of, roles_of
from security.roles.table import RIGHTS_OF, Role
from security.sign_in.one_time import issue_one_time_password
from security.sign_in.second_factor import reset_second_factor
from security.sign_in.sessions import end_all_sign_ins


class OperatorRefused(Exception):
    """Nothing was changed. str() is a sentence for whoever asked."""


def list_operators() -> QuerySet[User]:
    """All operators with their groups, active ones first, by name; no accounts of machines. Two queries."""
    return accounts_of_people().prefetch_related("groups").order_by("-is_active", "username")


def create_operator(*, actor: Actor | None, username: str, roles: Collection[Role]) -> tuple[User, str]:
    """A new operator and their one-time password, which nobody can read again.

    Raises NotAllowed, OperatorRefused and, for a name that is taken or no name, ValidationError.
    """
    require(actor, Right.MANAGE_OPERATORS)
    _require_all_of(actor, rights_of(roles))
    operator = User(username=username)
    operator.set_unusable_password()
    with transaction.atomic():
        operator.full_clean()
        operator.save(force_insert=True)
        give_roles(operator, roles)
        password = issue_one_time_password(actor=actor, operator=operator)
        record(Action.OPERATOR_CREATED, actor=actor, target=operator.pk, roles=_names(roles))
    return operator, password


def set_roles(*, actor: Actor | None, operator: User, roles: Collection[Role]) -> None:
    """Give the operator exactly these roles. Open pages and sockets follow within seconds.

    Raises NotAllowed, OperatorRefused.
    """
    with transaction.atomic():
        operator = _locked(actor, operator)
        before = roles_of(operator)
        if set(before) == set(roles):
            return
        _require_somebody_else(actor, operator, _("These are your own roles. Another administrator must change them."))
        _require_all_of(actor, rights_of(roles) - rights_of(before))
        give_roles(operator, roles)
        _require_an_administrator()
        record(Action.OPERATOR_ROLES, actor=actor, target=operator.pk, before=_names(before), after=_names(roles))


def set_active(*, actor: Actor | None, operator: User, active: bool) -> None:
    """Let somebody sign in, or no longer: then their sessions end too. Raises NotAllowed, OperatorRefused."""
    with transaction.atomic():
        operator = _locked(actor, operator)
        if operator.is_active == active:
            return
        _require_somebody_else(actor, operator, _("This is your own login. Another administrator must deactivate it."))
        User.objects.filter(pk=operator.pk).update(is_active=active)
        if not active:
            end_all_sign_ins(operator)
            _require_an_administrator()
        action = Action.OPERATOR_ACTIVATED if active else Action.OPERATOR_DEACTIVATED
        record(action, actor=actor, target=operator.pk)


def renew_password(*, actor: Actor | None, operator: User) -> str:
    """A one-time password for somebody who forgot theirs; their sessions end. Raises NotAllowed, OperatorRefused."""
    with transaction.atomic():
        operator = _locked(actor, operator)
        _require_somebody_else(actor, operator, _("Change your own password on your account's page."))
        end_all_sign_ins(operator)
        return issue_one_time_password(actor=actor, operator=operator)


def forget_second_factor(*, actor: Actor | None, operator: User) -> None:
    """For somebody who lost their device: the password is enough again. Raises NotAllowed, OperatorRefused."""
    with transaction.atomic():
        operator = _locked(actor, operator)
        _require_somebody_else(actor, operator, _("Change your own second factor on your account's page."))
        reset_second_factor(actor=actor, operator=operator)


def assignable_roles(actor: Actor | None) -> list[Role]:
    """The roles all of whose rights the actor holds: nobody gives more."""
    return [role for role, rights in RIGHTS_OF.items() if all(is_allowed(actor, right) for right in rights)]


def may_change(actor: Actor | None, operator: User) -> bool:
    """Whether the actor holds every right that this operator holds, through roles or otherwise."""
    return all(is_allowed(actor, right) for right in _rights_held(operator))


def _locked(actor: Actor | None, operator: User) -> User:
    """The operator's row as it is now. All administrators are locked with it, so that no two remove each other."""
    require(actor, Right.MANAGE_OPERATORS)
    found = User.objects.select_for_update().filter(Q(pk=operator.pk) | Q(pk__in=_administrators().values("pk")))
    row = {each.pk: each for each in found.order_by("pk")}.get(operator.pk)
    if row is None:
        raise OperatorRefused(_("There is no such operator any more."))
    if not may_change(actor, row):
        raise OperatorRefused(_("This operator has rights that you do not have. Only somebody with them may do that."))
    return row


def _require_somebody_else(actor: Actor | None, operator: User, sentence: str) -> None:
    """So nobody locks themselves out, and a session left open at a desk cannot take over its login."""
    if actor is not None and actor.pk == operator.pk:
        raise OperatorRefused(sentence)


def _require_all_of(actor: Actor | None, rights: Iterable[Right]) -> None:
    if not all(is_allowed(actor, right) for right in rights):
        raise OperatorRefused(_("You cannot give rights that you do not have yourself."))


def _require_an_administrator() -> None:
    """Call it after the change, in its transaction: the refusal takes the change back."""
    if not _administrators().filter(is_active=True).exists():
        raise OperatorRefused(_("This is the last administrator. Make somebody else administrator first."))


def _administrators() -> QuerySet[User]:
    return User.objects.filter(Q(is_superuser=True) | Q(groups__name=Role.ADMINISTRATOR)).distinct()


def _rights_held(operator: User) -> set[Right]:
    """As has_perm() would say, also for somebody who is not active."""
    if operator.is_superuser:
        return set(Right)
    theirs = Permission.objects.filter(Q(group__user=operator) | Q(user=operator), content_type__app_label="security")
    held = set(theirs.values_list("codename", flat=True))
    return {right for right in Right if right.codename in held}


def _names(roles: Iterable[Role]) -> list[str]:
    return [role.value for role in roles]


def clean_username(username: str) -> str:
    """The name without spaces around it. Raises ValidationError when it is taken, too long or has other characters."""
    operator = User(username=username.strip())
    operator.clean_fields(exclude={"password"})
    if User.objects.filter(username__iexact=operator.username).exists():
        raise ValidationError({"username": _("Somebody has this name already, perhaps in other letters.")})
    return operator.username
