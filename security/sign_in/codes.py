"""The codes of the second factor: those of an authenticator app, and those on a sheet of paper. No database."""

from __future__ import annotations

import base64
import hashlib
import secrets
from io import BytesIO
from time import time
from urllib.parse import quote, urlencode

import segno
from django.utils.translation import gettext as _
from django_otp.oath import TOTP

STEP_SECONDS = 30
TOLERANCE = 1
"""Steps that a clock may be off, as RFC 6238 section 5.2 recommends: a code counts for 60 to 90 seconds."""
DIGITS = 6
RECOVERY_CODES = 10


def new_secret() -> bytes:
    """20 random bytes: RFC 4226 section 4 asks for at least 128 bits and recommends 160."""
    return secrets.token_bytes(20)


def step_of(secret: bytes, code: str, *, after: int, now: float | None = None) -> int | None:
    """The time step that an app's code belongs to; None for a wrong code and for one of step `after` or before.

    code: six digits, perhaps with spaces. now: seconds since 1970.
    """
    digits = "".join(code.split())
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    clock = TOTP(secret, step=STEP_SECONDS, digits=DIGITS)
    clock.time = time() if now is None else now
    if not clock.verify(int(digits), tolerance=TOLERANCE, min_t=after + 1):
        return None
    return int(clock.t())


def new_recovery_codes() -> list[str]:
    """Ten codes of 80 random bits each, in groups of four letters and digits."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def recovery_digest(code: str) -> str:
    """What is stored of a recovery code; spaces, hyphens and capitals do not count."""
    letters = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(letters.encode()).hexdigest()


def spelled(secret: bytes) -> str:
    """The secret for typing: base 32 in groups of four."""
    text = base64.b32encode(secret).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def address_for_apps(secret: bytes, *, name: str, site: str) -> str:
    """otpauth://..., as apps read it: https://github.com/google/google-authenticator/wiki/Key-Uri-Format."""
    label = quote(f"{site}:{name}", safe="")
    query = {"secret": base64.b32encode(secret).decode(), "issuer": site, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(query, quote_via=quote)}"


def drawn(text: str) -> str:
    """A QR code as an <svg> for a page: dark on white in every theme, because cameras look for that."""
    picture = BytesIO()
    segno.make(text, error="m", micro=False).save(
        picture, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, dark="#000", light="#fff",
        svgclass="qr", lineclass=None, title=_("QR code for an authenticator app"),
    )  # fmt: skip
    return picture.getvalue().decode().strip()
