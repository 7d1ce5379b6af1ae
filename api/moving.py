"""People of a CompreFace, read through its own documented API, picture by picture; nothing touches the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

from enrollment.consent.records import NO_CONSENT, Consent
from enrollment.pictures.folder_import import PersonOutcome, import_person, look_at_bytes
from enrollment.pictures.photos import PHOTO_LIMITS
from recognizer.engine import FaceEngine

PAGE: Final = 100
PATIENCE_S: Final = 30


class CompreFaceRefused(Exception):
    """str() is a sentence for whoever runs the import."""


@dataclass(frozen=True, slots=True)
class CompreFace:
    url: str
    """Of the site, such as http://compreface.example.org:8000."""
    api_key: str
    """Of its recognition service."""

    def examples(self) -> dict[str, list[str]]:
        """Subject -> ids of its pictures, in its order; subjects without pictures too. Raises CompreFaceRefused."""
        found: dict[str, list[str]] = {str(name): [] for name in self._json("subjects").get("subjects", [])}
        page = 0
        while True:
            answer = self._json(f"faces?page={page}&size={PAGE}")
            for face in answer.get("faces", []):
                found.setdefault(str(face["subject"]), []).append(str(face["image_id"]))
            page += 1
            if page >= int(answer.get("total_pages", 0)):
                return found

    def picture(self, image_id: str) -> bytes:
        """Raises CompreFaceRefused."""
        return self._get(f"faces/{quote(image_id, safe='')}/img").content[: PHOTO_LIMITS.max_bytes + 1]

    def _json(self, path: str) -> dict[str, Any]:
        try:
            answer = self._get(path).json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise CompreFaceRefused(f"{self.url} does not answer as a CompreFace does. Check the address.")
        return answer

    def _get(self, path: str) -> requests.Response:
        address = f"{self.url.rstrip('/')}/api/v1/recognition/{path}"
        try:
            answer = requests.get(
                address, headers={"x-api-key": self.api_key}, timeout=PATIENCE_S, allow_redirects=False
            )
        except requests.RequestException as error:
            raise CompreFaceRefused(f"{self.url} cannot be reached ({type(error).__name__}).") from None
        if answer.status_code in (401, 403):
            raise CompreFaceRefused("CompreFace refused the API key. Take the key of its recognition service.")
        if answer.status_code != 200:
            raise CompreFaceRefused(f"CompreFace answered {answer.status_code} to a request for {path.split('?')[0]}.")
        return answer


def import_people(engine: FaceEngine, source: CompreFace, consent: Consent = NO_CONSENT) -> Iterator[PersonOutcome]:
    """Subject after subject, one transaction each; safe to run again. Raises CompreFaceRefused."""
    for subject, ids in source.examples().items():
        pictures = [
            engine.submit(look_at_bytes, engine, Path(image_id), source.picture(image_id)).result() for image_id in ids
        ]
        yield import_person(subject, pictures, consent)
