"""Every reason code of the product, with the sentence that tells a person what to do."""

from __future__ import annotations

GUIDANCE = {
    "no_face": "No face can be seen. Look into the camera.",
    "several_faces": "More than one face can be seen. Only one person may be in the picture.",
    "face_too_small": "Move closer to the camera.",
    "face_too_large": "Move a little away from the camera.",
    "face_off_centre": "Move your face to the middle of the picture.",
    "face_cut_off": "Part of the face is outside the picture. Move into the middle.",
    "too_dark": "It is too dark. Turn on a light in front of you.",
    "too_bright": "It is too bright. Avoid strong light on your face.",
    "low_contrast": "The face is washed out. Avoid light from behind and wipe the lens.",
    "blurred": "The picture is blurred. Hold still and wipe the lens.",
    "turned_away": "Look straight into the camera.",
    "tilted": "Hold your head upright.",
    "eyes_hidden": "Your eyes must be visible. Take off dark glasses and keep hair out of your eyes.",
    "low_detection_score": "The face can barely be made out. Face the camera and turn on more light.",
    "hold_still": "Hold still for a moment.",
    "turn_left": "Turn your head slightly to your left.",
    "turn_right": "Turn your head slightly to your right.",
    "different_person": "This is a different face from the one before. Only one person can be enrolled at a time.",
    "done": "All pictures are taken. You can save them now.",
}
FRAMES = {
    "frame_too_short": "The frame is too short: a header of 12 bytes and a picture are needed.",
    "frame_too_large": "The picture has too many bytes. Send a smaller or more strongly compressed one.",
    "image_undecodable": "The picture cannot be read. Send a complete JPEG, PNG or WebP image.",
    "image_too_many_pixels": "The picture has too many pixels. Send a smaller one.",
    "image_too_small": "The picture is too small to find a face in. Send a larger one.",
    "not_configured": "Send a configure message before the first frame.",
}
MESSAGES = {
    "message_invalid": "This message could not be understood.",
    "message_unknown": "There is no message of this type.",
    "message_too_large": "This message is too long.",
    "internal_error": "Something went wrong on the server. Try again; if it stays, look at the server's log.",
    "database_away": "The database does not answer. Nothing was lost; try again in a moment.",
    "disk_full": "The server's disk is full, so nothing can be saved. Whoever runs this server must make room.",
    "too_many_connections": "Too many connections are open for this login. Close another tab and try again.",
    "too_many_frames": "Frames arrive too fast. Send fewer per second.",
    "not_logged_in": "Log in again to go on.",
    "not_allowed": "This login may not do that.",
    "idle": "The connection was closed because nothing was sent. Reload the page to go on.",
}
ENROLLMENT = {
    "consent_required": "The person must agree to the consent text before pictures are taken.",
    "name_invalid": "Give the person's name: at most 200 characters, without control characters.",
    "name_ambiguous": "Several people have this name. Rename all but one, or add the pictures on the person's page.",
    "external_id_invalid": "The external ID may have at most 100 characters, without control characters.",
    "external_id_taken": "Somebody else already has this external ID. Check it, or add the pictures to that person.",
    "person_unknown": "There is no such person. The record may have been erased.",
    "sample_unknown": "There is no such picture. It may have been removed already.",
    "no_samples": "No picture has been taken yet. Take at least one before saving.",
    "possible_duplicate": "This face looks like somebody who is already enrolled. Check before saving.",
    "sample_invalid": "A picture could not be kept because its data is not as expected. Take it again.",
    "pack_changed": "The model pack has changed since these pictures were taken. Take them again.",
    "templates_missing": "Some samples have no template of that pack yet. Run rebuild_templates first.",
    "already_enrolled": "This picture is already enrolled.",
    "no_person_folder": "Put the picture into a folder that has the person's name.",
    "samples_full": "The person has as many pictures as are kept, and they tell more. This one was not kept.",
    "photos_expired": "The pictures of the step before are no longer valid. Choose them again.",
    "enrollment_error": "This could not be saved.",
    "unclear_which_face": "Several faces of similar size can be seen. Use a picture that shows one person.",
    "merge_refused": "These two cannot be merged.",
    "undo_blocked": "This cannot be undone now.",
    "set_aside": "The picture does not fit the person's other pictures. It was kept, but set aside.",
    "file_unreadable": "The file cannot be read. Check that it exists and that you may read it.",
}
ENGINE = {
    "engine_not_ready": "The recogniser is not ready yet. Try again in a moment.",
    "pack_error": "No model pack can be used. Run: manage.py packs list",
    "manifest_invalid": "The list of model packs cannot be read. Run: manage.py packs list",
    "pack_unknown": "There is no model pack of this name. Run: manage.py packs list",
    "pack_not_installed": "No model pack is installed. Run: manage.py packs install mobile",
    "pack_corrupt": "A file of the model pack is damaged. Run: manage.py packs verify",
    "pack_name_taken": "A model pack of this name exists already. Choose another name.",
    "pack_install_failed": "The model pack could not be installed. Nothing was changed; try again.",
    "pack_licence_not_accepted": "The terms of this model pack must be accepted before it is installed.",
    "pack_quantize_failed": "The 8-bit variant could not be made. Nothing was changed.",
    "too_few_pairs": "There are too few pairs to conclude anything. Use more pictures.",
    "contract_mismatch": "These templates come from another model pack. Run: manage.py rebuild_templates",
    "recognizer_error": "The picture could not be analysed. Try another one.",
}
DECISIONS = {
    "below_threshold": "The face is not similar enough to anybody it was compared with.",
    "between_thresholds": "The face is neither clearly similar nor clearly different. Face the camera in better light.",
    "margin_too_small": "Two people are almost equally similar. Check the identity in another way.",
    "templates_disagree": "Only one of the person's pictures is similar. Add more pictures of them, or try again.",
    "known_confusion": "This face resembles one that was taken for this person by mistake. Check in another way.",
    "threshold_raised": "More was asked of this face, as it resembles one that was taken for this person by mistake.",
    "frames_disagree": "The frames do not agree with each other. Hold still and look into the camera.",
    "low_quality": "No frame was good enough to decide on. Come closer, face the camera and turn on more light.",
    "gallery_empty": "Nobody is enrolled yet, so there was nobody to compare with.",
    "person_not_enrolled": "The claimed person has no picture to compare with. Add pictures on the person's page.",
    "person_already_matched": "Another face in the picture was already recognised as this person.",
    "liveness_attack": "This looks like a picture or a screen, not like a live face.",
    "liveness_uncertain": "It could not be made sure that this is a live face. Move a little and try again.",
    "liveness_unavailable": "The model pack cannot check liveness. Install one that can, or change the policy.",
}
CHALLENGE = {
    "challenge_look_straight": "Look straight into the camera.",
    "challenge_turn_left": "Turn your head to your left.",
    "challenge_turn_right": "Turn your head to your right.",
    "challenge_look_up": "Look up: raise your chin.",
    "challenge_come_closer": "Come closer to the camera.",
    "challenge_passed": "The head movements that were asked for were made: this is a live face.",
    "challenge_timeout": "The movement was not made in time. Try again, and follow each prompt at once.",
    "challenge_wrong_movement": "Another movement was made than the one asked for. Try again.",
    "challenge_face_changed": "The face changed during the movements. The same person must make all of them.",
    "challenge_face_lost": "The face was lost from the picture. Stay in view and try again.",
    "challenge_attack": "This looks like a picture or a screen. Head movements cannot change that.",
    "challenge_cancelled": "The head movements were cancelled.",
    "challenge_too_close": "Move a little away from the camera first, then try again.",
    "challenge_wait": "Too many attempts have failed. Wait a little before the next one.",
}

PHOTOGRAPHS = {
    "face_too_small": "The face is too small. Use a picture taken from closer, or one with more pixels.",
    "face_too_large": "The face fills the picture. Use one taken from a little further away.",
    "face_cut_off": "Part of the face is outside the picture. Use one that shows the whole face.",
    "too_dark": "The face is too dark. Use a picture with more light.",
    "too_bright": "The face is too bright. Use a picture without strong light on the face.",
    "low_contrast": "The face is washed out. Use a picture without light from behind.",
    "blurred": "The face is blurred. Use a sharper picture.",
    "turned_away": "The face is turned too far to the side, up or down. Use one that looks into the camera.",
    "tilted": "The head is tilted too far. Use a picture with the head upright.",
    "eyes_hidden": "The eyes are hidden. Use a picture without dark glasses or hair over the eyes.",
    "low_detection_score": "The face can barely be made out. Use a clearer picture.",
    "between_thresholds": "The face is neither clearly similar nor clearly different. Use a better picture.",
    "templates_disagree": "Only one of the person's pictures is similar. Add more of them, or use another picture.",
    "low_quality": "The picture is not good enough to decide on.",
}
"""Where the other sentences speak to somebody before a webcam, a photograph needs other advice."""

SENTENCES = GUIDANCE | FRAMES | MESSAGES | ENROLLMENT | ENGINE | DECISIONS | CHALLENGE


def sentence_for(code: str) -> str:
    """Never raises: a code without a sentence (which a test forbids) is shown as it is."""
    return SENTENCES.get(code, code)


def sentence_for_photo(code: str) -> str:
    """The same about a picture that was taken before: nobody can come closer in it."""
    return PHOTOGRAPHS.get(code, sentence_for(code))
