"""Everything the engine raises, at a glance. `code` is stable and public (docs/protocol.md); str() is a sentence.

RecognizerError
├── ImageError                  the bytes are no usable picture
│   ├── FrameTooLarge           frame_too_large
│   ├── ImageUndecodable        image_undecodable
│   ├── ImageTooManyPixels      image_too_many_pixels
│   └── ImageTooSmall           image_too_small
├── PackError                   pack_error: a model pack cannot be used
│   ├── ManifestInvalid         manifest_invalid
│   ├── PackUnknown             pack_unknown
│   ├── PackNotInstalled        pack_not_installed
│   └── PackCorrupt             pack_corrupt: a file's size or sha256 differs from the manifest
├── EngineNotReady              engine_not_ready: startup() has not run, or close() has
├── ContractMismatch            contract_mismatch: embeddings of two different spaces must never be compared
├── GalleryAway                 gallery_away: the engine beside this process that holds the gallery cannot be searched
└── TooFewPairs                 too_few_pairs: too few comparisons for the conclusion that was asked for

More PackErrors stand beside what raises them: PackNameTaken in packs/local_packs.py, QuantizeFailed in
packs/quantize.py, CohortFailed in packs/cohorts.py.
"""

from __future__ import annotations

from typing import ClassVar


class RecognizerError(Exception):
    code: ClassVar[str] = "recognizer_error"


class ImageError(RecognizerError):
    code = "image_undecodable"


class FrameTooLarge(ImageError):
    code = "frame_too_large"


class ImageUndecodable(ImageError):
    code = "image_undecodable"


class ImageTooManyPixels(ImageError):
    code = "image_too_many_pixels"


class ImageTooSmall(ImageError):
    code = "image_too_small"


class PackError(RecognizerError):
    code = "pack_error"


class ManifestInvalid(PackError):
    code = "manifest_invalid"


class PackUnknown(PackError):
    code = "pack_unknown"


class PackNotInstalled(PackError):
    code = "pack_not_installed"


class PackCorrupt(PackError):
    code = "pack_corrupt"


class EngineNotReady(RecognizerError):
    code = "engine_not_ready"


class ContractMismatch(RecognizerError):
    code = "contract_mismatch"


class GalleryAway(RecognizerError):
    code = "gallery_away"


class TooFewPairs(RecognizerError):
    code = "too_few_pairs"
