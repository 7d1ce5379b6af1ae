"""Enrolment's own reason codes, and the sentence that tells a person what to do for each code that enrolment meets.

The codes of quality are the engine's (recognizer/reasons.py), an error's code stands in its class (errors.py of both).
Decisions and challenges have their sentences in verification/reasons.py, unless enrolment says the same.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from recognizer.errors import RecognizerError
from recognizer.reasons import Reason
from security.languages import in_english

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class EnrollmentReason(StrEnum):
    # Guidance: what to do next, before the camera.
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_OFF_CENTRE = "face_off_centre"
    HOLD_STILL = "hold_still"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    DIFFERENT_PERSON = "different_person"
    DONE = "done"

    # Files: what became of one.
    ALREADY_ENROLLED = "already_enrolled"
    FILE_UNREADABLE = "file_unreadable"
    FOLDER_INSIDE = "folder_inside"
    FOLDER_UNREADABLE = "folder_unreadable"
    NOT_A_PICTURE = "not_a_picture"
    NO_PERSON_FOLDER = "no_person_folder"
    SAMPLES_FULL = "samples_full"
    SET_ASIDE = "set_aside"
    UNCLEAR_WHICH_FACE = "unclear_which_face"

    # Sockets: what is wrong with a message, or went wrong with it.
    FRAME_TOO_SHORT = "frame_too_short"
    NOT_CONFIGURED = "not_configured"
    MESSAGE_INVALID = "message_invalid"
    MESSAGE_UNKNOWN = "message_unknown"
    INTERNAL_ERROR = "internal_error"
    DATABASE_AWAY = "database_away"
    DISK_FULL = "disk_full"
    GALLERY_AWAY = "gallery_away"
    NOT_ALLOWED = "not_allowed"


GUIDANCE: dict[str, _StrOrPromise] = {
    EnrollmentReason.NO_FACE: _("No face can be seen. Look into the camera."),
    EnrollmentReason.SEVERAL_FACES: _("More than one face can be seen. Only one person may be in the picture."),
    Reason.FACE_TOO_SMALL: _("Move closer to the camera."),
    Reason.FACE_TOO_LARGE: _("Move a little away from the camera."),
    EnrollmentReason.FACE_OFF_CENTRE: _("Move your face to the middle of the picture."),
    Reason.FACE_CUT_OFF: _("Part of the face is outside the picture. Move into the middle."),
    Reason.TOO_DARK: _("It is too dark. Turn on a light in front of you."),
    Reason.TOO_BRIGHT: _("It is too bright. Avoid strong light on your face."),
    Reason.BLURRED: _("The picture is blurred. Hold still and wipe the lens."),
    Reason.TURNED_AWAY: _("Look straight into the camera."),
    Reason.TILTED: _("Hold your head upright."),
    Reason.EYES_HIDDEN: _("Your eyes must be visible. Take off dark glasses and keep hair out of your eyes."),
    Reason.TURNED_OVER: _("The picture is upside down or on its side. Turn the camera."),
    Reason.MOUTH_HIDDEN: _("Your mouth is covered. Take off the mask or scarf, and your hand from your face."),
    Reason.LIVENESS_ATTACK: _("This looks like a picture or a screen, not like a live face."),
    EnrollmentReason.HOLD_STILL: _("Hold still for a moment."),
    EnrollmentReason.TURN_LEFT: _("Turn your head slightly to your left."),
    EnrollmentReason.TURN_RIGHT: _("Turn your head slightly to your right."),
    EnrollmentReason.DIFFERENT_PERSON: _(
        "This is a different face from the one before. Only one person can be enrolled at a time."
    ),
    EnrollmentReason.DONE: _("All pictures are taken. You can save them now."),
}
FILES: dict[str, _StrOrPromise] = {
    EnrollmentReason.ALREADY_ENROLLED: _("This picture is already enrolled."),
    EnrollmentReason.FILE_UNREADABLE: _("The file cannot be read. Check that it exists and that you may read it."),
    EnrollmentReason.FOLDER_INSIDE: _("Folders inside a person's folder are not looked into. Move the pictures up."),
    EnrollmentReason.FOLDER_UNREADABLE: _("The folder cannot be read. Check that you may read it."),
    EnrollmentReason.NOT_A_PICTURE: _("This is no picture file, so it was passed over."),
    EnrollmentReason.NO_PERSON_FOLDER: _("Put the picture into a folder that has the person's name."),
    EnrollmentReason.SAMPLES_FULL: _(
        "The person has as many pictures as are kept, and they tell more. This one was not kept."
    ),
    EnrollmentReason.SET_ASIDE: _("The picture does not fit the person's other pictures. It was kept, but set aside."),
    EnrollmentReason.UNCLEAR_WHICH_FACE: _(
        "Several faces of similar size can be seen. Use a picture that shows one person."
    ),
}
SOCKETS: dict[str, _StrOrPromise] = {
    EnrollmentReason.FRAME_TOO_SHORT: _("The frame is too short: a header of 12 bytes and a picture are needed."),
    EnrollmentReason.NOT_CONFIGURED: _("Send a configure message before the first frame."),
    EnrollmentReason.MESSAGE_INVALID: _("This message could not be understood."),
    EnrollmentReason.MESSAGE_UNKNOWN: _("There is no message of this type."),
    EnrollmentReason.INTERNAL_ERROR: _(
        "Something went wrong on the server. Try again; if it stays, look at the server's log."
    ),
    EnrollmentReason.DATABASE_AWAY: _("The database does not answer. Nothing was lost; try again in a moment."),
    EnrollmentReason.DISK_FULL: _(
        "The server's disk is full, so nothing can be saved. Whoever runs this server must make room."
    ),
    EnrollmentReason.GALLERY_AWAY: _(
        "The engine that holds the gallery does not answer. Nothing was lost; try again in a moment."
    ),
    EnrollmentReason.NOT_ALLOWED: _("Your role does not include this. Ask an administrator."),
}
ERRORS: dict[str, _StrOrPromise] = {
    "consent_required": _("The person must agree to the consent text before pictures are taken."),
    "consent_invalid": _("This record of consent cannot be saved as it is."),
    "consent_ended": _("This person's consent has ended. Record a new one on the person's page first."),
    "name_invalid": _("Give the person's name: at most 200 characters, without control characters."),
    "name_ambiguous": _("Several people have this name. Rename all but one, or add the pictures on the person's page."),
    "external_id_invalid": _("The external ID may have at most 100 characters, without control characters."),
    "external_id_taken": _("Somebody else already has this external ID. Check it, or add the pictures to that person."),
    "notes_invalid": _("Notes may have 2,000 characters, all of them visible. Nothing was saved."),
    "validity_invalid": _("The last day is before the first one. Change one of them."),
    "group_name_invalid": _("Give the group a name: at most 100 characters, without control characters."),
    "group_name_taken": _("There is a group of this name already. Choose another name, or use that group."),
    "group_unknown": _("One of these groups was deleted meanwhile. Look at them again."),
    "person_unknown": _("There is no such person. The record may have been erased."),
    "sample_unknown": _("There is no such picture. It may have been removed already."),
    "no_samples": _("No picture has been taken yet. Take at least one before saving."),
    "head_not_turned": _(
        "It is not sure yet that this is a live face. Turn your head slightly to your left and your right, then save."
    ),
    "possible_duplicate": _("This face looks like somebody who is already enrolled. Check before saving."),
    "sample_invalid": _("A picture could not be kept because its data is not as expected. Take it again."),
    "pack_changed": _("The model pack has changed since these pictures were taken. Take them again."),
    "templates_missing": _("Some samples have no template of that pack yet. Run rebuild_templates first."),
    "photos_expired": _("The pictures of the step before are no longer valid. Choose them again."),
    "enrollment_error": _("This could not be saved."),
    "merge_refused": _("These two cannot be merged."),
    "undo_blocked": _("This cannot be undone now."),
}
ENGINE_ERRORS: dict[str, _StrOrPromise] = {
    "frame_too_large": _("The picture has too many bytes. Send a smaller or more strongly compressed one."),
    "image_undecodable": _("The picture cannot be read. Send a complete JPEG, PNG, WebP or BMP image."),
    "image_too_many_pixels": _("The picture has too many pixels. Send a smaller one."),
    "image_too_small": _("The picture is too small to find a face in. Send a larger one."),
    "engine_not_ready": _("The recogniser is not ready yet. Try again in a moment."),
    "pack_error": _("No model pack can be used. Run: manage.py packs list"),
    "manifest_invalid": _("The list of model packs cannot be read. Run: manage.py packs list"),
    "pack_unknown": _("There is no model pack of this name. Run: manage.py packs list"),
    "pack_not_installed": _("No model pack is installed. Run: manage.py packs install mobile"),
    "pack_switch_overtaken": _(
        "New people came faster than their templates were made. Nothing was switched; try again."
    ),
    "pack_corrupt": _("A file of the model pack is damaged. Run: manage.py packs verify"),
    "pack_name_taken": _("A model pack of this name exists already. Choose another name."),
    "pack_install_failed": _("The model pack could not be installed. Nothing was changed; try again."),
    "pack_licence_not_accepted": _("The terms of this model pack must be accepted before it is installed."),
    "pack_quantize_failed": _("The 8-bit variant could not be made. Nothing was changed."),
    "pack_cohort_failed": _("The cohort could not be built. Nothing was changed."),
    "too_few_pairs": _("There are too few pairs to conclude anything. Use more pictures."),
    "contract_mismatch": _("These templates come from another model pack. Run: manage.py rebuild_templates"),
    "recognizer_error": _("The picture could not be analysed. Try another one."),
}
SENTENCES = GUIDANCE | FILES | SOCKETS | ERRORS | ENGINE_ERRORS

PHOTOGRAPHS: dict[str, _StrOrPromise] = {
    Reason.FACE_TOO_SMALL: _("The face is too small. Use a picture taken from closer, or one with more pixels."),
    Reason.FACE_TOO_LARGE: _("The face fills the picture. Use one taken from a little further away."),
    Reason.FACE_CUT_OFF: _("Part of the face is outside the picture. Use one that shows the whole face."),
    Reason.TOO_DARK: _("The face is too dark. Use a picture with more light."),
    Reason.TOO_BRIGHT: _("The face is too bright. Use a picture without strong light on the face."),
    Reason.BLURRED: _("The face is blurred. Use a sharper picture."),
    Reason.TURNED_AWAY: _("The face is turned too far to the side, up or down. Use one that looks into the camera."),
    Reason.TILTED: _("The head is tilted too far. Use a picture with the head upright."),
    Reason.TURNED_OVER: _("The face is upside down or on its side. Turn the picture upright and send it again."),
    Reason.MOUTH_HIDDEN: _("The mouth is covered. Use a picture without a mask, scarf or hand before the face."),
    Reason.EYES_HIDDEN: _("The eyes are hidden. Use a picture without dark glasses or hair over the eyes."),
}
"""Where the other sentences speak to somebody before a webcam, a photograph needs other advice."""


def sentence_for(code: str) -> str:
    """In the present language. Never raises: a code without a sentence (which a test forbids) is shown as it is."""
    return str(SENTENCES.get(code, code))


def sentence_of(error: BaseException | None) -> str:
    """What an error says. The engine's own words are exact but English: other languages have its code's sentence."""
    if in_english() or type(error).__module__.partition(".")[0] != RecognizerError.__module__.partition(".")[0]:
        return str(error)
    return sentence_for(getattr(error, "code", RecognizerError.code))


def sentence_for_photo(code: str) -> str:
    """The same about a picture that was taken before: nobody can come closer in it."""
    return str(PHOTOGRAPHS[code]) if code in PHOTOGRAPHS else sentence_for(code)
