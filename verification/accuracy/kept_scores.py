"""The site's own comparison scores, measured once for each state of the gallery: at once, or in the background.

They are kept by the process that measured them. A form that is sent and the page after it look at the same gallery.
"""

from __future__ import annotations

import logging
import threading
import weakref

from django.db import close_old_connections

from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from enrollment.samples.site_scores import SiteScores, site_scores
from recognizer.engine import FaceEngine
from recognizer.search.galleries import Gallery
from security.events import log_event

logger = logging.getLogger("facesite.verification")
DIRECT_TEMPLATES = 5_000
"""A gallery of so many is measured while its page is asked for: it takes a fraction of a second."""


class KeptScores:
    """One measurement at a time, and the last one of each embedding space."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held while measuring: whoever comes second gets the same result
        self._kept: dict[str, tuple[weakref.ref[Gallery], SiteScores]] = {}
        self._thread: threading.Thread | None = None
        self.share = 0.0
        """How much of the measurement under way is done, 0..1."""

    def get(self, engine: FaceEngine) -> SiteScores:
        """The scores; measured again when the gallery has changed. Blocking: seconds for a large gallery."""
        mark_gallery_stale()  # what was enrolled a moment ago counts
        gallery = current_gallery(engine)
        with self._lock:
            found = self._current(gallery)
            if found is None:
                self.share = 0.0
                found = site_scores(engine.contract_id, self._note)
                self._kept[engine.contract_id] = weakref.ref(gallery), found
            return found

    def ask(self, engine: FaceEngine) -> SiteScores | None:
        """The last scores of a large gallery, which is measured in the background where it has changed since."""
        mark_gallery_stale()
        gallery = current_gallery(engine)
        if gallery.templates <= DIRECT_TEMPLATES:
            return self.get(engine)
        if self._current(gallery) is None:
            self._begin(engine)
        kept = self._kept.get(engine.contract_id)
        return kept[1] if kept else None

    @property
    def measuring(self) -> bool:
        """Whether a measurement runs in the background."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Until nothing is measured in the background."""
        if self._thread is not None:
            self._thread.join()

    def _current(self, gallery: Gallery) -> SiteScores | None:
        kept = self._kept.get(gallery.contract_id)
        return kept[1] if kept and kept[0]() is gallery else None

    def _begin(self, engine: FaceEngine) -> None:
        if not self.measuring:
            self._thread = threading.Thread(target=self._measure, args=(engine,), name="site-scores", daemon=True)
            self._thread.start()

    def _measure(self, engine: FaceEngine) -> None:
        try:
            self.get(engine)
        except Exception:  # the top of a thread: nobody else would notice
            log_event(logger, "site_scores_failed", level=logging.ERROR, exc_info=True)
        finally:
            close_old_connections()

    def _note(self, share: float) -> None:
        self.share = share


kept_scores = KeptScores()
