"""Which operator a person of the OpenID provider is, and what the provider decides about them here."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.models import OpenIdentity
from security.rights import Right
from security.roles.groups import give_roles, roles_of
from security.roles.table import Role
from security.sign_in.openid_calls import OpenIdFailed
from security.sign_in.provider import Provider

logger = logging.getLogger("facesite.sign_in")


def operator_of(provider: Provider, claims: Mapping[str, Any]) -> User:
    """The operator of these checked claims: known, linked now by user name, or created where the site allows it.

    Where the provider decides about roles, the operator has exactly those afterwards. Raises OpenIdFailed.
    """
    name, roles = _name(provider, claims), _roles(provider, claims)
    digest = _digest(provider, claims)
    try:
        with transaction.atomic():
            identity = OpenIdentity.objects.select_related("operator").filter(digest=digest).first()
            operator = identity.operator if identity else _newcomer(provider, name, digest)
            if not operator.is_active:
                raise _refused(
                    "inactive",
                    _("The login {username} is switched off. Ask an administrator.").format(username=operator.username),
                )
            if provider.roles:
                _follow(operator, roles)
    except IntegrityError:  # the same newcomer in two windows at the same moment
        raise _refused("twice", _("This login was used twice at the same moment. Begin again.")) from None
    return operator


def _newcomer(provider: Provider, name: str, digest: str) -> User:
    """Linked from now on by issuer and subject, whatever user name the provider gives later."""
    # Databases find "Olivia" or "ólivia" for "olivia" as well: only the very same name is the same operator.
    alike = list(User.objects.filter(username__iexact=name))
    operator = next((one for one in alike if one.username == name), None)
    if operator is None and provider.create and not alike:
        operator = _create(provider, name)
    if operator is None:
        raise _refused(
            "unknown",
            _("{provider} knows you as {name}, but nobody here has that user name. Ask an administrator.").format(
                provider=provider.name, name=name
            ),
        )
    if operator.has_perm(Right.MANAGE_OPERATORS) and operator.has_usable_password():
        # Else whoever gives out names at the provider could name themselves after the site's administrator.
        raise _refused(
            "administrator",
            _(
                "{name} is an administrator of this site with a password: log in with that, or use another login."
            ).format(name=name),
        )
    if OpenIdentity.objects.filter(operator=operator).exists():
        raise _refused(
            "taken",
            _("The login {name} belongs to somebody else at {label}. Ask an administrator.").format(
                name=name, label=provider.label
            ),
        )
    identity = OpenIdentity(operator=operator, digest=digest, created_at=timezone.now())
    identity.full_clean()
    identity.save(force_insert=True)
    record(Action.OPERATOR_LINKED, actor=None, target=operator.pk, by="openid")
    return operator


def _create(provider: Provider, name: str) -> User:
    operator = User(username=name)
    operator.set_unusable_password()
    try:
        operator.full_clean()
    except ValidationError:
        raise _refused(
            "bad_name",
            _(
                "{provider} knows you as {name}, which cannot be a user name here: at most 150 letters, digits and "
                "@ . + - _ count. Ask an administrator."
            ).format(provider=provider.name, name=name),
        ) from None
    operator.save(force_insert=True)
    record(Action.OPERATOR_CREATED, actor=None, target=operator.pk, by="openid")
    log_event(logger, "operator_created_by_provider", operator=operator.pk)
    return operator


def _follow(operator: User, roles: list[Role]) -> None:
    before = roles_of(operator)
    if set(before) == set(roles):
        return
    give_roles(operator, roles)
    record(
        Action.OPERATOR_ROLES,
        actor=None,
        target=operator.pk,
        before=[role.value for role in before],
        after=[role.value for role in roles],
        by="openid",
    )


def _name(provider: Provider, claims: Mapping[str, Any]) -> str:
    name = claims.get(provider.name_claim)
    if not isinstance(name, str) or not name.strip():
        log_event(logger, "openid_claim_missing", level=logging.ERROR, claim=provider.name_claim)
        raise OpenIdFailed(
            "no_name", _("{name} does not say your user name. Tell an administrator.").format(name=provider.name)
        )
    if provider.name_claim == "email" and claims.get("email_verified") is not True:
        raise _refused(
            "unverified",
            _("{name} has not checked your e-mail address: it cannot name you here.").format(name=provider.name),
        )
    return User.normalize_username(name.strip())


def _roles(provider: Provider, claims: Mapping[str, Any]) -> list[Role]:
    """In the table's order. Who has none of the groups that the site names has no business here."""
    told = claims.get(provider.roles_claim)
    values = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    wanted = {role for value, role in provider.roles.items() if value in values}
    if provider.roles and not wanted:
        raise _refused(
            "no_role",
            _("{name} gives you no role on this site. Ask an administrator there.").format(name=provider.name),
        )
    return [role for role in Role if role in wanted]


def _digest(provider: Provider, claims: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{provider.issuer}\n{claims['sub']}".encode()).hexdigest()


def _refused(code: str, sentence: str) -> OpenIdFailed:
    log_event(logger, "openid_nobody", level=logging.WARNING, reason=code)
    return OpenIdFailed(code, sentence)
