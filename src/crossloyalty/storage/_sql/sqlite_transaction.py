"""A transaction on an SQLite connection, and what one thread keeps of its connection."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import cache, partial
from operator import itemgetter
from types import TracebackType
from typing import Any, Final, Protocol

from crossloyalty.application.ports import Ahead, Change, Found, Scan, Transaction
from crossloyalty.domain.records import Key, Record, RootKey
from crossloyalty.errors import ConfigError, Conflict, LimitReached
from crossloyalty.storage._rules import fresh_root, in_lock_order, lists_any, version_of
from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage._sql.plan import Plan, plan
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.sqlite_errors import translated
from crossloyalty.storage._sql.sqlite_waiting import WritersLine, patiently
from crossloyalty.storage._sql.statements import Statements

__all__ = ["STATEMENTS", "Connection", "Opener", "SqliteTransaction"]

STATEMENTS: Final = Statements(SQLITE)
# Rows become records without a call of Python code each.
_MAKE: Final = {kind: partial(tuple.__new__, kind) for kind in SHAPES}
_BARE: Final = itemgetter(slice(None))
# From so many keys that differ in their last part alone, one look-up of all is cheaper than one each. A few lengths
# of the list serve any number, so that each text is prepared once (100 keys: 0.6 to 1.4 µs each, not 8; SQLite 3.40).
_TOGETHER_FROM: Final = 4
_PIECES: Final = (8, 32, 128, 512)


class Opener(Protocol):
    """What a transaction needs of its storage."""

    @property
    def closed(self) -> bool:
        """Say whether connections are to be closed when their transaction ends."""
        ...

    @property
    def wait_s(self) -> float:
        """Say how long to wait for another connection, in seconds."""
        ...

    @property
    def writers(self) -> WritersLine:
        """Give the line in which this process's writers wait."""
        ...

    def connection(self) -> Connection:
        """Give this thread's connection."""
        ...


class Connection:
    """One thread's handle; `transaction` is the one that is open on it."""

    def __init__(self, handle: sqlite3.Connection) -> None:
        self.handle = handle
        self.cursor = handle.cursor()
        self.transaction: SqliteTransaction | None = None
        self.is_open = True
        # For when the thread has ended. The finalizer holds the handle, so that it is closed before it can be swept.
        self._close_once = weakref.finalize(self, _close, handle)

    def end(self) -> None:
        """Roll back what is open, so that nobody waits for it."""
        self.transaction = None
        try:
            if self.handle.in_transaction:
                self.cursor.execute("ROLLBACK")
        except BaseException as error:
            self.close()  # nobody may go on from an unknown state
            if not isinstance(error, sqlite3.Error):
                raise

    def close(self) -> None:
        """Close the handle, once."""
        self.is_open = False
        self._close_once()

    def abandon(self) -> None:
        """Leave the handle to the parent of this forked process: closing it here would disturb the parent's locks."""
        self.is_open = False
        if self._close_once.detach() is not None:
            _never_close(self.handle)
        if self.transaction is not None:
            self.transaction.lost()


def _close(handle: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        handle.close()


class SqliteTransaction(Transaction, AbstractContextManager["Transaction"]):
    """One BEGIN to COMMIT or ROLLBACK; see the port for what its calls promise."""

    __slots__ = (
        "_connection",
        "_cursor",
        "_failure",
        "_locked",
        "_missing",
        "_open",
        "_opener",
        "_readonly",
        "_stale",
        "_thread",
    )

    def __init__(self, opener: Opener, *, readonly: bool) -> None:
        self._opener = opener
        self._readonly = readonly
        self._open = False
        self._failure: BaseException | None = None
        self._locked: dict[RootKey, Record] | None = None
        self._missing: set[RootKey] = set()  # locked, and not stored yet
        self._stale = False  # written since they were read

    def __enter__(self) -> Transaction:
        connection = self._opener.connection()
        if connection.transaction is not None:
            raise ConfigError("this thread is inside a transaction of this storage already")
        try:
            if connection.handle.in_transaction:  # left over by an interrupt at a moment nobody can guard
                connection.cursor.execute("ROLLBACK")
            if self._readonly:
                connection.cursor.execute("BEGIN")
            else:
                opener = self._opener
                opener.writers.begin(partial(connection.cursor.execute, "BEGIN IMMEDIATE"), opener.wait_s)
            self._connection = connection
            self._cursor = connection.cursor
            self._thread = threading.get_ident()
            self._open = True
            connection.transaction = self
        except BaseException as error:
            self._open = False
            connection.end()
            ours = translated(error)
            if ours is error:
                raise
            raise ours from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        if not connection.is_open:
            raise ConfigError("this transaction was open across a fork and belongs to the parent")
        self._open = False
        try:
            if error is None:
                if self._failure is not None:
                    raise self._failure  # a caller that swallowed it must not take the exit for success
                if self._missing and self._locked is not None:
                    self._send(plan(STATEMENTS, (), {}, locked=self._locked, missing=self._missing))
                self._cursor.execute("COMMIT")
        except BaseException as failure:
            ours = translated(failure)
            if ours is failure:
                raise
            raise ours from failure
        finally:
            self._leave(connection)

    def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        self._usable(writing=True)
        try:
            locked = {} if self._locked is None else self._locked
            if self._stale:
                self._refresh()
            wanted = in_lock_order(roots, locked)
            stored = self._select_all(wanted)
            for root in wanted:
                record = stored.get(root)
                if record is None:
                    record = fresh_root(root)
                    self._missing.add(root)
                locked[root] = record
            self._locked = locked
            return {root: version_of(locked[root]) for root in roots}
        except BaseException as error:
            ours = self._failed(error)
            if ours is error:
                raise
            raise ours from error

    def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        self._usable()
        if self._stale:
            self._refresh()
        if self._missing and lists_any(scans, self._missing):
            self._create_missing()  # a scan has to see the roots that `lock` created
        locked = self._locked or {}
        records: dict[Key, Record] = {}
        try:
            missing = []
            for key in keys:
                record = locked.get(key)
                if record is None:
                    missing.append(key)
                else:
                    records[key] = record
            if self._readonly:  # its snapshot begins with the first row it asks for, for which it may have to wait
                found, rows = patiently(partial(self._fetch, missing, scans), self._opener.wait_s)
            else:
                found, rows = self._fetch(missing, scans)
            records |= found
        except sqlite3.Error as error:
            # SQLite may have rolled back by itself; later statements would then commit one by one.
            raise self._failed(error) from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise translated(error) from error
        return Found(records, rows)

    def _fetch(self, keys: Collection[Key], scans: Sequence[Scan]) -> tuple[dict[Key, Record], list[list[Record]]]:
        rows: list[list[Record]] = []
        records = self._select_all(keys)
        for scan in scans:
            sql, parameters = STATEMENTS.scan(scan)
            rows.append(list(map(_MAKE[scan.kind], self._cursor.execute(sql, parameters).fetchall())))
        return records, rows

    def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        self._usable(writing=True)
        try:
            if self._locked is None:
                raise ConfigError("write before lock: name the roots to lock first, if only none")
            if not self._connection.handle.in_transaction:
                raise ConfigError("somebody ended this transaction on its connection")
            if self._stale:
                self._refresh()
            self._send(plan(STATEMENTS, changes, roots, locked=self._locked, missing=self._missing))
            self._missing.clear()
            self._stale = True
        except BaseException as error:
            ours = self._failed(error)
            if ours is error:
                raise
            raise ours from error

    def _send(self, planned: Plan) -> None:
        cursor = self._cursor
        for sql, rows in planned.groups.items():
            # The driver binds an exact tuple faster than a record, which is a subclass.
            if len(rows) == 1:
                cursor.execute(sql, rows[0][:])
            else:
                cursor.executemany(sql, map(_BARE, rows))
            if cursor.rowcount != len(rows):
                raise Conflict("a row to change is missing, or the version of a root has moved on")
        for add, sql, row in planned.adds:
            if cursor.execute(sql, row).rowcount != 1:
                table = SHAPES[add.key.kind].table
                if self._select(add.key) is None:
                    raise Conflict(f"a row of {table} to add to is missing")
                raise LimitReached(f"{table}.{add.field} would pass its bound")

    def _select_all(self, keys: Collection[Key]) -> dict[Key, Record]:
        if len(keys) < _TOGETHER_FROM:
            return self._select_singly(keys)
        found: dict[Key, Record] = {}
        alone: list[Key] = []
        for group in _groups(keys):
            if len(group) < _TOGETHER_FROM:
                alone += group
                continue
            kind, make = group[0].kind, _MAKE[group[0].kind]
            length = STATEMENTS.of[kind].key_length
            for at in range(0, len(group), _PIECES[-1]):
                sql, parameters = _look_up(group[at : at + _PIECES[-1]])
                for row in self._cursor.execute(sql, parameters).fetchall():
                    found[Key(kind, row[:length])] = make(row)
        return found | self._select_singly(alone)

    def _select_singly(self, keys: Collection[Key]) -> dict[Key, Record]:
        found: dict[Key, Record] = {}
        for key in keys:
            record = self._select(key)
            if record is not None:
                found[key] = record
        return found

    def _select(self, key: Key) -> Record | None:
        kind, values = key
        table = STATEMENTS.table_of(kind, (key,))
        row = self._cursor.execute(table.select, values).fetchone()
        return None if row is None else _MAKE[kind](row)

    def _create_missing(self) -> None:
        assert self._locked is not None
        try:
            self._send(plan(STATEMENTS, (), {}, locked=self._locked, missing=self._missing))
            self._missing.clear()
        except BaseException as error:
            ours = self._failed(error)
            if ours is error:
                raise
            raise ours from error

    def _refresh(self) -> None:
        if self._locked:
            self._locked |= self._select_all(self._locked)
        self._stale = False

    def _usable(self, *, writing: bool = False) -> None:
        if not self._open or self._thread != threading.get_ident():
            raise ConfigError("this transaction is not open in this thread")
        if writing and self._readonly:
            raise ConfigError("this transaction is readonly")
        if self._failure is not None:
            raise ConfigError("this transaction has failed; leave it and begin another") from self._failure

    def _failed(self, error: BaseException) -> BaseException:
        """Note what makes a commit impossible, in our words."""
        self._failure = ours = translated(error)
        return ours

    def lost(self) -> None:
        """Refuse everything from here on: this process is a forked child, and the transaction its parent's."""
        self._open = False

    def _leave(self, connection: Connection) -> None:
        connection.end()
        self._opener.writers.ended()
        if self._opener.closed:
            connection.close()


def _groups(keys: Collection[Key]) -> Iterable[list[Key]]:
    """
    Put keys that differ in their last part alone together.

    Raises:
        InvalidInput, WrongType: A key cannot be one of its kind.
    """
    groups: dict[tuple[object, ...], list[Key]] = {}
    for key in keys:
        kind, values = key
        groups.setdefault((kind, *values[:-1]), []).append(key)
    for group in groups.values():
        STATEMENTS.table_of(group[0].kind, group)
    return groups.values()


def _look_up(keys: Sequence[Key]) -> tuple[str, list[object]]:
    """Give the statement that finds keys which differ in their last part alone, and its parameters."""
    kind: Any = keys[0].kind
    values = keys[0].values
    size = next(size for size in _PIECES if size >= len(keys))
    parameters: list[object] = [*values[:-1], *(key.values[-1] for key in keys)]
    parameters += [keys[-1].values[-1]] * (size - len(keys))  # a value that is named again finds nothing more
    return _select_many(STATEMENTS.of[kind].select, size), parameters


@cache
def _select_many(one: str, size: int) -> str:
    head, _, _ = one.rpartition(" = ?")
    return f"{head} IN ({', '.join('?' * size)})"


def _never_close(handle: sqlite3.Connection) -> None:
    # One reference too many keeps the interpreter from closing the handle, at its end too.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle))
