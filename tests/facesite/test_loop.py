"""The loop that Daphne gets."""

from __future__ import annotations

import subprocess
import sys

import pytest

WHICH = """import django; django.setup()
from twisted.internet import reactor; print(type(reactor._asyncioEventloop).__module__)"""
WITHOUT = "import sys; sys.modules['uvloop'] = None; "


@pytest.mark.parametrize(("before", "module"), [("", "uvloop"), (WITHOUT, "asyncio.unix_events")])
def test_is_uvloop_where_it_is_installed_else_asyncios_own(before, module):
    done = subprocess.run([sys.executable, "-c", before + WHICH], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == module
