"""What a person agrees to before a picture of them is kept. A changed text gets a new version."""

from __future__ import annotations

CONSENT_VERSION = "2025-1"
FOLDER_IMPORT_VERSION = "folder-import"
"""The version for people whom enroll_folder enrolled: whoever ran the command answers for their consent."""

CONSENT_TEXT = (
    "I agree that pictures of my face are taken and kept on this server, and that a numeric description of my face is "
    "computed from them, so that I can be recognised at this site's cameras.",
    "The pictures and the description are used for nothing else and are not passed on to anybody.",
    "Each decision about me is written to a history with its time and a small picture.",
    "I may withdraw at any time. My pictures, their descriptions and the small pictures in the history are then "
    "erased for good.",
)
"""Paragraphs, in the order in which the page shows them."""
