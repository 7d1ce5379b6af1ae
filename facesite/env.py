"""The environment, read strictly: a wrong value stops the start with one sentence that names the variable.

Every reader raises SettingsError; manage.py and the ASGI entry point print it without a traceback.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

_BOOLEANS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
SECRET_BYTES = 64 * 1024
"""A file that is larger holds no secret: it was named by mistake."""
from_files: set[str] = set()
"""Names of variables that a .env file gave."""
PROJECT_DIR = Path(__file__).resolve().parent.parent
_DATABASE_FORMS = "sqlite:///file, sqlite:////absolute/file or mysql://user:password@host:port/name"


class SettingsError(ImproperlyConfigured):
    """A setting from the environment cannot be used. str() is one sentence for the operator."""


def read_env_file(path: Path) -> None:
    """Add the variables of a .env file to the environment. A variable that is set already keeps its value."""
    try:
        if not path.is_file():
            return
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} cannot be read: save it as plain text in UTF-8.") from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}): run this as the user who owns that file."
        ) from error
    before = set(os.environ)
    environ.Env.read_env(StringIO(text))
    from_files.update(set(os.environ) - before)


def environment_without_files() -> dict[str, str]:
    """For a process that shall read the .env file as it is then."""
    return {name: value for name, value in os.environ.items() if name not in from_files}


def ensure_secret_key(path: Path) -> bool:
    """Write a new SECRET_KEY into the .env file at `path`, unless the file or the environment has one.

    Returns whether a key was written.
    """
    read_env_file(path)
    if "SECRET_KEY" in os.environ or read_text("SECRET_KEY_FILE"):
        return False
    key = get_random_secret_key()  # never holds a quote, so single quotes keep it whole in the file
    try:
        text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
        if text and not text.endswith("\n"):
            text += "\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{text}SECRET_KEY='{key}'\n")
    except OSError as error:
        raise SettingsError(
            f"No SECRET_KEY is set, and a new one cannot be written to {path} ({error.strerror}): "
            "set SECRET_KEY or SECRET_KEY_FILE, or run this as a user who may write there."
        ) from error
    os.environ["SECRET_KEY"] = key
    return True


def read_text(name: str, default: str = "") -> str:
    """The value without spaces around it; `default` when unset."""
    return os.environ.get(name, default).strip()


def read_secret(name: str, default: str = "") -> str:
    """A secret from the variable, or from the file that NAME_FILE names, as Docker and systemd hand secrets over.

    Spaces and line ends around it are dropped; a relative path counts from the project. `default` when both are unset.
    Raises SettingsError, which never quotes what the file holds.
    """
    file = read_text(f"{name}_FILE")
    if not file:
        return read_text(name, default)
    if read_text(name):
        raise SettingsError(f"{name} and {name}_FILE are both set: keep one of them.")
    path = _place(f"{name}_FILE", file, PROJECT_DIR)
    try:
        with path.open("rb") as stream:
            secret = stream.read(SECRET_BYTES + 1).decode().strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{name}_FILE must name a text file in UTF-8, but {path} is none.") from None
    except OSError as error:
        raise SettingsError(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from None
    if not secret or len(secret) > SECRET_BYTES:
        what = "is too large for a secret" if secret else "is empty"
        raise SettingsError(f"{name}_FILE names {path}, which {what}.")
    return secret


def read_secret_key(*, debug: bool) -> str:
    """SECRET_KEY. When it is unset and DEBUG is on: a fixed key, for development only."""
    key = read_secret("SECRET_KEY")
    if key:
        return key
    if debug and "SECRET_KEY" not in os.environ:
        return "only-for-development-with-debug-on"
    raise SettingsError(
        "SECRET_KEY is not set: put a long random text into it, into .env (`make run` does) or into a file that "
        "SECRET_KEY_FILE names."
    )


def read_data_key(name: str) -> str:
    """The site key, or several: each 32 bytes in base64; empty when unset (then it is in a file)."""
    raw = read_text(name)
    if raw and read_text(f"{name}_FILE"):
        raise SettingsError(f"{name} and {name}_FILE are both set: keep one of them.")
    for word in re.split(r"[\s,]+", raw) if raw else ():
        if not _holds_bytes(word, 32):
            raise SettingsError(f"{name} must be 32 bytes in base64: `openssl rand -base64 32` makes such a key.")
    return raw


def read_bool(name: str, *, default: bool) -> bool:
    """on or off, true or false, yes or no, 1 or 0; `default` when unset."""
    raw = read_text(name)
    if not raw:
        return default
    try:
        return _BOOLEANS[raw.lower()]
    except KeyError:
        raise SettingsError(f"{name} must be on or off, not '{raw}'.") from None


def read_int(name: str, *, default: int, least: int, most: int) -> int:
    """A whole number from `least` to `most`; `default` when unset."""
    raw = read_text(name)
    if not raw:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", raw) or not least <= int(raw) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not '{raw}'.")
    return int(raw)


def read_choice(name: str, choices: Sequence[str]) -> str | None:
    """One of `choices`; None when unset."""
    raw = read_text(name)
    if raw and raw not in choices:
        raise SettingsError(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, not '{raw}'.")
    return raw or None


def read_zone(name: str, *, default: str) -> str:
    """A time zone by its name in the IANA data base; `default` when unset."""
    raw = read_text(name, default) or default
    try:
        ZoneInfo(raw)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the last two: a name that is a path, or a folder
        raise SettingsError(f"{name} must name a time zone such as Europe/Berlin or UTC, not '{raw}'.") from None
    return raw


def read_list(name: str, default: str = "") -> list[str]:
    """The items of a comma-separated list, without empty ones."""
    return [item.strip() for item in read_text(name, default).split(",") if item.strip()]


def read_origins(name: str) -> list[str]:
    """Origins (scheme, host and perhaps a port), as Django's CSRF_TRUSTED_ORIGINS takes them."""
    origins = read_list(name)
    for origin in origins:
        parts = _split(origin)
        if not _is_web(parts) or parts.path.strip("/") or parts.query or parts.fragment:
            raise SettingsError(f"{name} must list origins such as https://faces.example.org, not '{origin}'.")
    return [origin.rstrip("/") for origin in origins]


def read_redis_url(name: str) -> str:
    """A redis://, rediss:// or unix:// address; empty when unset."""
    raw = read_secret(name)
    parts = _split(raw)
    is_redis = parts.scheme == "unix" or (
        parts.scheme in {"redis", "rediss"} and re.fullmatch(r"/?[0-9]*", parts.path) is not None
    )
    if raw and not (is_redis and raw.partition("://")[2]):
        raise SettingsError(f"{name} must look like redis://host:6379/0, not {_quoted(name, raw)}.")
    return raw


def read_mqtt_url(name: str) -> str:
    """An mqtt:// or mqtts:// address; empty when unset."""
    raw = read_secret(name)
    parts = _split(raw)
    if raw and not (parts.scheme in {"mqtt", "mqtts"} and parts.hostname and parts.path in {"", "/"}):
        raise SettingsError(f"{name} must look like mqtt://user:password@host:1883, not {_quoted(name, raw)}.")
    return raw


def read_gallery_url(name: str) -> str:
    """A milvus:// address; empty when unset: the gallery is in this process."""
    from enrollment.milvus.address import AddressInvalid, parse_address

    raw = read_secret(name)
    if not raw:
        return ""
    try:
        parse_address(raw)
    except AddressInvalid as error:
        raise SettingsError(f"{name} {error}") from None
    if importlib.util.find_spec("pymilvus") is None:
        raise SettingsError(
            f"{name} names a Milvus server, but its client is not installed: run "
            "`.venv/bin/pip install -r requirements-milvus.txt`."
        )
    return raw


def read_topic(name: str, *, default: str) -> str:
    """Levels of an MQTT topic, such as site/faces; empty where `NAME=` takes the default away."""
    raw = read_text(name, default)
    if raw and not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", raw):
        raise SettingsError(f"{name} must be letters, digits, - and _, with / between levels, not '{raw[:100]}'.")
    return raw


def read_folder(name: str, *, default: Path, base: Path) -> Path:
    """A folder; a relative path counts from `base`. It need not exist yet."""
    raw = read_text(name)
    folder = _place(name, raw, base) if raw else default
    there = next(path for path in (folder, *folder.parents) if os.path.exists(path))  # noqa: PTH110  # Path.exists() raises where a folder may not be entered
    if not there.is_dir():
        raise SettingsError(f"{name} must be a folder, but {there} is a file.")
    return folder


def read_file(name: str, *, default: Path, base: Path) -> Path:
    """A file in a folder that is there; a relative path counts from `base`. The file itself need not exist yet."""
    raw = read_text(name)
    path = _place(name, raw, base) if raw else default
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"lies in {path.parent}, which does not exist"
        raise SettingsError(f"{name} must name a file in an existing folder, but {path} {what}.")
    return path


def read_bytes(name: str, *, size: int) -> str:
    """So many bytes in base64, as text; empty when unset."""
    raw = read_text(name)
    if raw and not _holds_bytes(raw, size):  # without the value: it is a secret
        raise SettingsError(
            f"{name} must be {size} bytes in base64 (python3 -c 'import base64, os; "
            f"print(base64.b64encode(os.urandom({size})).decode())' makes some)."
        )
    return raw


def _holds_bytes(text: str, size: int) -> bool:
    """Whether it is so many bytes in base64."""
    try:
        return len(base64.b64decode(text, validate=True)) == size
    except ValueError:
        return False


def read_folder_or_url(name: str, *, base: Path) -> str:
    """A base URL, or a folder as an absolute path; empty when unset."""
    raw = read_text(name)
    if "://" not in raw:
        return str(_place(name, raw, base)) if raw else ""
    if not _is_web(_split(raw)):
        raise SettingsError(f"{name} must be a folder or an http(s) address, not '{_without_password(raw)}'.")
    return raw


def read_pack(name: str, models_dir: Path) -> str | None:
    """Name of a pack that the manifest knows (it need not be installed yet); None when unset."""
    raw = read_text(name)
    if not raw:
        return None
    from recognizer.errors import PackUnknown, RecognizerError
    from recognizer.packs.manifest import Manifest

    try:
        Manifest.load(models_dir).get(raw)
    except PackUnknown as error:
        raise SettingsError(f"{name} cannot be used: {error}") from error
    except RecognizerError:
        pass  # the command or page that needs the manifest will say what is broken
    return raw


def read_database(name: str, *, default: str, base: Path) -> dict[str, Any]:
    """Django's DATABASES entry from sqlite:///... or mysql://user:password@host:port/name."""
    raw = read_secret(name, default)
    scheme = raw.partition("://")[0]
    if scheme == "sqlite":
        return _sqlite(name, raw, base)
    if scheme == "mysql":
        return _mysql(name, raw)
    raise SettingsError(f"{name} must be {_DATABASE_FORMS}, not {_quoted(name, raw)}.")


def _sqlite(name: str, raw: str, base: Path) -> dict[str, Any]:
    rest = unquote(raw.removeprefix("sqlite://"))
    if not rest.startswith("/") or rest == "/" or ":memory:" in rest or "?" in rest:
        raise SettingsError(f"{name} must name a database file ({_DATABASE_FORMS}), not {_quoted(name, raw)}.")
    # Three slashes: relative to the project; four: absolute.
    path = _place(name, rest[1:], base)
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"lies in {path.parent}, which does not exist"
        raise SettingsError(f"{name} must name a file in an existing folder, but {path} {what}.")
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


def _mysql(name: str, raw: str) -> dict[str, Any]:
    try:
        parts = urlsplit(raw)
        port = parts.port or 3306
        parameters = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise SettingsError(f"{name} must be {_DATABASE_FORMS}, not {_quoted(name, raw)}.") from None
    database = unquote(parts.path.lstrip("/"))
    if not database or "/" in database or not parts.hostname or not parts.username:
        raise SettingsError(f"{name} must be {_DATABASE_FORMS}, not {_quoted(name, raw)}.")
    unknown = sorted(set(parameters) - {"ssl_ca", "unix_socket"})
    if unknown:
        raise SettingsError(f"{name} takes the parameters ssl_ca and unix_socket only, not '{unknown[0]}'.")
    if importlib.util.find_spec("MySQLdb") is None:
        raise SettingsError(
            f"{name} names a MySQL database, but its driver is not installed: install the packages "
            "default-libmysqlclient-dev, pkg-config and gcc, then run make run again."
        )
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": database,
        "USER": unquote(parts.username),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parameters.get("unix_socket", parts.hostname),
        "PORT": "" if "unix_socket" in parameters else str(port),
        "OPTIONS": {"ssl": {"ca": parameters["ssl_ca"]}} if "ssl_ca" in parameters else {},
    }


def _place(name: str, raw: str, base: Path) -> Path:
    """A path from a setting; a relative path counts from `base`. A path that the system cannot look at is refused."""
    try:
        path = (base / Path(raw).expanduser()).resolve()
        path.exists()  # raises when a name in it is too long
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: ~name of an unknown user
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise SettingsError(f"{name} cannot be used: {reason} ({raw[:100]}).") from None
    return path


def _split(url: str) -> SplitResult:
    """The parts of an address. All are empty when it is no address at all, such as http://[x or http://host:port."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # urlsplit checks the port only when it is read
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


def _is_web(parts: SplitResult) -> bool:
    return parts.scheme in {"http", "https"} and re.fullmatch(r"\S+", parts.hostname or "") is not None


def _quoted(name: str, raw: str) -> str:
    """A refused value as a sentence shows it; what came from a file is not shown at all."""
    return f"what {name}_FILE names" if read_text(f"{name}_FILE") else f"'{_without_password(raw)}'"


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
