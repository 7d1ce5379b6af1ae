"""Run several steps of the training in one process: torch is slow to import. Takes a JSON list of command lines."""

from __future__ import annotations

import importlib
import json
import sys

if __name__ == "__main__":
    for module, *arguments in json.loads(sys.argv[1]):
        sys.argv = [module, *arguments]
        importlib.import_module(f"training.{module}").main()
