"""Every page and every socket speaks the language of whoever opened it.

Calls of the API are left out: programs read codes, and its sentences are English. So are the terminal and the log.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JSONCatalog

from security.languages import IN_SESSION, language_for

FOR_PROGRAMS: Final = ("/healthz", "/readyz", "/metrics")
"""They answer without a session, and so without the database."""


def in_their_language(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, after the session's."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path_info in FOR_PROGRAMS:
            return get_response(request)
        language = language_for(request.session.get(IN_SESSION), request.headers.get("Accept-Language", ""))
        request.LANGUAGE_CODE = language  # where Django's own middleware leaves it
        with translation.override(language):
            response = get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", language)
        return response

    return answer


def language_of(request: HttpRequest) -> str:
    """For answers outside of the middleware: the session, and with it the choice, may be what could not be read."""
    accepted = request.headers.get("Accept-Language", "")
    return str(getattr(request, "LANGUAGE_CODE", "")) or language_for(None, accepted)


class SocketInTheirLanguage:
    """ASGI, inside of what finds the session: all that a consumer says, in threads of the database too."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        with translation.override(language_for(chosen_in(scope), accepted_by(scope))):
            await self.application(scope, receive, send)


def chosen_in(scope: dict[str, Any]) -> str | None:
    """What an operator's session keeps. Kiosks have none, and a live session of the API keeps nothing."""
    read = getattr(scope.get("session"), "get", None)
    return read(IN_SESSION) if read else None


def accepted_by(scope: dict[str, Any]) -> str:
    """The Accept-Language of an ASGI scope."""
    return str(dict(scope["headers"]).get(b"accept-language", b""), "latin-1")


@lru_cache
def words_of_scripts(language: str) -> dict[str, Any]:
    """What static/js/core/words.js reads, as Django's JSONCatalog has it; nothing for the language of the sources."""
    if language == settings.LANGUAGE_CODE:
        return {}
    catalogue = JSONCatalog()
    catalogue.translation = DjangoTranslation(
        language, domain="djangojs", localedirs=[str(path) for path in settings.LOCALE_PATHS]
    )
    return {"catalog": catalogue.get_catalog()}
