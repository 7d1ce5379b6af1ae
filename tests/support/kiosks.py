"""Kiosks, paired and not."""

from __future__ import annotations

from attendance.kiosks import services
from attendance.models import Kiosk

HERE = "192.0.2.1"


def make_kiosk(name: str = "Front door", mode: str = "check") -> tuple[Kiosk, str]:
    """With its pairing code."""
    return services.create_kiosk(actor=None, name=name, place="Main entrance", mode=mode, sound=True)


def paired_kiosk(name: str = "Front door", mode: str = "check") -> tuple[Kiosk, str]:
    """With the token of its device."""
    kiosk, code = make_kiosk(name, mode)
    _, token = services.pair_kiosk(code=code, address=HERE)
    kiosk.refresh_from_db()
    return kiosk, token
