"""Pictures out of a request: the body itself, or the files of a form."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from api.problems import ApiReason, Problem
from enrollment.pictures.photos import MAX_FILES, PHOTO_LIMITS, too_large

IMAGE_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/bmp"})
"""Of pictures that are read."""
ANY_IMAGE: Final = "image/"
"""Programs also call a JPEG image/jpg, and send image/heic. The bytes say what it is, as those of a form's files do,
and the decoder's refusal says what to do."""
FORM: Final = "multipart/form-data"
TAKEN: Final = "Send image/jpeg, image/png, image/webp, image/bmp or multipart/form-data."


async def read_pictures(request: HttpRequest, *, most: int = MAX_FILES) -> list[bytes]:
    """One picture as the body, or up to `most` files of a form, in the form's order.

    Raises Problem: 413, 415, 422 for a body without a picture.
    """
    kind = request.content_type or ""
    if kind.startswith(ANY_IMAGE):
        return [_body_of(request)]
    if kind != FORM:
        raise Problem(415, ApiReason.MEDIA_TYPE_UNSUPPORTED, TAKEN)
    files = await asyncio.to_thread(_files_of, request)
    if not files:
        raise Problem(422, ApiReason.REQUEST_INVALID, "The form has no picture: send it as a file.")
    if len(files) > most:
        raise Problem(422, ApiReason.REQUEST_INVALID, f"Send at most {most} picture{'' if most == 1 else 's'}.")
    return [_content_of(file) for file in files]


async def read_picture(request: HttpRequest) -> bytes:
    """As read_pictures(), for a call that takes one."""
    return (await read_pictures(request, most=1))[0]


def _body_of(request: HttpRequest) -> bytes:
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > PHOTO_LIMITS.max_bytes:
        raise Problem(413, "frame_too_large", too_large(length))
    try:
        # Not request.body, which takes forms' 2.5 MB at most.
        data = request.read(PHOTO_LIMITS.max_bytes + 1)
    except UnreadablePostError:
        raise Problem(422, ApiReason.REQUEST_INVALID, "The body ended too early.") from None
    if len(data) > PHOTO_LIMITS.max_bytes:
        raise Problem(413, "frame_too_large", too_large(len(data)))
    if not data:
        raise Problem(422, ApiReason.REQUEST_INVALID, "The body is empty: send a picture.")
    return data


def _files_of(request: HttpRequest) -> Sequence[UploadedFile[Any]]:
    """Parsing writes large files to the disk, so it runs in a thread."""
    try:
        files = request.FILES
    except RequestDataTooBig:
        raise Problem(413, "frame_too_large") from None
    except (MultiPartParserError, BadRequest, SuspiciousOperation, UnreadablePostError):
        raise Problem(422, ApiReason.REQUEST_INVALID, "The form could not be read.") from None
    return [file for name in files for file in files.getlist(name)]


def _content_of(file: UploadedFile[Any]) -> bytes:
    if (file.size or 0) > PHOTO_LIMITS.max_bytes:
        raise Problem(413, "frame_too_large", too_large(file.size or 0))
    data: bytes = file.read()
    return data
