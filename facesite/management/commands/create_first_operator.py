"""The first login of a fresh installation (`make run` calls this), and the way back in for who lost a password."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from security.machines import accounts_of_people
from security.sign_in.one_time import is_lost, issue_one_time_password

NAME = "operator"


class Command(BaseCommand):
    help = (
        "Create a superuser with a one-time password, printed once, unless somebody can log in already. "
        "With --again: give an operator a new one-time password."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--again",
            nargs="?",
            const=NAME,
            metavar="NAME",
            help=f"an operator who needs a new one-time password (default: {NAME})",
        )

    def handle(self, *, again: str | None = None, **options: Any) -> None:
        if again is not None:
            self.print_login("A new one-time password was made.", find_operator(again))
        elif not accounts_of_people().exists():
            with transaction.atomic():
                operator = User.objects.create_superuser(NAME)
                self.print_login("The first operator was created.", operator)
        else:
            self.tell_who_is_locked_out()

    def print_login(self, what: str, operator: User) -> None:
        password = issue_one_time_password(actor=None, operator=operator)
        self.stdout.write(
            f"{what} The password is shown only now and works once: after it, choose your own.\n"
            f"  Operator name:     {operator.get_username()}\n"
            f"  One-time password: {password}\n"
            "Everybody changes their own password and sees where they are signed in under /account/"
        )

    def tell_who_is_locked_out(self) -> None:
        """The only operator signed in once, and closed the browser before choosing a password."""
        operators = list(User.objects.filter(is_active=True)[:2])
        if len(operators) == 1 and is_lost(operators[0]):
            self.stdout.write(
                "The one-time password of the only operator was used, but no own password was chosen. "
                f"If it is lost: manage.py create_first_operator --again {operators[0].get_username()}"
            )


def find_operator(name: str) -> User:
    try:
        return User.objects.get(username=name)
    except User.DoesNotExist:
        raise CommandError(f"There is no operator named '{name}'.") from None
