"""
A transaction on a server, written once as coroutines over a `Link`.

The common road is two round trips: BEGIN, locks and what the use case said it will read; then its changes and COMMIT,
when it said that they are the last. A server whose changes do not fail by themselves is told COMMIT in a third.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from crossloyalty.application.ports import Ahead, Change, Delete, Found, Replace, Scan
from crossloyalty.domain.records import Key, Record, RootKey
from crossloyalty.errors import ConfigError, Conflict, LimitReached
from crossloyalty.storage._rules import fresh_root, in_lock_order, lists_any, version_of
from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage._sql.link import Answer, Call, is_refused
from crossloyalty.storage._sql.many import Many
from crossloyalty.storage._sql.plan import Plan, plan
from crossloyalty.storage._sql.witness import Witness

__all__ = ["Ground", "SqlTransaction"]


class Ground(Protocol):
    """What a transaction stands on: one of our own on a pooled connection, or a savepoint in the host's."""

    @property
    def many(self) -> Many:
        """The statements of the dialect."""
        ...

    @property
    def share_suffix(self) -> str:
        """What a read ends with to see the newest committed rows; empty where it does anyway."""
        ...

    async def enter(self, *, readonly: bool) -> None:
        """Get hold of the connection; nothing need be sent yet."""
        ...

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """
        Run statements inside the transaction, which begins with the first of them.

        Raises:
            CrossloyaltyError: Ours, with the driver's as its cause.
        """
        ...

    async def commit(self, calls: Sequence[Call], witness: Witness | None, *, sure: bool) -> list[Answer]:
        """
        Run the last statements and make everything durable, in one round trip where that is safe.

        Args:
            witness: By what an unknown outcome is settled; None when nothing was written.
            sure: Whether every row to change is known to be there, so that a statement either does all or raises.
        """
        ...

    async def rollback(self) -> None:
        """Undo everything; never raises."""
        ...

    async def leave(self) -> None:
        """Let go of the connection; the last call, however the transaction ended."""
        ...


class _Reading(NamedTuple):
    """What is asked, and the calls that ask it: look-ups, then scans with the places of those they answer."""

    keys: Collection[Key]
    scans: Sequence[Scan]
    looked: Sequence[Call]
    asked: Sequence[tuple[Call, list[int]]]
    calls: Sequence[Call]


class _Ahead(NamedTuple):
    """What was found of what was asked."""

    keys: frozenset[Key]
    records: Mapping[Key, Record]
    rows: Mapping[Scan, Sequence[Record]]

    def covers(self, keys: Collection[Key], scans: Collection[Scan]) -> bool:
        """Say whether this answers a question."""
        return self.keys.issuperset(keys) and self.rows.keys() >= set(scans)


class SqlTransaction:
    """See `AsyncTransaction` for what its calls promise."""

    __slots__ = (
        "_ahead",
        "_failure",
        "_final",
        "_ground",
        "_locked",
        "_missing",
        "_open",
        "_readonly",
        "_seen",
        "_stale",
        "_sure",
        "_witness",
    )

    def __init__(self, ground: Ground, *, readonly: bool) -> None:
        self._ground = ground
        self._readonly = readonly
        self._open = False
        self._failure: BaseException | None = None
        self._locked: dict[RootKey, Record] | None = None
        self._missing: set[RootKey] = set()  # locked, and not stored yet
        self._stale = False  # written since they were read
        self._ahead: _Ahead | None = None
        self._final: list[Call] | None = None  # what waits for COMMIT
        self._witness: Witness | None = None
        self._seen: list[tuple[type[Record], Sequence[Any]]] = []  # rows read under the locks, as they still are
        self._sure = False

    async def enter(self) -> None:
        """Begin."""
        await self._ground.enter(readonly=self._readonly)
        self._open = True

    async def leave(self, error: BaseException | None) -> None:
        """
        Commit, or roll back when the block raised or a call inside it failed.

        Raises:
            BaseException: What made a call fail, when the block swallowed it.
        """
        self._open = False
        ground = self._ground
        try:
            if error is not None:
                await ground.rollback()
                return
            if self._failure is not None:
                await ground.rollback()
                raise self._failure  # a caller that swallowed it must not take the exit for success
            calls = self._final or []
            if self._missing:
                calls = [*self._created(), *calls]
            try:
                sure = self._sure or self._final is None  # what `lock` found missing is inserted, which raises
                _check(calls, await ground.commit(calls, self._witness, sure=sure))
            except BaseException:
                await ground.rollback()
                raise
        finally:
            await ground.leave()

    async def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        """See `AsyncTransaction.lock`."""
        self._usable(writing=True)
        try:
            locked = {} if self._locked is None else self._locked
            if self._stale:
                await self._refresh()
            wanted = in_lock_order(roots, locked)
            calls = self._look_ups(wanted, self._ground.many.statements.dialect.lock_suffix)
            reading = None
            if ahead is not None:
                held = {*wanted, *locked}
                reading = self._reading([key for key in ahead.keys if key not in held], ahead.scans)
            answers = await self._send([*calls, *reading.calls] if reading is not None else calls)
            stored: dict[Key, Record] = {}
            self._take(calls, answers, stored)
            for root in wanted:
                record = stored.get(root)
                if record is None:
                    record = fresh_root(root)
                    self._missing.add(root)
                locked[root] = record
            self._locked = locked
            self._ahead = None if reading is None else self._found(reading, answers[len(calls) :])
            return {root: version_of(locked[root]) for root in roots}
        except BaseException as error:
            self._failure = error
            raise

    async def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        """See `AsyncTransaction.read`."""
        self._usable()
        if self._stale:
            await self._refresh()
        if self._missing and lists_any(scans, self._missing):
            await self.create()  # a scan has to see the roots that `lock` created
            self._ahead = None  # it was asked before they were there
        locked = self._locked or {}
        records = {key: locked[key] for key in keys if key in locked}
        missing = [key for key in keys if key not in locked] if len(records) < len(keys) else []
        if not missing and not scans:
            return Found(records, [])  # and what was asked ahead still waits for its question
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.covers(missing, scans):
            records |= ahead.records
            return Found(records, [ahead.rows[scan] for scan in scans])
        reading = self._reading(missing, scans)
        found = self._found(reading, await self._send(reading.calls))
        records |= found.records
        return Found(records, [found.rows[scan] for scan in scans])

    async def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        """See `AsyncTransaction.write`."""
        self._usable(writing=True)
        try:
            if self._locked is None:
                raise ConfigError("write before lock: name the roots to lock first, if only none")
            if self._stale:
                await self._refresh()
            self._ahead = None
            many = self._ground.many
            planned = plan(many.statements, changes, roots, locked=self._locked, missing=self._missing)
            witness = Witness.of(changes, roots)
            self._witness = witness if self._witness is None else self._witness.joined(witness)
            known = final and self._has_seen(changes)
            calls = [call for sql, rows in planned.groups.items() for call in many.changes(sql, rows, known=known)]
            if final and not planned.adds:
                self._final, self._sure = calls, known
            else:
                await self._change(calls)
                await self._add(planned)
            self._missing.clear()
            self._seen.clear()
            self._stale = True
        except BaseException as error:
            self._failure = error
            raise

    async def create(self) -> None:
        """Insert the roots that `lock` found missing; waits for whoever has inserted them and not committed yet."""
        if self._missing:
            await self._change(self._created())
            self._missing.clear()

    def _has_seen(self, changes: Sequence[Change]) -> bool:
        """
        Say whether this transaction has read every row it changes.

        It has done so under the lock of the row's root, without which nobody removes a row. Roots are locked.
        """
        of = self._ground.many.statements.of
        wanted: dict[type[Record], set[tuple[Any, ...]]] = {}
        for change in changes:
            if isinstance(change, Replace):
                for record in change:
                    table = of[type(record)]
                    if not table.is_root:
                        wanted.setdefault(type(record), set()).add(record[: table.key_length])
            elif isinstance(change, Delete):
                wanted.setdefault(change.key.kind, set()).add(change.key.values)
        for kind, rows in self._seen if wanted else ():
            keys = wanted.get(kind)
            if keys:
                length = of[kind].key_length
                keys.difference_update([row[:length] for row in rows])
        return not any(wanted.values())

    def _reading(self, keys: Collection[Key], scans: Sequence[Scan]) -> _Reading:
        many, suffix = self._ground.many, "" if self._readonly else self._ground.share_suffix
        looked = self._look_ups(keys, suffix)
        asked = many.scans(scans, suffix) if scans else []
        return _Reading(keys, scans, looked, asked, [*looked, *(call for call, _ in asked)])

    def _found(self, reading: _Reading, answers: Sequence[Answer]) -> _Ahead:
        records: dict[Key, Record] = {}
        self._take(reading.looked, answers, records)
        rows: dict[Scan, Sequence[Record]] = {}
        scans = reading.scans
        for (_call, places), answer in zip(reading.asked, answers[len(reading.looked) :], strict=True):
            for place, dealt in self._ground.many.split(scans, places, answer.rows):
                rows[scans[place]] = dealt
        if self._locked is not None:
            self._saw(reading, answers)
        return _Ahead(frozenset(reading.keys), records, rows)

    def _saw(self, reading: _Reading, answers: Sequence[Answer]) -> None:
        for call, answer in zip(reading.calls, answers, strict=True):
            if call.kind is not None and answer.rows:
                self._seen.append((call.kind, answer.rows))

    def _created(self) -> list[Call]:
        assert self._locked is not None
        many = self._ground.many
        planned = plan(many.statements, (), {}, locked=self._locked, missing=self._missing)
        return [call for sql, rows in planned.groups.items() for call in many.changes(sql, rows)]

    async def _change(self, calls: Sequence[Call]) -> None:
        _check(calls, await self._send(calls))

    async def _add(self, planned: Plan) -> None:
        for add, sql, row in planned.adds:
            (answer,) = await self._send([Call(sql, row)])
            if answer.touched != 1:
                table = SHAPES[add.key.kind].table
                if not await self._select([add.key], self._ground.share_suffix):
                    raise Conflict(f"a row of {table} to add to is missing")
                raise LimitReached(f"{table}.{add.field} would pass its bound")

    async def _select(self, keys: Collection[Key], suffix: str) -> dict[Key, Record]:
        calls = self._look_ups(keys, suffix)
        found: dict[Key, Record] = {}
        self._take(calls, await self._send(calls), found)
        return found

    def _look_ups(self, keys: Collection[Key], suffix: str) -> list[Call]:
        by_kind: dict[type[Record], dict[Key, None]] = {}
        for key in keys:
            by_kind.setdefault(key.kind, {})[key] = None
        many = self._ground.many
        return [call for kind, found in by_kind.items() for call in many.selects(kind, list(found), suffix)]

    def _take(self, calls: Sequence[Call], answers: Sequence[Answer], records: dict[Key, Record]) -> None:
        of = self._ground.many.statements.of
        for call, answer in zip(calls, answers, strict=False):
            kind = call.kind
            if kind is not None:
                length = of[kind].key_length
                for row in answer.rows:
                    records[Key(kind, row[:length])] = row

    async def _send(self, calls: Sequence[Call]) -> list[Answer]:
        if not calls:
            return []
        try:
            return await self._ground.send(calls)
        except BaseException as error:
            self._failure = error  # the server may have ended the transaction; nothing may go on in it
            raise

    async def _refresh(self) -> None:
        if self._locked:
            self._locked |= await self._select(list(self._locked), self._ground.share_suffix)
        self._stale = False

    def _usable(self, *, writing: bool = False) -> None:
        if not self._open:
            raise ConfigError("this transaction is not open")
        if writing and self._readonly:
            raise ConfigError("this transaction is readonly")
        if self._failure is not None:
            raise ConfigError("this transaction has failed; leave it and begin another") from self._failure
        if self._final is not None:
            raise ConfigError("the last write of this transaction was made")


def _check(calls: Sequence[Call], answers: Sequence[Answer]) -> None:
    if is_refused(calls, answers):
        raise Conflict("a row to change is missing, or the version of a root has moved on")
