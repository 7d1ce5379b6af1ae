"""What can be wrong with a chain, in sentences. Checks keep the English one; pages say it in their language."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from security.kept import kept_in_words, sentences_of

ALL_REMOVED: Final = _("Row {row} was removed, and all others: those up to {sealed} were sealed.")
END_REMOVED: Final = _("Row {row} was removed: the chain is known to end with row {end}.")
SEALED_REMOVED: Final = _("Row {row} was removed: the rows up to {sealed} were sealed.")
FIRST_REMOVED: Final = _(
    "Row {row} was removed: row {first} comes first, and no signature says that retention took away what was before it."
)
GAP: Final = _("Row {row} was removed: row {next} comes next.")
REMOVED_AND_RENUMBERED: Final = _("Row {row} was removed: the rows behind it were given new numbers.")
BEHIND_THE_END: Final = _("Row {row} was inserted: the chain is known to end before it.")
OUT_OF_ORDER: Final = _("Row {row} was inserted: it stands behind row {last}.")
BETWEEN: Final = _("Row {row} was inserted: the next row follows the one before.")
INSERTED_AND_RENUMBERED: Final = _("Row {row} was inserted: the rows behind it were given new numbers.")
OTHER_END: Final = _("Row {row}, the last one, was changed: its hash is not the chain's end.")
OTHER_HASH: Final = _("Row {row} was changed: row {next} holds another hash of it than it has now.")
OTHER_CONTENT: Final = _("Row {row} was changed: its content does not fit its hash.")
NOT_AS_SEALED: Final = _("Row {row} is not what was sealed on {day}.")
SOME_NOT_AS_SEALED: Final = _("Among the rows {row} to {last} at least one is not what was sealed on {day}.")
KEY_UNKNOWN: Final = _(
    "The seal of row {row} was made with the key {key}, which is not known here. If it was this site's, give its "
    "public key with --public-key."
)
BAD_SIGNATURE: Final = _("The seal of row {row} was changed: its signature is not right.")
SENTENCES: Final = sentences_of(vars())
"""Those of chains in the database. What can be wrong with a file is said by the command alone (exporting.py)."""


def problem_in_words(stored: str) -> str:
    """A sentence as a check has kept it, in the language of whoever reads it."""
    return kept_in_words(stored, SENTENCES)
