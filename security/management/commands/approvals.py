"""What waits for a second person, and the server's word for it where a site has no second operator."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from security.models import Approval
from security.roles import second_person


class Command(BaseCommand):
    help = "List what waits for a second person, or agree to it in place of one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("do", nargs="?", choices=["list", "agree", "refuse"], default="list")
        parser.add_argument("number", nargs="?", type=int, help="of the request, as the list has it")

    def handle(self, *, do: str, number: int | None, **options: Any) -> None:
        if do == "list":
            self._list()
            return
        approval = Approval.objects.filter(pk=number or 0).first()
        if approval is None:
            raise CommandError("There is no such request. Run: manage.py approvals list")
        try:
            (second_person.agree if do == "agree" else second_person.refuse)(actor=None, approval=approval)
        except second_person.ApprovalRefused as error:
            raise CommandError(str(error)) from None
        self.stdout.write("Agreed: it may be done within the next hour." if do == "agree" else "Refused.")

    def _list(self) -> None:
        waiting = second_person.waiting().select_related("asked_by")
        for approval in waiting:
            asked = f"{timezone.localtime(approval.asked_at):%Y-%m-%d %H:%M}"
            self.stdout.write(
                f"{approval.pk}: {approval.get_action_display()} ({len(approval.targets)}), asked by operator "
                f"{approval.asked_by.pk} at {asked}"
            )
        if not waiting:
            self.stdout.write("Nothing waits.")
