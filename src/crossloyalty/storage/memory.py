"""
A storage that lives as long as its object: for tests, examples and trying things out.

It is also the readable specification of the port. A transaction collects its changes in an overlay, which is laid over
the tables on a clean exit. There is one writer at a time and any number of readers, each of which
keeps the tables it began on.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final

from crossloyalty.application.ports import Add, Ahead, Change, Delete, Found, Insert, Replace, Scan, Transaction
from crossloyalty.domain.records import Key, Record, RootKey, key_of
from crossloyalty.errors import ConfigError, Conflict, InvalidInput, LimitReached
from crossloyalty.storage._checks import INT_MAX, INT_MIN, check_key, check_record, check_scan
from crossloyalty.storage._memory_table import Table
from crossloyalty.storage._rules import addable, bumped, fresh_root, in_lock_order, kind_of, refuse_root, version_of
from crossloyalty.storage._shape import SHAPES

__all__ = ["MemoryStorage"]


class _MemoryTransaction(Transaction, AbstractContextManager["Transaction"]):
    def __init__(self, storage: MemoryStorage, *, readonly: bool) -> None:
        self._storage = storage
        self._readonly = readonly
        self._open = False
        self._failure: BaseException | None = None
        self._tables: Mapping[type[Record], Table] = {}
        self._overlay: dict[type[Record], Table] = {}
        self._gone: set[Key] = set()
        self._locked: dict[RootKey, int] | None = None

    def __enter__(self) -> Transaction:
        self._tables = self._storage._begin(readonly=self._readonly)
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        try:
            if error is None and self._failure is not None:
                raise self._failure  # a caller that swallowed it must not take the exit for success
            if error is None and not self._readonly:
                self._storage._publish(self._overlay, self._gone)
        finally:
            self._storage._end(readonly=self._readonly)

    def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        self._usable(writing=True)
        try:
            for root in roots:
                check_key(root)
            locked = {} if self._locked is None else self._locked
            for root in in_lock_order(roots, locked):
                record = self._get(root)
                if record is None:
                    record = fresh_root(root)
                    self._put(root, record)
                locked[root] = version_of(record)
            self._locked = locked
            return {root: locked[root] for root in roots}
        except BaseException as error:
            self._failure = error
            raise

    def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        self._usable()
        for key in keys:
            check_key(key)
        records = {key: record for key in keys if (record := self._get(key)) is not None}
        return Found(records, [self._scan(scan) for scan in scans])

    def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        self._usable(writing=True)
        try:
            if self._locked is None:
                raise ConfigError("write before lock: name the roots to lock first, if only none")
            self._refuse_bad(changes)
            for root, version in roots.items():
                if root not in self._locked:
                    raise ConfigError(f"a root of {SHAPES[root.kind].table} was written without being locked")
                if self._locked[root] != version:
                    raise Conflict(f"a version of {SHAPES[root.kind].table} has moved on")
            for change in changes:
                self._apply(change, roots)
            for root, version in roots.items():
                record = self._get(root)
                assert record is not None  # lock created it, and nothing deletes a root
                self._put(root, bumped(record, version + 1))
                self._locked[root] = version + 1
        except BaseException as error:
            self._failure = error
            raise

    def _usable(self, *, writing: bool = False) -> None:
        if not self._open:
            raise ConfigError("this transaction is not open")
        if writing and self._readonly:
            raise ConfigError("this transaction is readonly")
        if self._failure is not None:
            raise ConfigError("this transaction has failed; leave it and begin another") from self._failure

    def _refuse_bad(self, changes: Iterable[Change]) -> None:
        seen: set[Key] = set()
        for change in changes:
            if isinstance(change, Insert | Replace):
                kind_of(change)
                for record in change:
                    check_record(record)
                keys = [key_of(record) for record in change]
            else:
                check_key(change.key)
                keys = [change.key]
            for key in keys:
                if key in seen and not isinstance(change, Add):
                    raise ConfigError(f"one write changes a row of {SHAPES[key.kind].table} twice")
                seen.add(key)

    def _insert(self, record: Record) -> None:
        key = key_of(record)
        refuse_root(key, "inserted")
        if self._get(key) is not None:
            raise Conflict(f"this key of {SHAPES[key.kind].table} exists already")
        self._put(key, record)

    def _replace(self, record: Record, roots: Mapping[RootKey, int]) -> None:
        key = key_of(record)
        old = self._existing(key)
        if SHAPES[key.kind].is_root:
            if key not in roots:
                raise ConfigError(f"a root of {SHAPES[key.kind].table} is replaced but not among the roots")
            record = bumped(record, version_of(old))
        self._put(key, record)

    def _apply(self, change: Change, roots: Mapping[RootKey, int]) -> None:
        match change:
            case Insert():
                for record in change:
                    self._insert(record)
            case Replace():
                for record in change:
                    self._replace(record, roots)
            case Delete(key):
                refuse_root(key, "deleted")
                self._existing(key)
                self._put(key, None)
            case Add(key, field, delta, at_most):
                position = addable(key.kind, field, delta, at_most)
                counted: Any = self._existing(key)
                total = counted[position] + delta
                if not INT_MIN <= total <= (INT_MAX if at_most is None else at_most):
                    raise LimitReached(f"{SHAPES[key.kind].table}.{field} would pass its bound")
                self._put(key, counted._replace(**{field: total}))
            case _:
                raise InvalidInput(f"not a change: {type(change).__name__}")

    def _existing(self, key: Key) -> Record:
        record = self._get(key)
        if record is None:
            raise Conflict(f"this key of {SHAPES[key.kind].table} does not exist")
        return record

    def _get(self, key: Key) -> Record | None:
        if key in self._gone:
            return None
        overlay = self._overlay.get(key.kind)
        record = overlay.rows.get(key.values) if overlay else None
        return self._tables[key.kind].rows.get(key.values) if record is None else record

    def _put(self, key: Key, record: Record | None) -> None:
        overlay = self._overlay.setdefault(key.kind, Table(SHAPES[key.kind]))
        overlay.put(key.values, record)
        if record is None:
            self._gone.add(key)
        else:
            self._gone.discard(key)

    def _scan(self, scan: Scan) -> list[Record]:
        check_scan(scan)
        table, overlay = self._tables[scan.kind], self._overlay.get(scan.kind)
        found = [(position, key, table.rows[key]) for position, key in table.select(scan)]
        if overlay is not None:
            found = [
                entry for entry in found if entry[1] not in overlay.rows and Key(scan.kind, entry[1]) not in self._gone
            ]
            found += [(position, key, overlay.rows[key]) for position, key in overlay.select(scan)]
            found.sort(key=lambda entry: entry[0])
        if scan.descending:
            found.reverse()
        return [record for _position, _key, record in found[: scan.limit]]


class MemoryStorage:
    """Keeps everything in dictionaries; atomic and safe between threads, gone with the object."""

    def __init__(self) -> None:
        self._tables: dict[type[Record], Table] = {kind: Table(shape) for kind, shape in SHAPES.items()}
        self._writer: Final = threading.Lock()  # held by a writing transaction from its begin to its end
        self._swap: Final = threading.Lock()  # held for moments: guards the two names below
        self._readers = 0
        self._inside: Final = threading.local()

    def transaction(self, *, readonly: bool = False) -> AbstractContextManager[Transaction]:
        """
        Open a transaction; leaving it by an exception undoes everything.

        Args:
            readonly: Read one consistent snapshot; `lock` and `write` raise `ConfigError`.

        Raises:
            ConfigError: On entering, when this thread is inside a transaction of this storage already.
        """
        return _MemoryTransaction(self, readonly=readonly)

    def _begin(self, *, readonly: bool) -> Mapping[type[Record], Table]:
        if getattr(self._inside, "yes", False):
            raise ConfigError("this thread is inside a transaction of this storage already")
        if not readonly:
            self._writer.acquire()
        with self._swap:
            self._readers += readonly
            self._inside.yes = True
            return self._tables

    def _end(self, *, readonly: bool) -> None:
        self._inside.yes = False
        with self._swap:
            self._readers -= readonly
        if not readonly:
            self._writer.release()

    def _publish(self, overlay: Mapping[type[Record], Table], gone: Collection[Key]) -> None:
        with self._swap:
            try:
                self._lay(overlay, gone)
            except BaseException:  # a KeyboardInterrupt half-way: finish, so that nobody sees half a transaction
                self._lay(overlay, gone)
                raise

    def _lay(self, overlay: Mapping[type[Record], Table], gone: Collection[Key]) -> None:
        tables = dict(self._tables)
        for kind, changed in overlay.items():
            if self._readers:  # somebody reads these tables: leave them as they are
                tables[kind] = tables[kind].copy()
            for values, record in changed.rows.items():
                tables[kind].put(values, record)
            for key in gone:
                if key.kind is kind:
                    tables[kind].put(key.values, None)
        self._tables = tables
