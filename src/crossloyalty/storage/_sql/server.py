"""Storages on a server, plain and asynchronous: a pool of connections and a transaction over one of them."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol

from crossloyalty.application.driving import drive
from crossloyalty.application.ports import Ahead, AsyncTransaction, Change, Found, Scan, Transaction
from crossloyalty.domain.records import Key, RootKey
from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.host_link import Recognised
from crossloyalty.storage._sql.link import Link
from crossloyalty.storage._sql.many import Many
from crossloyalty.storage._sql.own import Faults, OwnGround, Words
from crossloyalty.storage._sql.pool import Pool
from crossloyalty.storage._sql.transaction import Ground, SqlTransaction
from crossloyalty.storage._sql.waiting import TaskGate, ThreadGate, task_pause, thread_pause

if TYPE_CHECKING:
    from crossloyalty.storage._sql.joined import AsyncJoinedStorage, JoinedStorage

__all__ = ["AsyncServerStorage", "PlainTransaction", "Server", "ServerStorage", "TaskTransaction"]


class Server(Protocol):
    """What differs between servers."""

    @property
    def many(self) -> Many: ...

    @property
    def words(self) -> Words: ...

    @property
    def faults(self) -> Faults: ...

    async def open(self) -> Link:
        """Connect, assert the settings and the schema."""
        ...


class PlainTransaction(Transaction, AbstractContextManager["Transaction"]):
    """A transaction that blocks its thread; belongs to the thread and the process that entered it."""

    __slots__ = ("_inside", "_owner", "_tx")

    def __init__(self, ground: Ground, inside: threading.local, *, readonly: bool) -> None:
        self._tx = SqlTransaction(ground, readonly=readonly)
        self._inside = inside
        self._owner: tuple[int, int] | None = None

    def __enter__(self) -> Transaction:
        if getattr(self._inside, "pid", 0) == os.getpid():
            raise ConfigError("this thread is inside a transaction of this storage already")
        drive(self._tx.enter())
        self._owner = os.getpid(), threading.get_ident()
        self._inside.pid = os.getpid()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mine()
        self._owner = None
        self._inside.pid = 0
        drive(self._tx.leave(error))

    def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        """See `Transaction.lock`."""
        self._mine()
        return drive(self._tx.lock(roots, ahead=ahead))

    def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        """See `Transaction.read`."""
        self._mine()
        return drive(self._tx.read(keys, scans))

    def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        """See `Transaction.write`."""
        self._mine()
        drive(self._tx.write(changes, roots=roots, final=final))

    def _mine(self) -> None:
        if self._owner != (os.getpid(), threading.get_ident()):
            raise ConfigError("this transaction is not open in this thread of this process")


class TaskTransaction(AbstractAsyncContextManager["AsyncTransaction"]):
    """A transaction that is awaited; belongs to the task that entered it."""

    __slots__ = ("_inside", "_owner", "_tx")

    def __init__(self, ground: Ground, inside: set[object], *, readonly: bool) -> None:
        self._tx = SqlTransaction(ground, readonly=readonly)
        self._inside = inside
        self._owner: object = None

    async def __aenter__(self) -> AsyncTransaction:
        task = asyncio.current_task()
        if task in self._inside:
            raise ConfigError("this task is inside a transaction of this storage already")
        await self._tx.enter()
        self._owner = task
        self._inside.add(task)
        return self._tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside.discard(self._owner)
        self._owner = None
        if error is None or isinstance(error, Exception):
            await self._tx.leave(error)
            return
        # A cancelled task leaves only when the server knows that nothing is to be kept.
        await asyncio.shield(asyncio.ensure_future(self._tx.leave(error)))


class _Pooled:
    """What both spellings of a storage on a server have in common."""

    # Beside a host's transaction there are others, so that attempts can be counted durably.
    has_own_connections = True

    def __init__(self, server: Server, gate: ThreadGate | TaskGate, pool_wait_s: float) -> None:
        self._server = server
        self._recognised = Recognised()  # by those that join; the pool's connections look for themselves
        self._pool: Pool[Any] = Pool(server.open, gate, wait_s=pool_wait_s)
        # Connections nobody gave back to the server are closed when the storage is forgotten.
        self._finalizer = weakref.finalize(self, self._pool.close)
        _OPEN.add(self)

    def joined(self, connection: object) -> JoinedStorage | AsyncJoinedStorage:
        """
        Give a storage that works inside the transaction the host has open on a connection: in a savepoint of ours.

        Nothing is committed or tried again that is the host's. After a "no" of ours the host's work is as it was; what
        is answered holds when the host commits.

        Args:
            connection: Of a driver, of SQLAlchemy, or Django's; plain or asynchronous.

        Returns:
            A plain storage for a plain connection, an asynchronous one otherwise; for as long as the connection lives.

        Raises:
            ConfigError: It cannot be joined, or it leads to another kind of database.
        """
        from crossloyalty.storage._sql.host_words import words_of
        from crossloyalty.storage._sql.joined import joined_storage

        return joined_storage(connection, words_of(self._server.many.statements.dialect.name), self._recognised)

    def close(self) -> None:
        """Close the idle connections; one that is in a transaction closes when that ends."""
        self._pool.close()

    def _forked(self) -> None:
        """Leave the parent's connections alone in a forked child: a word on one would end the parent's session."""
        _ABANDONED.extend(self._pool.abandon())


class ServerStorage(_Pooled):
    """A storage on a server for plain callers; any number of threads."""

    def __init__(self, server: Server, *, pool_size: int, pool_wait_s: float) -> None:
        self._pool_size = pool_size
        super().__init__(server, ThreadGate(pool_size), pool_wait_s)
        self._inside = threading.local()

    def transaction(self, *, readonly: bool = False) -> AbstractContextManager[Transaction]:
        """
        Open a transaction; leaving it by an exception undoes everything.

        Args:
            readonly: Read one consistent snapshot; `lock` and `write` raise `ConfigError`.

        Raises:
            ConfigError: On entering, when the storage is closed, this thread is inside a transaction of it already,
                or the first connection shows that settings or schema are not what they have to be.
            StorageBusy: On entering, when no connection became free in time.
            StorageUnavailable: The server cannot be reached.
        """
        server = self._server
        ground = OwnGround(self._pool, server.many, server.words, server.faults, thread_pause)
        return PlainTransaction(ground, self._inside, readonly=readonly)

    def __enter__(self) -> ServerStorage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _forked(self) -> None:
        super()._forked()
        self._pool.gate = ThreadGate(self._pool_size)


class AsyncServerStorage(_Pooled):
    """A storage on a server for tasks; each event loop has connections of its own."""

    def __init__(self, server: Server, *, pool_size: int, pool_wait_s: float) -> None:
        super().__init__(server, TaskGate(pool_size), pool_wait_s)
        self._inside: set[object] = set()  # tasks

    def transaction(self, *, readonly: bool = False) -> AbstractAsyncContextManager[AsyncTransaction]:
        """See `ServerStorage.transaction`."""
        server = self._server
        ground = OwnGround(self._pool, server.many, server.words, server.faults, task_pause)
        return TaskTransaction(ground, self._inside, readonly=readonly)

    async def __aenter__(self) -> AsyncServerStorage:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


_OPEN: Final[weakref.WeakSet[_Pooled]] = weakref.WeakSet()
_ABANDONED: Final[list[Link]] = []  # never closed, never collected


def _after_fork_in_child() -> None:
    for storage in list(_OPEN):
        storage._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
