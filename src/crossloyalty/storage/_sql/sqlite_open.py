"""Opening an SQLite file: the settings, read back; the schema, created, upgraded or recognised."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

import attrs

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.ddl import SCHEMA_VERSION, VERSION_TABLE, schema
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.sqlite_schema import differences
from crossloyalty.storage._sql.sqlite_waiting import patiently
from crossloyalty.storage._sql.versions import install_sql, require_current, statements_to, stored_version, version_sql

__all__ = ["OLDEST_SQLITE", "Settings", "connect", "prepare", "require_version"]

OLDEST_SQLITE: Final = (3, 37, 0)  # the first with STRICT tables
_VERSIONS: Final = SQLITE.prefix + VERSION_TABLE
_SYNCHRONOUS: Final = {"NORMAL": 1, "FULL": 2}
_CACHE_KIB: Final = 16_384
_CACHED_STATEMENTS: Final = 1_024
# A claim writes about 25 pages; SQLite's own 1,000 would copy them back, and sync, every 40 claims. This is 16 MiB.
_CHECKPOINT_PAGES: Final = 4_000


@attrs.frozen
class Settings:
    """
    How connections to one file are opened.

    Args:
        busy_timeout_ms: How long a writer waits for another one, in milliseconds.
        synchronous: FULL survives a power loss; NORMAL may lose the last commits then, never the file.
    """

    path: str
    busy_timeout_ms: int
    synchronous: str

    def __attrs_post_init__(self) -> None:
        if self.synchronous not in tuple(_SYNCHRONOUS):
            raise ConfigError("synchronous is FULL or NORMAL")
        if type(self.busy_timeout_ms) is not int or not 0 <= self.busy_timeout_ms < 2**31:
            raise ConfigError("busy_timeout_ms is a whole number of milliseconds, at least 0")

    @property
    def wait_s(self) -> float:
        """Give the time-out in seconds."""
        return self.busy_timeout_ms / 1_000


def require_version(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """
    Refuse an SQLite library without STRICT tables.

    Raises:
        ConfigError: Naming the version found.
    """
    if version < OLDEST_SQLITE:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, OLDEST_SQLITE))
        raise ConfigError(f"SQLite {found} is too old: {needed} or newer is needed")


def connect(settings: Settings) -> sqlite3.Connection:
    """
    Open the file and assert the settings.

    Raises:
        ConfigError: A setting did not take.
        sqlite3.Error: The file cannot be opened; the caller translates it.
    """
    handle = sqlite3.connect(
        settings.path,
        timeout=0,  # we wait ourselves, see `sqlite_waiting`
        isolation_level=None,  # transactions are ours to begin and end
        check_same_thread=False,  # `close` closes those of other threads
        cached_statements=_CACHED_STATEMENTS,
    )
    try:
        patiently(partial(_settle, handle, settings), settings.wait_s)
    except BaseException:
        handle.close()
        raise
    return handle


def prepare(handle: sqlite3.Connection, settings: Settings) -> None:
    """
    Create the schema in an empty store, upgrade an older one, or recognise the one that is there.

    Raises:
        ConfigError: The store was made by a newer version, or parts of it are missing or different.
        sqlite3.Error: The file cannot be read or written; the caller translates it.
    """
    patiently(partial(_prepare, handle), settings.wait_s)


def _settle(handle: sqlite3.Connection, settings: Settings) -> None:
    handle.execute("PRAGMA journal_mode=WAL")
    handle.execute(f"PRAGMA synchronous={settings.synchronous}")
    handle.execute("PRAGMA foreign_keys=ON")
    handle.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    handle.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    wanted = {
        "journal_mode": "wal",
        "synchronous": _SYNCHRONOUS[settings.synchronous],
        "foreign_keys": 1,
        "encoding": "UTF-8",
    }
    for name, value in wanted.items():
        found = handle.execute(f"PRAGMA {name}").fetchone()[0]
        if found != value:
            raise ConfigError(f"SQLite runs with {name}={found} and not {value}; use a local disk and a plain file")


def _prepare(handle: sqlite3.Connection) -> None:
    with _transaction(handle, "BEGIN"):
        version = _version(handle)
        if version == SCHEMA_VERSION:
            _recognise(handle)
            return
    with _transaction(handle, "BEGIN IMMEDIATE"):  # another opener may have been here first: look again
        for sql in install_sql(SQLITE) if _version(handle) is None else statements_to(SQLITE, _rows(handle)):
            handle.execute(sql)
        _recognise(handle)


@contextmanager
def _transaction(handle: sqlite3.Connection, begin: str) -> Iterator[None]:
    handle.execute(begin)
    try:
        yield
        handle.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            handle.execute("ROLLBACK")
        raise


def _version(handle: sqlite3.Connection) -> int | None:
    """Give the version of the schema, None where nothing of ours is."""
    names = {name for (name,) in handle.execute("SELECT name FROM sqlite_master")}
    if names.isdisjoint(schema(SQLITE)):
        return None
    if _VERSIONS not in names:
        raise ConfigError(f"this file holds tables of ours or of the same names, but no {_VERSIONS}")
    columns = [row[1] for row in handle.execute(f"PRAGMA table_info({_VERSIONS})")]
    if columns != ["version", "checksum", "complete"]:
        raise ConfigError(f"the table {_VERSIONS} of this file is not ours")
    return stored_version(SQLITE, _rows(handle))


def _rows(handle: sqlite3.Connection) -> list[tuple[int, str, int]]:
    return handle.execute(version_sql(SQLITE)).fetchall()


def _recognise(handle: sqlite3.Connection) -> None:
    require_current(SQLITE, _rows(handle))
    differs = differences(handle)
    if differs:
        raise ConfigError(f"the schema of this store is not the one of this library: {', '.join(differs[:5])}")
