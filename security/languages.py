"""In which language the site speaks to an operator: the one that they chose, else what their browser asks for."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import get_language, get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from security.models import OperatorLanguage

IN_SESSION: Final = "language"
"""The choice lies in the session from signing in on, so that no page asks the database for it."""


def in_english() -> bool:
    """Whether the present language is the one of the sources."""
    return (get_language() or settings.LANGUAGE_CODE) == settings.LANGUAGE_CODE


def language_for(chosen: str | None, accepted: str) -> str:
    """A code of settings.LANGUAGES. accepted: a request's Accept-Language, as it came."""
    if chosen in dict(settings.LANGUAGES):
        return str(chosen)
    for language, _ in parse_accept_lang_header(accepted[:500]):
        if language == "*":
            break
        try:
            return get_supported_language_variant(language)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


def chosen_language(operator: User) -> str:
    """A code of settings.LANGUAGES; empty: as the browser asks."""
    return OperatorLanguage.objects.filter(operator=operator).values_list("language", flat=True).first() or ""


def choose_language(*, actor: User, language: str, session: Any) -> None:
    """Speak to `actor` in it, here from now on and in other browsers from their next sign-in; empty: as browsers ask.

    Raises:
        ValidationError: it is no language of the site.
    """
    choice = OperatorLanguage(operator=actor, language=language)
    if language:
        choice.full_clean(validate_unique=False)
        OperatorLanguage.objects.update_or_create(operator=actor, defaults={"language": language})
    else:
        OperatorLanguage.objects.filter(operator=actor).delete()
    session[IN_SESSION] = language


def remember_language(sender: object, request: Any, user: User, **_: object) -> None:
    """For the signal user_logged_in."""
    if language := chosen_language(user):
        request.session[IN_SESSION] = language
