"""The engine: arrays in, frozen dataclasses out. No Django, no database, no network."""

import os

MAX_IMAGE_PIXELS = 40_000_000
"""No picture of any kind is decoded beyond this."""

# OpenCV asks for its limit while it is loaded, and every module of this package is loaded after this line. The limit
# counts only if a header check of ours should ever fail.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_IMAGE_PIXELS))
