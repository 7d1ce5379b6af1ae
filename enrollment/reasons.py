"""Enrolment's own reason codes, and the sentence that tells a person what to do for each code that enrolment meets.

The codes of quality are the engine's (recognizer/reasons.py), an error's code stands in its class (errors.py of both).
Decisions and challenges have their sentences in verification/reasons.py, unless enrolment says the same.
"""

from __future__ import annotations

from enum import StrEnum

from recognizer.reasons import Reason


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


GUIDANCE: dict[str, str] = {
    EnrollmentReason.NO_FACE: "No face can be seen. Look into the camera.",
    EnrollmentReason.SEVERAL_FACES: "More than one face can be seen. Only one person may be in the picture.",
    Reason.FACE_TOO_SMALL: "Move closer to the camera.",
    Reason.FACE_TOO_LARGE: "Move a little away from the camera.",
    EnrollmentReason.FACE_OFF_CENTRE: "Move your face to the middle of the picture.",
    Reason.FACE_CUT_OFF: "Part of the face is outside the picture. Move into the middle.",
    Reason.TOO_DARK: "It is too dark. Turn on a light in front of you.",
    Reason.TOO_BRIGHT: "It is too bright. Avoid strong light on your face.",
    Reason.BLURRED: "The picture is blurred. Hold still and wipe the lens.",
    Reason.TURNED_AWAY: "Look straight into the camera.",
    Reason.TILTED: "Hold your head upright.",
    Reason.EYES_HIDDEN: "Your eyes must be visible. Take off dark glasses and keep hair out of your eyes.",
    Reason.TURNED_OVER: "The picture is upside down or on its side. Turn the camera.",
    Reason.MOUTH_HIDDEN: "Your mouth is covered. Take off the mask or scarf, and your hand from your face.",
    Reason.LIVENESS_ATTACK: "This looks like a picture or a screen, not like a live face.",
    EnrollmentReason.HOLD_STILL: "Hold still for a moment.",
    EnrollmentReason.TURN_LEFT: "Turn your head slightly to your left.",
    EnrollmentReason.TURN_RIGHT: "Turn your head slightly to your right.",
    EnrollmentReason.DIFFERENT_PERSON: (
        "This is a different face from the one before. Only one person can be enrolled at a time."
    ),
    EnrollmentReason.DONE: "All pictures are taken. You can save them now.",
}
FILES: dict[str, str] = {
    EnrollmentReason.ALREADY_ENROLLED: "This picture is already enrolled.",
    EnrollmentReason.FILE_UNREADABLE: "The file cannot be read. Check that it exists and that you may read it.",
    EnrollmentReason.FOLDER_INSIDE: "Folders inside a person's folder are not looked into. Move the pictures up.",
    EnrollmentReason.FOLDER_UNREADABLE: "The folder cannot be read. Check that you may read it.",
    EnrollmentReason.NOT_A_PICTURE: "This is no picture file, so it was passed over.",
    EnrollmentReason.NO_PERSON_FOLDER: "Put the picture into a folder that has the person's name.",
    EnrollmentReason.SAMPLES_FULL: (
        "The person has as many pictures as are kept, and they tell more. This one was not kept."
    ),
    EnrollmentReason.SET_ASIDE: "The picture does not fit the person's other pictures. It was kept, but set aside.",
    EnrollmentReason.UNCLEAR_WHICH_FACE: (
        "Several faces of similar size can be seen. Use a picture that shows one person."
    ),
}
SOCKETS: dict[str, str] = {
    EnrollmentReason.FRAME_TOO_SHORT: "The frame is too short: a header of 12 bytes and a picture are needed.",
    EnrollmentReason.NOT_CONFIGURED: "Send a configure message before the first frame.",
    EnrollmentReason.MESSAGE_INVALID: "This message could not be understood.",
    EnrollmentReason.MESSAGE_UNKNOWN: "There is no message of this type.",
    EnrollmentReason.INTERNAL_ERROR: (
        "Something went wrong on the server. Try again; if it stays, look at the server's log."
    ),
    EnrollmentReason.DATABASE_AWAY: "The database does not answer. Nothing was lost; try again in a moment.",
    EnrollmentReason.DISK_FULL: (
        "The server's disk is full, so nothing can be saved. Whoever runs this server must make room."
    ),
    EnrollmentReason.GALLERY_AWAY: (
        "The engine that holds the gallery does not answer. Nothing was lost; try again in a moment."
    ),
    EnrollmentReason.NOT_ALLOWED: "Your role does not include this. Ask an administrator.",
}
ERRORS: dict[str, str] = {
    "consent_required": "The person must agree to the consent text before pictures are taken.",
    "consent_invalid": "This record of consent cannot be saved as it is.",
    "consent_ended": "This person's consent has ended. Record a new one on the person's page first.",
    "name_invalid": "Give the person's name: at most 200 characters, without control characters.",
    "name_ambiguous": "Several people have this name. Rename all but one, or add the pictures on the person's page.",
    "external_id_invalid": "The external ID may have at most 100 characters, without control characters.",
    "external_id_taken": "Somebody else already has this external ID. Check it, or add the pictures to that person.",
    "validity_invalid": "The last day is before the first one. Change one of them.",
    "group_name_invalid": "Give the group a name: at most 100 characters, without control characters.",
    "group_name_taken": "There is a group of this name already. Choose another name, or use that group.",
    "person_unknown": "There is no such person. The record may have been erased.",
    "sample_unknown": "There is no such picture. It may have been removed already.",
    "no_samples": "No picture has been taken yet. Take at least one before saving.",
    "head_not_turned": (
        "It is not sure yet that this is a live face. Turn your head slightly to your left and your right, then save."
    ),
    "possible_duplicate": "This face looks like somebody who is already enrolled. Check before saving.",
    "sample_invalid": "A picture could not be kept because its data is not as expected. Take it again.",
    "pack_changed": "The model pack has changed since these pictures were taken. Take them again.",
    "templates_missing": "Some samples have no template of that pack yet. Run rebuild_templates first.",
    "photos_expired": "The pictures of the step before are no longer valid. Choose them again.",
    "enrollment_error": "This could not be saved.",
    "merge_refused": "These two cannot be merged.",
    "undo_blocked": "This cannot be undone now.",
}
ENGINE_ERRORS: dict[str, str] = {
    "frame_too_large": "The picture has too many bytes. Send a smaller or more strongly compressed one.",
    "image_undecodable": "The picture cannot be read. Send a complete JPEG, PNG, WebP or BMP image.",
    "image_too_many_pixels": "The picture has too many pixels. Send a smaller one.",
    "image_too_small": "The picture is too small to find a face in. Send a larger one.",
    "engine_not_ready": "The recogniser is not ready yet. Try again in a moment.",
    "pack_error": "No model pack can be used. Run: manage.py packs list",
    "manifest_invalid": "The list of model packs cannot be read. Run: manage.py packs list",
    "pack_unknown": "There is no model pack of this name. Run: manage.py packs list",
    "pack_not_installed": "No model pack is installed. Run: manage.py packs install mobile",
    "pack_switch_overtaken": "New people came faster than their templates were made. Nothing was switched; try again.",
    "pack_corrupt": "A file of the model pack is damaged. Run: manage.py packs verify",
    "pack_name_taken": "A model pack of this name exists already. Choose another name.",
    "pack_install_failed": "The model pack could not be installed. Nothing was changed; try again.",
    "pack_licence_not_accepted": "The terms of this model pack must be accepted before it is installed.",
    "pack_quantize_failed": "The 8-bit variant could not be made. Nothing was changed.",
    "pack_cohort_failed": "The cohort could not be built. Nothing was changed.",
    "too_few_pairs": "There are too few pairs to conclude anything. Use more pictures.",
    "contract_mismatch": "These templates come from another model pack. Run: manage.py rebuild_templates",
    "recognizer_error": "The picture could not be analysed. Try another one.",
}
SENTENCES = GUIDANCE | FILES | SOCKETS | ERRORS | ENGINE_ERRORS

PHOTOGRAPHS: dict[str, str] = {
    Reason.FACE_TOO_SMALL: "The face is too small. Use a picture taken from closer, or one with more pixels.",
    Reason.FACE_TOO_LARGE: "The face fills the picture. Use one taken from a little further away.",
    Reason.FACE_CUT_OFF: "Part of the face is outside the picture. Use one that shows the whole face.",
    Reason.TOO_DARK: "The face is too dark. Use a picture with more light.",
    Reason.TOO_BRIGHT: "The face is too bright. Use a picture without strong light on the face.",
    Reason.BLURRED: "The face is blurred. Use a sharper picture.",
    Reason.TURNED_AWAY: "The face is turned too far to the side, up or down. Use one that looks into the camera.",
    Reason.TILTED: "The head is tilted too far. Use a picture with the head upright.",
    Reason.TURNED_OVER: "The face is upside down or on its side. Turn the picture upright and send it again.",
    Reason.MOUTH_HIDDEN: "The mouth is covered. Use a picture without a mask, scarf or hand before the face.",
    Reason.EYES_HIDDEN: "The eyes are hidden. Use a picture without dark glasses or hair over the eyes.",
}
"""Where the other sentences speak to somebody before a webcam, a photograph needs other advice."""


def sentence_for(code: str) -> str:
    """Never raises: a code without a sentence (which a test forbids) is shown as it is."""
    return SENTENCES.get(code, code)


def sentence_for_photo(code: str) -> str:
    """The same about a picture that was taken before: nobody can come closer in it."""
    return PHOTOGRAPHS.get(code, sentence_for(code))
