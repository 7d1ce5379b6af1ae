"""A backup comes back, with the keys of those who were not erased since. All of it or nothing: one transaction."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import IntegrityError, connection, models, transaction

from security.actors import Actor
from security.audit.actions import Action
from security.audit.recording import record
from security.encryption.backups import (
    CHUNK,
    FORMAT,
    KEYS_FORMAT,
    BackupRefused,
    Column,
    Model,
    applied_migrations,
    columns_of,
    models_of_a_backup,
    models_of_sessions,
    owner_of,
)
from security.encryption.rotating import key_models
from security.encryption.site_keys import SiteKey, read_site_keys, site_key
from security.models import EncryptionState, SecondFactorKey
from security.tables import in_chunks
from security.traces import leave_no_traces

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Restored:
    rows: int
    keys: int
    made_at: str


def restore_backup(
    path: Path, keys_path: Path, *, replace: bool, then: Callable[[], None], actor: Actor | None = None
) -> Restored:
    """Put the backup's rows in the place of this database's, and give them the keys that still exist.

    replace: also when there are faces in this database. then: what else belongs into the transaction. Raises
    BackupRefused, SiteKeyUnusable.
    """
    keys = read_keys(keys_path)
    for fingerprint in {entry["site_key"] for entry in keys}:
        site_key(fingerprint)
    if not path.is_file():
        raise BackupRefused(f"There is no backup at {path}.")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source:
        about = read_about(source, path)
        if about["migrations"] != applied_migrations():
            raise BackupRefused(
                "This backup was made by another version of facesite. Restore it with that version, then update."
            )
        if not replace and holds_faces():
            raise BackupRefused("This database holds faces already. To replace all that is in it, add --replace.")
        return _restore(source, about["made_at"], keys, then, actor)


def read_about(source: sqlite3.Connection, path: Path) -> Entry:
    """Raises BackupRefused for a file that is no backup."""
    try:
        about: Entry = json.loads(source.execute("SELECT value FROM about").fetchone()[0])
        if about["format"] != FORMAT:
            raise ValueError
    except (sqlite3.Error, ValueError, TypeError, KeyError):
        raise BackupRefused(f"{path} is no backup of facesite, or it is damaged.") from None
    return about


def read_keys(path: Path) -> list[Entry]:
    """Raises BackupRefused."""
    try:
        content = json.loads(path.read_text())
        if content["format"] != KEYS_FORMAT:
            raise ValueError
        keys: list[Entry] = content["keys"]
    except OSError as error:
        raise BackupRefused(f"The keys in {path} cannot be read: {error.strerror}. Name it with --keys.") from error
    except (ValueError, TypeError, KeyError, UnicodeDecodeError):
        raise BackupRefused(f"{path} is no file of keys, or it is damaged.") from None
    return keys


def holds_faces() -> bool:
    """Whether anything is there that has, or could have, a key; operators' authenticator apps do not count."""
    owners = {owner_of(model).related_model for model in key_models() if model is not SecondFactorKey}
    return any(owner._base_manager.exists() for owner in owners if not isinstance(owner, str))


def _restore(
    source: sqlite3.Connection, made_at: str, keys: list[Entry], then: Callable[[], None], actor: Actor | None
) -> Restored:
    tables = models_of_a_backup()
    try:
        with connection.constraint_checks_disabled(), transaction.atomic():
            for model in [*key_models(), *models_of_sessions(), *tables]:
                _delete_all(model)
            rows = sum(_insert(model, source) for model in tables)
            given = _give_keys(keys)
            _belong_to_the_site_key(keys)
            then()
            connection.check_constraints()
            record(Action.BACKUP_RESTORED, actor=actor, made_at=made_at, rows=rows, keys=given)
            leave_no_traces()
    except (sqlite3.Error, IntegrityError, ValueError, binascii.Error) as error:
        raise BackupRefused(f"The backup is damaged, and nothing was changed: {error}.") from error
    return Restored(rows, given, made_at)


def _delete_all(model: Model) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608


def _insert(model: Model, source: sqlite3.Connection) -> int:
    columns = columns_of(model)
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(column.column)) for column in columns)
    into = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608
    wanted = ", ".join(f'"{column.column}"' for column in columns)
    read = f'SELECT {wanted} FROM "{model._meta.db_table}"'  # noqa: S608
    number = 0
    rows = source.execute(read)
    with connection.cursor() as cursor:
        while chunk := rows.fetchmany(CHUNK):
            cursor.executemany(into, [_for_the_database(columns, row) for row in chunk])
            number += len(chunk)
    return number


def _for_the_database(columns: list[Column], row: tuple[Any, ...]) -> list[Any]:
    pairs = zip(columns, row, strict=True)
    return [column.get_db_prep_save(in_python(column, value), connection) for column, value in pairs]


def in_python(column: Column, value: Any) -> Any:
    if isinstance(column, models.JSONField) and value is not None:
        return json.loads(value)
    return value if isinstance(column, models.ForeignKey) else column.to_python(value)


def _give_keys(keys: list[Entry]) -> int:
    """Keys whose owner is in the backup; those of people who came later have nothing to open."""
    number = 0
    for model in key_models():
        owner = owner_of(model)
        known = set(owner.related_model._base_manager.values_list("pk", flat=True))
        mine = [entry for entry in keys if entry["table"] == model._meta.db_table and entry["owner"] in known]
        for chunk in in_chunks(mine, CHUNK):
            model._default_manager.bulk_create(_key(model, owner.attname, entry) for entry in chunk)
        number += len(mine)
    return number


def _key(model: Any, owner: str, entry: Entry) -> Any:
    return model(
        id=entry["id"],
        wrapped=base64.b64decode(entry["wrapped"]),
        site_key=entry["site_key"],
        created_at=datetime.fromisoformat(entry["created_at"]),
        **{owner: entry["owner"]},
    )


def _belong_to_the_site_key(keys: list[Entry]) -> None:
    """The keys were wrapped with one site key, or with two while it was rotated."""
    at_hand: tuple[SiteKey, ...] = read_site_keys()
    used = {entry["site_key"] for entry in keys}
    older = sorted(used - {key.fingerprint for key in at_hand[:1]})
    fingerprint = older[0] if older else (at_hand[0].fingerprint if at_hand else None)
    EncryptionState.objects.all().delete()
    if fingerprint:
        EncryptionState.objects.create(pk=EncryptionState.SINGLETON_PK, site_key=fingerprint)
