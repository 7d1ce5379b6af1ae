"""How much may be sent where, and by whom: known before a byte of a request's body is kept.

Every address takes a small body from anybody. What takes more stands in one table, with the question that is asked
before the body is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import parse_cookie
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from api.authorising import may_send_pictures
from api.middleware import BELOW as API
from api.problems import MEDIA_TYPE, Problem, code_of_status, document_of
from enrollment.pictures.photos import MAX_FILES, MEGABYTE, PHOTO_LIMITS
from facesite.base_path import path_inside
from security.allowing import is_allowed
from security.languages import language_for
from security.rights import Right
from security.sign_in.sessions import operator_of_session

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.utils.functional import _StrOrPromise

SMALL_BYTES: Final = MEGABYTE
"""For every form without pictures: a thousand fields, Django's own limit, need a tenth of it."""
FORM_BYTES: Final = 3 * MEGABYTE
"""Fields beside the pictures: Django takes 2.5 MB of them, the pictures held from the step before among them."""
IMPORT_BYTES: Final = settings.FACESITE_IMPORT_MB * MEGABYTE + 2 * FORM_BYTES
"""A ZIP, and a list of people beside it."""
UPLOAD_BYTES: Final = MAX_FILES * PHOTO_LIMITS.max_bytes + FORM_BYTES


@dataclass(frozen=True, slots=True)
class LargeBodies:
    """Addresses that take more than SMALL_BYTES, from those who may send it."""

    path: re.Pattern[bytes]
    """All of the address as it was sent, without the base path and the query."""
    most_bytes: int
    may_send: Callable[[dict[str, str]], bool]
    """By the request's headers (lower-case names). Asked in a database thread."""
    refusal: _StrOrPromise
    """One sentence for those who may not."""
    status: int = 403
    """Of that answer."""


def is_signed_in(headers: dict[str, str]) -> bool:
    """Whether the session cookie is that of an operator who is signed in now."""
    return _operator(headers) is not None


def may_import(headers: dict[str, str]) -> bool:
    """The same of an operator who enrols people."""
    operator = _operator(headers)
    return operator is not None and is_allowed(operator, Right.ENROL)


def _operator(headers: dict[str, str]) -> User | None:
    key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
    return operator_of_session(key) if key else None


LARGE_BODIES: Final = (
    LargeBodies(
        re.compile(rb"/enrollment/import/"),
        IMPORT_BYTES,
        may_import,
        _(
            "You are not signed in any more, or your role does not include enrolling. "
            "Sign in, then send the files again."
        ),
    ),
    LargeBodies(
        re.compile(rb"/enrollment/(people/[0-9a-f-]{36}/)?upload/|/verification/photo/"),
        UPLOAD_BYTES,
        is_signed_in,
        _("You are not signed in any more. Sign in, then choose the pictures again."),
    ),
    LargeBodies(
        re.compile(
            rb"/api/v1/(identify|verify|compare|people/[0-9a-fA-F-]{36}/samples"
            rb"|recognition/(recognize|faces|faces/[0-9a-fA-F-]{36}/verify))"
        ),
        UPLOAD_BYTES,
        may_send_pictures,
        "There is no such API key, or it may not be used any more.",
        status=401,
    ),
)


def large_bodies_at(address: bytes) -> LargeBodies | None:
    """The table's entry for a request's address; None: small bodies only."""
    path = path_inside(address.partition(b"?")[0].decode("latin1")).encode("latin1")
    return next((entry for entry in LARGE_BODIES if entry.path.fullmatch(path)), None)


def words_of_refusal(address: bytes, status: int, sentence: _StrOrPromise, accepted: str = "") -> tuple[str, bytes]:
    """Media type and body of an answer that no application gives: a sentence, or what the API's clients expect.

    accepted: the browser's Accept-Language. The API answers in English.
    """
    path = path_inside(address.partition(b"?")[0].decode("latin1"))
    if not path.startswith(API):
        with translation.override(language_for(None, accepted)):
            return "text/plain; charset=utf-8", f"{sentence}\n".encode()
    code = "key_invalid" if status == 401 else code_of_status(status)
    return MEDIA_TYPE, json.dumps(document_of(Problem(status, code, str(sentence)))).encode()
