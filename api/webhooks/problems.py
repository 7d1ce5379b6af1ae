"""Why a message could not be handed over. The database keeps the English sentence; pages say it in their language."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from security.kept import kept_in_words, sentences_of

BROKE_OFF: Final = _("The receiver broke off.")
UNREACHABLE: Final = _("The receiver cannot be reached.")
NO_CALL: Final = _("The receiver did not answer the call.")
NOBODY: Final = _("Nobody listens at the receiver's address.")
TOO_SLOW: Final = _("The receiver did not answer within {seconds} seconds.")
UNTRUSTED: Final = _("The receiver's certificate is not one that this machine trusts.")
ANSWERED: Final = _("The receiver answered {status}.")
SECRET_LOST: Final = _("The secret of this webhook cannot be read: give it a new one.")
NAME_UNKNOWN: Final = _("The name {host} is not known.")
TOO_LONG: Final = _("Give an address of at most {most} characters, without spaces.")
NO_ADDRESS: Final = _("Give an address such as https://door.example.org/hooks.")
HAS_PASSWORD: Final = _("Leave user and password out of the address: messages are signed instead.")
NOT_HTTPS: Final = _("Only https is allowed. FACESITE_WEBHOOKS_PRIVATE=on allows http within your own network.")
PRIVATE: Final = _(
    "The address leads into a private network, or to this machine. FACESITE_WEBHOOKS_PRIVATE=on allows that."
)
SENTENCES: Final = sentences_of(vars())


def problem_in_words(stored: str) -> str:
    """In the language of whoever reads it."""
    return kept_in_words(stored, SENTENCES)
