"""The first login of a fresh installation. `make run` calls this."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

NAME = "operator"


class Command(BaseCommand):
    help = "Create a superuser with a random password, printed once, unless somebody can log in already."

    def handle(self, **options: Any) -> None:
        if User.objects.exists():
            return
        password = make_password()
        User.objects.create_superuser(NAME, password=password)
        self.stdout.write(
            "The first operator was created. The password is shown only now; change it under /admin/password_change/\n"
            f"  Operator name:     {NAME}\n"
            f"  One-time password: {password}"
        )


def make_password() -> str:
    """Four groups of four letters and digits, none of which can be mistaken for another: 80 bits."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))
