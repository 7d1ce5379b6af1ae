"""What `manage.py check --deploy` says about a site beyond Django's own checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}


@register(Tags.security, deploy=True)
def check_liveness(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.FACESITE_LIVENESS != "off":
        return []
    return [
        Warning(
            "FACESITE_LIVENESS is off: a photograph of an enrolled person is accepted as that person.",
            hint="Remove it from the environment, or set it to required.",
            id="facesite.W001",
        )
    ]


@register(Tags.security, deploy=True)
def check_camera_needs_https(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    others = sorted(set(settings.ALLOWED_HOSTS) - LOCAL_HOSTS)
    if settings.FACESITE_HTTPS != "off" or not others:
        return []
    return [
        Warning(
            f"ALLOWED_HOSTS names {others[0]}, but FACESITE_HTTPS is off: browsers give a page the camera only over "
            "https or on localhost.",
            hint="Set FACESITE_HTTPS to on (Daphne has the certificate) or proxy (a proxy in front has it).",
            id="facesite.W002",
        )
    ]
