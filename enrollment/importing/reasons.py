"""Why an import refuses a file, a row or everything, beside the codes that every enrolment has."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class ImportReason(StrEnum):
    # All of it: nothing was begun.
    ZIP_INVALID = "zip_invalid"
    ZIP_CROWDED = "zip_crowded"
    ZIP_INFLATES = "zip_inflates"
    LIST_IS_WORKBOOK = "list_is_workbook"
    LIST_UNREADABLE = "list_unreadable"
    LIST_TOO_LONG = "list_too_long"
    LIST_WITHOUT_NAMES = "list_without_names"
    NOTHING_TO_IMPORT = "nothing_to_import"

    # One file in the ZIP.
    FILE_OUTSIDE = "file_outside"
    FILE_IS_LINK = "file_is_link"
    FILE_ENCRYPTED = "file_encrypted"
    FILE_PACKED_OTHERWISE = "file_packed_otherwise"
    FILE_INFLATES = "file_inflates"
    FILE_DAMAGED = "file_damaged"

    # One row of the list.
    ROW_UNREADABLE = "row_unreadable"
    ROW_TWICE = "row_twice"
    ROW_WITHOUT_NAME = "row_without_name"
    ID_ROUNDED = "id_rounded"
    DATE_UNREADABLE = "date_unreadable"
    DATE_AMBIGUOUS = "date_ambiguous"
    BASIS_UNKNOWN = "basis_unknown"
    BASIS_NOT_ALLOWED = "basis_not_allowed"
    PICTURES_SHARED = "pictures_shared"
    PICTURES_MISSING = "pictures_missing"

    # Somebody was enrolled, or was so before, and there is more to tell.
    WITHOUT_PICTURES = "without_pictures"
    DETAILS_KEPT = "details_kept"
    GROUP_NOT_MADE = "group_not_made"
    COLUMNS_IGNORED = "columns_ignored"


SENTENCES = {
    ImportReason.ZIP_INVALID: _("This is no ZIP file that can be read. Make it again, and send it whole."),
    ImportReason.ZIP_CROWDED: _("This ZIP holds more files than are read at a time. Split it into several."),
    ImportReason.ZIP_INFLATES: _(
        "Unpacked, the files in this ZIP would be far larger than is allowed. Split it, and leave out all but pictures."
    ),
    ImportReason.LIST_IS_WORKBOOK: _("This is a workbook. In Excel, save it as “CSV UTF-8”, and choose that file."),
    ImportReason.LIST_UNREADABLE: _("This list is no text that can be read. Save it as CSV (UTF-8)."),
    ImportReason.LIST_TOO_LONG: _("This list has more rows than are read at a time. Split it into several."),
    ImportReason.LIST_WITHOUT_NAMES: _(
        "The first row must name the columns, and one of them must be “name” or “external_id”. See the example."
    ),
    ImportReason.NOTHING_TO_IMPORT: _(
        "There is nobody in it: a ZIP needs a folder for each person, a list a row for each."
    ),
    ImportReason.FILE_OUTSIDE: _("The file's path leads out of the ZIP, so it was not read. Make the ZIP again."),
    ImportReason.FILE_IS_LINK: _("This is a link to another file, so it was not read. Put the picture itself in."),
    ImportReason.FILE_ENCRYPTED: _("The file needs a password. Make the ZIP again without one."),
    ImportReason.FILE_PACKED_OTHERWISE: _(
        "The file is compressed in a way that is not read here. Make the ZIP again in the ordinary way."
    ),
    ImportReason.FILE_INFLATES: _("The file grows far too much when it is unpacked, so it was not read."),
    ImportReason.FILE_DAMAGED: _("The file is damaged inside the ZIP. Make the ZIP again."),
    ImportReason.ROW_UNREADABLE: _("This row cannot be read. Check its quotation marks."),
    ImportReason.ROW_TWICE: _(
        "Another row has the same external ID, or the same name and no ID. Give each person an ID of their own."
    ),
    ImportReason.ROW_WITHOUT_NAME: _("Give the name, or the external ID of somebody who is enrolled."),
    ImportReason.ID_ROUNDED: _("The spreadsheet has rounded this external ID. Format its column as text."),
    ImportReason.DATE_UNREADABLE: _("A day cannot be read. Write it like 2026-11-27."),
    ImportReason.DATE_AMBIGUOUS: _("It is not clear which number is the month. Write the day like 2026-11-27."),
    ImportReason.BASIS_UNKNOWN: _("The column “consent” takes paper, contract or other."),
    ImportReason.BASIS_NOT_ALLOWED: _("The site's rules on consent do not allow this basis at an enrolment."),
    ImportReason.PICTURES_SHARED: _(
        "The same folder or file belongs to several rows. Say in the column “folder” or “files” whose it is."
    ),
    ImportReason.PICTURES_MISSING: _("A folder or file that the list names is not in the ZIP. Check its spelling."),
    ImportReason.WITHOUT_PICTURES: _(
        "There is no picture, so no search finds this person yet. Add one on the person's page."
    ),
    ImportReason.DETAILS_KEPT: _(
        "This person was enrolled before: name, external ID, days and consent stay as they are. Change them on the "
        "person's page."
    ),
    ImportReason.GROUP_NOT_MADE: _(
        "There is no such group, and your role does not include making one. Ask somebody who may."
    ),
    ImportReason.COLUMNS_IGNORED: _("These columns are not known here, so they were passed over."),
}


class ImportRefused(Exception):
    """Nothing was begun. str() is a sentence for the operator."""

    def __init__(self, code: ImportReason) -> None:
        super().__init__(str(SENTENCES[code]))
        self.code = code
