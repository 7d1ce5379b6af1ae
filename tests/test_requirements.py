"""requirements.txt is what is installed: the whole tree of requirements.in, each package pinned and with its hashes."""

from __future__ import annotations

import re
import runpy
from types import SimpleNamespace

from django.conf import settings

bootstrap = SimpleNamespace(**runpy.run_path(str(settings.BASE_DIR / "scripts" / "bootstrap.py")))

ASKED = bootstrap.requirement_lines(bootstrap.ROOT / "requirements.in")
LOCKED = bootstrap.requirement_lines(bootstrap.ROOT / "requirements.txt")


def pin(line: str) -> str:
    """`name==version`, with the name as package indexes write it."""
    return re.sub(r"[-_.]+(?=.*==)", "-", line.split()[0].lower())


class TestRequirements:
    def test_every_package_is_pinned_with_hashes(self):
        assert len(LOCKED) > len(ASKED)
        for line in LOCKED:
            assert re.fullmatch(r"[\w.-]+==\S+( ; [^;]+?)?( --hash=sha256:[0-9a-f]{64})+", line), line

    def test_what_is_asked_for_is_what_is_locked(self):
        assert {pin(line) for line in ASKED} <= {pin(line) for line in LOCKED}

    def test_the_mysql_driver_can_be_left_out_with_its_hashes(self):
        assert len([line for line in LOCKED if line.startswith(bootstrap.MYSQL_DRIVER)]) == 1
