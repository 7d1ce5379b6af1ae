"""On what models compute: the CPU, or what else ONNX Runtime was built for.

The package `onnxruntime` knows the CPU alone; `onnxruntime-gpu` (CUDA) and `onnxruntime-openvino` take its place, not
its side. Wanting what is not there stops nothing: models then compute on the CPU, and `problem` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import onnxruntime

CPU: Final = "cpu"
PROVIDERS: Final = {
    CPU: "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
PACKAGES: Final = {"cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}


@dataclass(slots=True)
class Device:
    """What was asked for, and what became of it."""

    wanted: str
    problem: str = ""
    """Why the CPU computes instead, as a sentence; empty where all is as it was asked for."""

    def __post_init__(self) -> None:
        """Raises ValueError for a device that nobody knows."""
        if self.wanted not in PROVIDERS:
            raise ValueError(f"A device is one of {', '.join(PROVIDERS)}, not {self.wanted!r}.")
        if PROVIDERS[self.wanted] not in onnxruntime.get_available_providers():
            package = PACKAGES[self.wanted]
            self._fall_back(f"this ONNX Runtime was not built for it (install {package} in place of onnxruntime)")

    @property
    def used(self) -> str:
        return CPU if self.problem else self.wanted

    @property
    def providers(self) -> list[str]:
        """For a session, the first that can is taken; the CPU does what the other cannot."""
        return list(dict.fromkeys([PROVIDERS[self.used], PROVIDERS[CPU]]))

    def note(self, providers: list[str]) -> None:
        """What a session says that it took: a provider whose libraries are missing is passed over without an error."""
        if PROVIDERS[self.used] not in providers:
            self._fall_back("its libraries or its driver cannot be loaded")

    def _fall_back(self, why: str) -> None:
        self.problem = f"FACESITE_DEVICE is {self.wanted}, but {why}: models compute on the CPU."
