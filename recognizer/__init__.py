"""The face engine: arrays in, frozen dataclasses out. No Django, no database, no network.

At its root are the vocabulary (`types`, `errors`), what several rooms or apps share, and the one way in
(`engine.FaceEngine`). The rooms: `images` turns untrusted bytes into pictures, `stages` are the steps from a picture to
an embedding, `tracking` follows faces over time, `search` holds the gallery, and `packs` the model files. The engine
imports no other package of facesite.
"""

import os

MAX_IMAGE_PIXELS = 52_000_000
"""No picture of any kind is decoded beyond this: phones take up to 8192 x 6144 pixels."""

# OpenCV asks for its limit while it is loaded, and every module of this package is loaded after this line. The limit
# counts only if a header check of ours should ever fail.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_IMAGE_PIXELS))
