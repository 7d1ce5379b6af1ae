"""The OpenID provider from the environment: FACESITE_OIDC_*, read as strictly as everything else in env.py."""

from __future__ import annotations

from facesite import env
from facesite.env import SettingsError
from security.roles.table import Role
from security.sign_in.provider import Provider, is_safe_address

_WORDS = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "LABEL", "SCOPE", "NAME_CLAIM", "ROLES_CLAIM", "ROLES", "CREATE")
NAMES = tuple(f"FACESITE_OIDC_{word}" for word in _WORDS)
DEFAULTS = Provider(issuer="", client_id="")


def read_provider() -> Provider | None:
    """None where FACESITE_OIDC_ISSUER is not set: then nothing else of it may be."""
    issuer = env.read_text("FACESITE_OIDC_ISSUER")
    if not issuer:
        _nothing_else()
        return None
    if not is_safe_address(issuer) or "?" in issuer or "#" in issuer:
        raise SettingsError(
            "FACESITE_OIDC_ISSUER must be the provider's https address (http only on this machine itself), without "
            f"a query, not '{issuer}'."
        )
    client_id = env.read_text("FACESITE_OIDC_CLIENT_ID")
    if not client_id:
        raise SettingsError("FACESITE_OIDC_CLIENT_ID is not set: it is the name by which the provider knows this site.")
    scope = env.read_text("FACESITE_OIDC_SCOPE") or DEFAULTS.scope
    if "openid" not in scope.split():
        raise SettingsError(f"FACESITE_OIDC_SCOPE must hold the word openid, as in 'openid profile', not '{scope}'.")
    return Provider(
        issuer=issuer,
        client_id=client_id,
        client_secret=env.read_secret("FACESITE_OIDC_CLIENT_SECRET"),
        label=env.read_text("FACESITE_OIDC_LABEL") or DEFAULTS.label,
        scope=scope,
        name_claim=env.read_text("FACESITE_OIDC_NAME_CLAIM") or DEFAULTS.name_claim,
        roles_claim=env.read_text("FACESITE_OIDC_ROLES_CLAIM") or DEFAULTS.roles_claim,
        roles=read_roles("FACESITE_OIDC_ROLES"),
        create=env.read_bool("FACESITE_OIDC_CREATE", default=False),
    )


def read_roles(name: str) -> dict[str, Role]:
    """value=role, value=role ...: what a claim holds, and the role that it stands for here."""
    roles = {}
    for item in env.read_list(name):
        value, _, role = (part.strip() for part in item.rpartition("="))
        found = next((one for one in Role if role.casefold() == one.value.casefold()), None)
        if not value or found is None:
            known = ", ".join(one.value for one in Role)
            raise SettingsError(f"{name} must list value=role with the roles {known}, not '{item}'.")
        roles[value] = found
    return roles


def _nothing_else() -> None:
    for name in NAMES:
        if env.read_secret(name):
            raise SettingsError(f"{name} is set, but FACESITE_OIDC_ISSUER is not: set both or neither.")
