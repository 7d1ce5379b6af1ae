"""Whether a pinned requirement has a known vulnerability: pip-audit over requirements.txt, whose hashes it checks too.

Exit status 1 for a vulnerability that was found. pip-audit itself calls "clean" what it could not look up, as on a
machine that reaches a mirror of the package index alone: here that is told by name, and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
PATIENCE_S = 300


def main() -> None:
    code, lines = verdict(ask())
    print("\n".join(lines))
    sys.exit(code)


def ask() -> str:
    """pip-audit's answer as JSON; without the advisory service it may be anything."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner=off"]
    try:
        done = subprocess.run(
            [*command, "--format=json", "-r", str(REQUIREMENTS)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {PATIENCE_S} s"
    return done.stdout if done.stdout.startswith("{") else done.stderr


def verdict(answer: str) -> tuple[int, list[str]]:
    """Exit status and what to print. answer: from ask()."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        why = (answer.strip().splitlines() or ["it said nothing"])[-1]
        return 0, [f"NOT AUDITED: pip-audit could not ask for advisories ({why[:300]})."]
    found = [describe(package, advisory) for package in packages for advisory in package.get("vulns", ())]
    unknown = sorted(package["name"] for package in packages if "skip_reason" in package)
    asked = f"{len(packages) - len(unknown)} of {len(packages)} packages looked up"
    lines = [*found, f"pip-audit: {asked}, {len(found)} known vulnerabilities."]
    if unknown:
        names = ", ".join(unknown)
        lines.append(f"NOT AUDITED, for the advisory service at pypi.org gave no answer about them: {names}.")
    return int(bool(found)), lines


def describe(package: dict[str, Any], advisory: dict[str, Any]) -> str:
    """One line: what is vulnerable, to what, and which versions mend it."""
    mended = ", ".join(advisory.get("fix_versions") or ()) or "no version yet"
    return f"VULNERABLE: {package['name']} {package['version']}: {advisory['id']}, mended in {mended}"


if __name__ == "__main__":
    main()
