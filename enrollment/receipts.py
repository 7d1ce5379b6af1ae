"""The signed receipt of an erasure.

The site keeps no name: the signed statement holds SHA-256(salt + name), and only the copy that is handed out has the
salt and the name. So the copy proves whom it is about, while the site's own row tells nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from enrollment.models import ErasureReceipt, Person
from security.actors import Actor
from security.audit.recording import name_in_trail
from security.signing import is_signed_by, sign, site_public_key

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

KIND = "facesite erasure receipt 1"
COUNTED: dict[str, _StrOrPromise] = {
    "samples": _("pictures of the face"),
    "templates": _("numeric descriptions computed from them"),
    "consents": _("records of consent"),
    "attempts": _("decisions in the history that lost their link to the person"),
    "attempt_pictures": _("small pictures in the history"),
    "punches": _("check-ins and check-outs"),
    "false_matches": _("recorded wrong matches"),
    "unknown_faces": _("faces in the inbox of unknown faces"),
}
"""What a receipt counts, in the order and the words in which it is shown."""


@dataclass(frozen=True, slots=True)
class HandedOut:
    """What only the person's copy holds."""

    name: str
    salt: str
    """Hexadecimal."""


def write_receipt(
    person: Person, *, actor: Actor | None, counts: Mapping[str, int]
) -> tuple[ErasureReceipt, HandedOut]:
    """Sign what was erased. Call it in the erasure's transaction. The second value is for the copy; it is not kept."""
    now = timezone.now()
    handed_out = HandedOut(person.name, secrets.token_hex(16))
    statement = {
        "kind": KIND,
        "person": str(person.uuid),
        "erased_at": now.isoformat(timespec="seconds"),
        "erased_by": name_in_trail(actor) if actor else "product",
        "counts": {name: counts.get(name, 0) for name in COUNTED},
        "name_sha256": _name_digest(handed_out.name, handed_out.salt),
    }
    receipt = ErasureReceipt(person_uuid=person.uuid, erased_at=now, statement=statement, signature=sign(statement))
    receipt.full_clean()
    receipt.save(force_insert=True)
    return receipt, handed_out


def receipt_of(person_uuid: UUID) -> ErasureReceipt | None:
    """The newest one: somebody may be erased again after a backup was restored."""
    return ErasureReceipt.objects.filter(person_uuid=person_uuid).order_by("-pk").first()


def counted_in(receipt: ErasureReceipt) -> list[tuple[int, _StrOrPromise]]:
    """(number, what it counts), in order."""
    counts = receipt.statement.get("counts", {})
    return [(counts.get(name, 0), words) for name, words in COUNTED.items()]


def receipt_json(receipt: ErasureReceipt, handed_out: HandedOut | None = None) -> str:
    """The receipt as a file. handed_out: makes it the person's copy."""
    document: dict[str, Any] = {
        "statement": receipt.statement,
        "signature": receipt.signature,
        "public_key": site_public_key(),
    }
    if handed_out:
        document |= {"name": handed_out.name, "name_salt": handed_out.salt}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def problem_with(document: object, public_key: str) -> str:
    """Why a receipt's JSON does not come unchanged from the holder of `public_key` (base64); empty: it does."""
    if not isinstance(document, dict) or not isinstance(document.get("statement"), dict):
        return "This is not an erasure receipt."
    statement, signature = document["statement"], document.get("signature")
    if statement.get("kind") != KIND or not isinstance(signature, str):
        return "This is not an erasure receipt."
    if not is_signed_by(public_key, statement, signature):
        if document.get("public_key") != public_key:
            return "It was signed with another key than this site's."
        return "The signature does not fit: the receipt was changed."
    name, salt = document.get("name"), document.get("name_salt")
    if name is not None and not _is_the_name(str(name), str(salt), str(statement.get("name_sha256"))):
        return "The name is not the one that was erased: it was changed."
    return ""


def _is_the_name(name: str, salt: str, digest: str) -> bool:
    return hmac.compare_digest(_name_digest(name, salt), digest)


def _name_digest(name: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}{name}".encode()).hexdigest()
