"""What checking an API key takes: `python -m benchmarks.key_check SECRET`, on the database that DATABASE_URL names."""

from __future__ import annotations

import json
import os
import sys
import time
from statistics import median

ROUNDS = 500


def check_key(secret: str) -> dict[str, float]:
    """Median milliseconds: `read` with its query on an open connection, `remembered` as within checking.FRESH_S.

    Needs Django, set up.
    """
    from security.keys.checking import find_key, forget_checked

    taken: dict[str, list[float]] = {"read": [], "remembered": []}
    for _ in range(ROUNDS):
        forget_checked()
        for laps in taken.values():
            start = time.perf_counter()
            find_key(secret).require_usable("127.0.0.1")
            laps.append((time.perf_counter() - start) * 1000)
    return {name: round(median(laps), 4) for name, laps in taken.items()}


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
    django.setup()
    print(json.dumps(check_key(sys.argv[1])))  # noqa: T201
