"""Static files with hashed names, including those that ES modules import from each other."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Rewrites `import ... from "./other.js"` as well, so that a module graph may be cached for ever."""

    support_js_module_import_aggregation = True
