"""
The embedded default: one SQLite file in WAL mode, one connection a thread.

Writers begin with BEGIN IMMEDIATE, so a transaction never has to upgrade a lock and one writer waits for another up to
the busy time-out; threads of one process take turns. Keep the file on a local disk: WAL does not work
over network file systems.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final, Literal

from crossloyalty.application.ports import Transaction
from crossloyalty.errors import ConfigError, InvalidInput, WrongType, shown
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.sqlite_errors import translated
from crossloyalty.storage._sql.sqlite_open import Settings, connect, prepare, require_version
from crossloyalty.storage._sql.sqlite_transaction import Connection, SqliteTransaction
from crossloyalty.storage._sql.sqlite_waiting import WritersLine
from crossloyalty.storage._sql.versions import install_sql, upgrade_sql

if TYPE_CHECKING:
    from crossloyalty.storage._sql.joined import AsyncJoinedStorage, JoinedStorage

__all__ = ["SqliteStorage"]


class SqliteStorage:
    """
    Keeps everything in one SQLite file.

    Args:
        path: The file; created with its schema when it is not there, and upgraded when its schema is older.
        busy_timeout_ms: How long a writer waits for another one, in milliseconds, before `StorageBusy`.
        synchronous: FULL keeps every acknowledged commit through a power loss; NORMAL may lose the last ones then
            (never the file, and never at a crash of the process alone) and is several times faster.

    Raises:
        ConfigError: SQLite is older than 3.37, a setting did not take, or the file holds a newer or other schema.
        StorageCorrupt: The file is not an SQLite database.
        StorageBusy: The file stayed locked while it was opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        busy_timeout_ms: int = 5_000,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
    ) -> None:
        if not isinstance(path, str | os.PathLike):
            raise WrongType(f"a path is text or a Path, not {type(path).__name__}: {shown(path)}")
        text = os.fspath(path)
        if not isinstance(text, str) or "\0" in text:
            raise InvalidInput(f"no path of a file: {shown(text)}")
        if text in {"", ":memory:"}:
            raise ConfigError("SqliteStorage needs a file; use crossloyalty.storage.memory.MemoryStorage instead")
        require_version()
        self._settings = Settings(os.path.abspath(text), busy_timeout_ms, synchronous)
        self.wait_s = self._settings.wait_s
        self._reset()
        self.closed = False
        connection = self.connection()
        try:
            prepare(connection.handle, self._settings)
        except BaseException as error:
            self.close()
            ours = translated(error)
            if ours is error:
                raise
            raise ours from error
        _OPEN.add(self)

    @staticmethod
    def install_sql() -> list[str]:
        """Give the statements that create the schema; opening a file runs them by itself."""
        return install_sql(SQLITE)

    @staticmethod
    def upgrade_sql(from_version: int, to_version: int) -> list[str]:
        """
        Give the statements from one version of the schema to a later one; opening a file runs them by itself.

        Raises:
            ConfigError: This library does not know one of the versions, or the way does not lead upwards.
        """
        return upgrade_sql(SQLITE, from_version, to_version)

    def transaction(self, *, readonly: bool = False) -> AbstractContextManager[Transaction]:
        """
        Open a transaction; leaving it by an exception undoes everything.

        Args:
            readonly: Read one consistent snapshot; `lock` and `write` raise `ConfigError`.

        Raises:
            ConfigError: On entering, when the storage is closed or this thread is inside a transaction of it already.
            StorageBusy: On entering, when another writer outlasted the busy time-out.
        """
        return SqliteTransaction(self, readonly=readonly)

    def joined(self, connection: object) -> JoinedStorage | AsyncJoinedStorage:
        """
        Give a storage that works inside the transaction the host has open on a connection: in a savepoint of ours.

        One writer at a time holds an SQLite file: inside the host's transaction use the joined door alone, because
        one on a connection of its own would wait for it.

        Args:
            connection: To this storage's file: of `sqlite3`, of SQLAlchemy, or Django's. One in autocommit mode needs
                a transaction that the host began; on others ours begins one, which the host commits.

        Returns:
            A plain storage for a plain connection, an asynchronous one otherwise; for as long as the connection lives.

        Raises:
            ConfigError: It cannot be joined, or it leads to another kind of database. Later, by the first
                transaction: it leads to another file.
        """
        from crossloyalty.storage._sql.host_link import Recognised
        from crossloyalty.storage._sql.host_words import on_file
        from crossloyalty.storage._sql.joined import joined_storage

        recognised = Recognised()
        recognised.yes = True  # when the file was opened
        return joined_storage(connection, on_file(self._settings.path), recognised)

    def close(self) -> None:
        """Close the connections of all threads; one that is in a transaction closes when that ends."""
        self.closed = True
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            if connection.transaction is None:
                connection.close()

    def __enter__(self) -> SqliteStorage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reset(self) -> None:
        self._local = threading.local()
        self.writers = WritersLine()
        self._guard = threading.Lock()
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()

    def connection(self) -> Connection:
        """Give this thread's connection, opened when it has none yet."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None and connection.is_open and not self.closed:
            return connection
        if self.closed:
            raise ConfigError("this storage is closed")
        try:
            connection = Connection(connect(self._settings))
        except sqlite3.Error as error:
            raise translated(error) from error
        with self._guard:
            self._connections.add(connection)
        self._local.connection = connection
        return connection

    def _abandon(self) -> None:
        """Leave the parent's handles alone in a forked child: closing one there would disturb the parent's locks."""
        for connection in list(self._connections):
            connection.abandon()
        self._reset()


_OPEN: Final[weakref.WeakSet[SqliteStorage]] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for storage in list(_OPEN):
        storage._abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
