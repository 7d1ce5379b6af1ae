"""What a page answers when a service wants a second person: the request is made, and the page says so."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from security.roles.second_person import SecondPersonNeeded, ask


class SecondPerson(MiddlewareMixin):
    """Here, and not in each view, so that no page can forget it: the admin's own views raise it too."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """403 with the sentence. By now the view's transaction is rolled back, so the request stays."""
        if not isinstance(exception, SecondPersonNeeded):
            return None
        ask(actor=request.user, action=exception.action, target=exception.targets)
        return render(request, "security/second_person.html", {"sentence": str(exception)}, status=403)
