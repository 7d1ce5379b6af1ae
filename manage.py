#!/usr/bin/env python
"""Django's command line for facesite. A wrong setting or an unreachable database ends in a sentence, no traceback."""

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
    try:
        from facesite.commandline import run
    except ModuleNotFoundError as error:
        sys.exit(f"The Python package {error.name} is missing. Run `make run`, or use .venv/bin/python manage.py.")
    run(sys.argv, env_file=Path(__file__).resolve().parent / ".env")


if __name__ == "__main__":
    main()
