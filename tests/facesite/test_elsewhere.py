"""Developers' machines that are no Linux: the product imports nothing that Windows lacks."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

WITHOUT = """
import builtins, os, signal

real = builtins.__import__
OURS = ("facesite", "api", "attendance", "verification", "enrollment", "security", "recognizer")

def imported(name, globals=None, locals=None, fromlist=(), level=0):
    asking = (globals or {}).get("__name__", "").partition(".")[0]
    if name in ("fcntl", "resource") and asking in OURS:
        raise ImportError(name)
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = imported
del os.geteuid
os.environ["DJANGO_SETTINGS_MODULE"] = "facesite.settings"
import django
django.setup()
import facesite.asgi, facesite.management.commands.serve, facesite.storage, facesite.urls, recognizer.images.sandbox
from facesite.connections import MOST_CONNECTIONS, most_connections
assert most_connections() == MOST_CONNECTIONS
assert recognizer.images.sandbox._decode(b"", 0, 0, 0) is None
"""


def test_nothing_imports_what_windows_lacks():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
