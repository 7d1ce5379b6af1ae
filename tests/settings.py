"""The product's settings with what a test run needs: no secrets, no slow password hashes, nothing from a site's .env.

DATABASE_URL is left alone: the suite runs on SQLite and, with DATABASE_URL=mysql://..., on a real server.
"""

from __future__ import annotations

import os

# Set, not defaulted: read_env() never overrides what is in the environment, so a developer's .env cannot change a test.
os.environ["SECRET_KEY"] = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
os.environ["DEBUG"] = "off"
os.environ["TIME_ZONE"] = "UTC"  # a test that is about days sets another zone
os.environ["FACESITE_DATA_KEY"] = "dGVzdHMtb25seS0wMTIzNDU2Nzg5LWFiY2RlZmdoaWo="  # no file is made beside the sources
os.environ["ALLOWED_HOSTS"] = "localhost,127.0.0.1,testserver"
for name in (
    "CSRF_TRUSTED_ORIGINS",
    "FACESITE_MQTT_URL",
    "GALLERY_URL",
    "GALLERY_FALLBACK",
    "REDIS_URL",
    "FACESITE_LIVENESS",
    "FACESITE_HTTPS",
    "FACESITE_METRICS",
    "FACESITE_WEBHOOKS_PRIVATE",
    "FACESITE_BASE_PATH",
    "FACESITE_SECOND_FACTOR",
):
    os.environ[name] = ""

# The same key in every run, and no file of it in the project's folder.
os.environ["FACESITE_AUDIT_KEY"] = "dGVzdHMtb25seS0wMTIzNDU2Nzg5LWFiY2RlZmdoaWo="
from facesite.openid import NAMES  # noqa: E402

os.environ |= dict.fromkeys([*NAMES, "FACESITE_FOLD_PASSWORDS"], "")

from facesite.settings import *  # noqa: E402, F403
from facesite.settings import FACESITE_THREADS, MIDDLEWARE  # noqa: E402

# Nobody has collected static files yet, which WhiteNoise would warn about.
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Hashed names need collectstatic first; tests/facesite/test_storage.py tests that storage on its own.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Processes that test side by side share the cores; two threads are the least at which something runs at once.
FACESITE_THREADS = max(2, FACESITE_THREADS // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
