"""The site's OpenID provider, as the environment names it: facesite/openid.py reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from security.roles.table import Role

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

SOME_PROVIDER: Final = _("your organisation")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Provider:
    """Who knows the operators, and how what it says of them is understood here."""

    issuer: str
    """An https address; http only on this machine itself."""
    client_id: str
    client_secret: str = field(default="", repr=False)
    """Empty: a public client, which PKCE alone protects."""
    label: _StrOrPromise = SOME_PROVIDER
    """As the button and the sentences name it."""
    scope: str = "openid profile email"
    name_claim: str = "preferred_username"
    """The claim that is the user name here."""
    roles_claim: str = "groups"
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Value of the roles claim -> role. Empty: roles are given here, not by the provider."""
    create: bool = False
    """Whether somebody who is not known here becomes an operator."""

    @property
    def name(self) -> str:
        """The label at the beginning of a sentence."""
        label = str(self.label)
        return label[:1].upper() + label[1:]


def is_safe_address(address: object) -> bool:
    """https, or http on this machine itself."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        return (parts.scheme == "https" and bool(parts.hostname)) or (
            parts.scheme == "http" and parts.hostname in LOOPBACK
        )
    except ValueError:
        return False
