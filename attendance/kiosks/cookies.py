"""The cookie in which a device keeps its token. Scripts cannot read it, and no other page or socket looks at it."""

from __future__ import annotations

from typing import Final

from django.conf import settings

LASTS_S: Final = 400 * 24 * 3600
"""The longest that browsers keep one. Every load of the kiosk's page begins it anew."""


def cookie_name() -> str:
    """Of this site alone: cookies know no ports."""
    return f"kiosk_{settings.SITE_MARK}"
