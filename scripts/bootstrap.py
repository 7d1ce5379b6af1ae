"""Set up .venv with the pinned requirements. Standard library only; safe to run again, quick when nothing changed.

python3 scripts/bootstrap.py          what the product needs
python3 scripts/bootstrap.py --dev    the tools of `make lint` and `make test` as well
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / "python"
LEAST_PYTHON = (3, 11)
MYSQL_DRIVER = "mysqlclient"
MYSQL_PACKAGES = ["default-libmysqlclient-dev", "pkg-config", "gcc", "python3-dev"]
MYSQL_LIBRARIES = ["mysqlclient", "libmariadb", "mariadb"]


def main(arguments: list[str]) -> None:
    use_a_recent_python()
    make_venv()
    requirements = ROOT / ("requirements-dev.txt" if "--dev" in arguments else "requirements.txt")
    install(requirements)
    install_mysql_driver()


def use_a_recent_python() -> None:
    """Start again under a newer Python when this one is too old."""
    if sys.version_info >= LEAST_PYTHON:
        return
    for minor in range(14, LEAST_PYTHON[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found, *sys.argv])
    sys.exit(f"facesite needs Python 3.11 or newer; this is {sys.version.split()[0]}.")


def make_venv() -> None:
    # A .venv whose Python is gone (a system upgrade), or that was made without pip, is made anew.
    if any(SCRIPTS.glob("pip*")) and run([str(PYTHON), "-c", ""], quiet=True):
        return
    if not os.access(ROOT, os.W_OK):
        sys.exit(
            f"{ROOT} cannot be written by this user: run this as the user who owns it, or let this user write there."
        )
    say("Making .venv")
    if make_venv_once() or (apt_install(["python3-venv"]) and make_venv_once()):
        return
    sys.exit("Python cannot make a virtual environment: install the package python3-venv, then run this again.")


def make_venv_once() -> bool:
    shutil.rmtree(VENV, ignore_errors=True)
    return run([sys.executable, "-m", "venv", str(VENV)], quiet=True)


def install(requirements: Path) -> None:
    """pip install everything but the MySQL driver, once for each content of the requirement files."""
    locked = ROOT / "requirements.txt"
    stamp = VENV / f".installed-{requirements.stem}"
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted({requirements, locked}))).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f"Installing {requirements.name} (a minute or two the first time)")
    product = [line for line in requirement_lines(locked) if not line.startswith(MYSQL_DRIVER)]
    if not install_locked(product) or not (requirements == locked or install_tools(requirements, product)):
        sys.exit(f"The Python packages of {requirements.name} could not be installed; pip says why above.")
    stamp.write_text(digest)


def install_locked(lines: list[str], *, quiet: bool = False) -> bool:
    """pip takes hashes from a file only. What is not the very file that was locked is refused."""
    return pip(["install", "--require-hashes", "-r", str(write_lines("locked.txt", lines))], quiet=quiet)


def install_tools(requirements: Path, product: list[str]) -> bool:
    """A tool that wants another version of what the product uses is refused."""
    versions = write_lines("versions.txt", [line.partition(" --hash")[0] for line in product])
    return pip(["install", "-r", str(requirements), "-c", str(versions)])


def write_lines(name: str, lines: list[str]) -> Path:
    path = VENV / name
    path.write_text("\n".join(lines) + "\n")
    return path


def requirement_lines(path: Path) -> list[str]:
    """One line for each package: `name==version ; marker --hash=... --hash=...`."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().replace("\\\n", "").splitlines())
    return [" ".join(line.split()) for line in lines if line]


def install_mysql_driver() -> None:
    """Install the driver if its headers are there. Without it everything works on SQLite.

    Debian's packages are tried once only; later runs look whether the headers have turned up.
    """
    pinned = next(line for line in requirement_lines(ROOT / "requirements.txt") if line.startswith(MYSQL_DRIVER))
    stamp = VENV / ".mysql-driver"
    before = stamp.read_text() if stamp.exists() else ""
    if before == pinned:
        return
    ready = has_mysql_headers() or (not before and apt_install(MYSQL_PACKAGES) and has_mysql_headers())
    if ready and install_locked([pinned], quiet=True):
        stamp.write_text(pinned)
    elif not before:
        stamp.write_text("missing")
        say(
            f"The MySQL driver is not installed (SQLite works without it); to add it, install the packages "
            f"{', '.join(MYSQL_PACKAGES)} and run this again."
        )


def has_mysql_headers() -> bool:
    """Whether everything to build the driver is there: pkg-config, a C compiler and the headers."""
    tools = shutil.which("pkg-config") and (shutil.which("cc") or shutil.which("gcc"))
    return bool(tools) and any(run(["pkg-config", "--exists", name], quiet=True) for name in MYSQL_LIBRARIES)


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages where this user may do so. Returns whether it worked."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    say(f"Installing Debian's {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], quiet=True, env=env)
    return run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], quiet=True, env=env)


def pip(arguments: list[str], *, quiet: bool = False) -> bool:
    """Run .venv's pip. Returns whether it worked."""
    return run([str(PYTHON), "-m", "pip", "--disable-pip-version-check", "-qq", *arguments], quiet=quiet)


def run(command: list[str], *, quiet: bool = False, env: dict[str, str] | None = None) -> bool:
    """Run a command, quiet without its output. Returns whether it exited with 0."""
    sink = subprocess.DEVNULL if quiet else None
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env, check=False)
    return done.returncode == 0


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"{error.filename or ROOT} cannot be used: {error.strerror or error}.")
