"""A backup: one file with every table but the keys, and a file of keys that each backup overwrites.

What was erased since has no key in the newest keys file, so no older backup gives it back. The file is an SQLite
database, whatever database the site has: one table for each of the site's, and `about`, which says what it is.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from security.actors import Actor
from security.audit.actions import Action
from security.audit.recording import record
from security.encryption.rotating import key_models
from security.encryption.site_keys import current_site_key
from security.models import EncryptionState

FORMAT = "facesite backup 1"
KEYS_FORMAT = "facesite keys 1"
CHUNK = 500

Model = type[models.Model]
Column: TypeAlias = "models.Field[Any, Any]"


class BackupRefused(Exception):
    """Nothing was written. str() is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Written:
    rows: int
    keys: int


def models_of_a_backup() -> list[Model]:
    """All tables but keys, sessions and the state of encryption, which is the present database's."""
    left_out = {*key_models(), EncryptionState, *models_of_sessions()}
    return [model for model in _all_models() if model not in left_out]


def models_of_sessions() -> list[Model]:
    """Sessions and what belongs to them: nobody is signed in by a backup."""
    found: list[Any] = [Session]
    while more := [
        model
        for model in _all_models()
        if model not in found and any(column.related_model in found for column in columns_of(model))
    ]:
        found += more
    return found


def _all_models() -> list[Model]:
    return [
        model for model in apps.get_models(include_auto_created=True) if model._meta.managed and not model._meta.proxy
    ]


def write_backup(path: Path, keys_path: Path, *, actor: Actor | None = None) -> Written:
    """Write both files as of one moment, while the site goes on. Each appears as a whole, for its owner only.

    Raises BackupRefused, SiteKeyUnusable.
    """
    if path.resolve() == keys_path.resolve():
        raise BackupRefused("The keys must go to a file of their own: whoever holds both can read every face.")
    current_site_key()
    with whole_file(path) as draft, whole_file(keys_path) as keys_draft:
        about = {"format": FORMAT, "made_at": timezone.now().isoformat(), "migrations": applied_migrations()}
        try:
            with closing(sqlite3.connect(draft)) as target, one_moment():
                rows = _write_tables(target, about)
                keys = list(_keys())
        except sqlite3.Error as error:
            raise BackupRefused(f"{path} cannot be written: {error}.") from error
        keys_draft.write_text(json.dumps({"format": KEYS_FORMAT, "made_at": about["made_at"], "keys": keys}))
    with transaction.atomic():
        record(Action.BACKUP_WRITTEN, actor=actor, rows=rows, keys=len(keys))
    return Written(rows, len(keys))


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write, which takes the place of `path` at the end. What `path` was before is overwritten with zeros.

    Raises BackupRefused when that cannot be done.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield draft
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        before = path.open("r+b") if path.exists() else None
        draft.replace(path)
        if before:
            with before:
                overwrite(before.fileno())
    except OSError as error:
        raise BackupRefused(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def overwrite(descriptor: int) -> None:
    """Zeros over a file that has no name any more. (A file system that keeps copies of blocks may still have them.)"""
    left = os.fstat(descriptor).st_size
    while left > 0:
        left -= os.write(descriptor, bytes(min(left, 1 << 20)))
    os.fsync(descriptor)


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything that is read inside is as of its beginning. Writers do not wait for it."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN DEFERRED")
        else:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def applied_migrations() -> list[str]:
    """What says that two databases have the same tables."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def columns_of(model: Model) -> list[Column]:
    """Without those that the database computes by itself."""
    return [column for column in model._meta.concrete_fields if not column.generated]


def _write_tables(target: sqlite3.Connection, about: dict[str, Any]) -> int:
    target.execute("PRAGMA journal_mode = OFF")  # a draft that is cut off is thrown away
    target.execute("CREATE TABLE about (value TEXT)")
    target.execute("INSERT INTO about VALUES (?)", [json.dumps(about)])
    number = 0
    for model in models_of_a_backup():
        columns = columns_of(model)
        names = ", ".join(f'"{column.column}"' for column in columns)
        target.execute(f'CREATE TABLE "{model._meta.db_table}" ({names})')
        insert = f'INSERT INTO "{model._meta.db_table}" VALUES ({", ".join("?" * len(columns))})'  # noqa: S608
        for chunk in _chunks(model, columns):
            target.executemany(insert, [list(map(portable, columns, row)) for row in chunk])
            number += len(chunk)
    target.commit()
    return number


def _chunks(model: Model, columns: Sequence[Column]) -> Iterator[list[tuple[Any, ...]]]:
    """By primary key, some rows at a time: MySQL's driver keeps a whole result in memory."""
    names = [column.attname for column in columns]
    key = model._meta.pk.attname
    at = names.index(key)
    rows = model._base_manager.order_by("pk").values_list(*names)
    chunk = list(rows[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(rows.filter(pk__gt=chunk[-1][at])[:CHUNK])


def portable(column: Column, value: Any) -> Any:
    """A value as SQLite keeps it. restoring.in_python() reads it again."""
    if value is None:
        return None
    if isinstance(column, models.JSONField):
        return json.dumps(value)
    if isinstance(value, (str, int, float, bytes)):
        return value
    if isinstance(value, memoryview):
        return bytes(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _keys() -> Iterator[dict[str, Any]]:
    for model in key_models():
        owner = owner_of(model)
        rows = model._default_manager.order_by().values_list("pk", owner.attname, "wrapped", "site_key", "created_at")
        for id_, owner_id, wrapped, fingerprint, created_at in rows.iterator(chunk_size=CHUNK):
            yield {
                "table": model._meta.db_table,
                "id": id_,
                "owner": owner_id,
                "wrapped": base64.b64encode(wrapped).decode(),
                "site_key": fingerprint,
                "created_at": created_at.isoformat(),
            }


def owner_of(model: Model) -> models.ForeignKey[Any, Any]:
    """The field of a table of keys that says whose they are."""
    [owner] = [field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)]
    return owner
