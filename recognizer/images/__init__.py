"""Pictures from bytes and back: bounded decoding of what nobody vouches for, crops and thumbnails.

Each format has a module that walks the whole file as its library will (jpeg, png, webp) and says what decoding costs.
What does not add up is refused before a library sees it. BMP needs no library.
"""

from recognizer.images.decoding import (
    FRAME_LIMITS,
    UPLOAD_LIMITS,
    ImageLimits,
    decode_image,
    image_size,
    read_file,
)
from recognizer.images.encoding import CROP_SIDE, decode_crop, encode_crop, encode_thumbnail
from recognizer.images.formats import ACCEPT, NAMED_SUFFIXES, READABLE, SUFFIXES

__all__ = [
    "ACCEPT",
    "CROP_SIDE",
    "FRAME_LIMITS",
    "NAMED_SUFFIXES",
    "READABLE",
    "SUFFIXES",
    "UPLOAD_LIMITS",
    "ImageLimits",
    "decode_crop",
    "decode_image",
    "encode_crop",
    "encode_thumbnail",
    "image_size",
    "read_file",
]
