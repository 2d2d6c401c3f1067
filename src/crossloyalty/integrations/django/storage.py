"""
A storage over Django's own connections: inside `atomic()` it joins the block, elsewhere it opens one of its own.

The tables come by the migrations of `crossloyalty.integrations.django`, or by the storages' `install_sql()`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

import attrs
from django.db import connections, transaction

from crossloyalty.application.ports import Transaction
from crossloyalty.errors import ConfigError, StorageUnavailable, shown
from crossloyalty.storage._sql.host_django import DjangoLink
from crossloyalty.storage._sql.host_link import Recognised
from crossloyalty.storage._sql.host_words import words_of
from crossloyalty.storage._sql.joined import Guest, HostGround, JoinedGround
from crossloyalty.storage._sql.link import Answer, Call, is_refused
from crossloyalty.storage._sql.own import settle
from crossloyalty.storage._sql.server import PlainTransaction
from crossloyalty.storage._sql.waiting import thread_pause
from crossloyalty.storage._sql.witness import Witness

__all__ = ["DjangoStorage"]

_T = TypeVar("_T")

# Before the first statement of a block of ours that only reads; SQLite's transactions read one snapshot anyway.
_SNAPSHOT: Final = {
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "mysql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
}


class DjangoStorage:
    """
    Keeps everything in one of Django's databases, on Django's connection of the calling thread.

    Inside `atomic()` each call takes a savepoint and never commits: a "no" leaves the host's work as it was, and what
    is answered holds when the block commits. What costs the block its transaction is `HostTransactionLost`. Elsewhere
    each call is a block of its own, which is durable when it returns and is tried again when others were faster.

    Args:
        using: The alias in `DATABASES`; on PostgreSQL, MySQL, MariaDB or SQLite.

    Raises:
        ConfigError: There is no such alias, or its database is of another kind. What the connection itself has wrong
            (schema, settings) shows with the first transaction.
    """

    joins = True

    def __init__(self, using: str = "default") -> None:
        if using not in connections:
            raise ConfigError(f"DATABASES has no alias {shown(using)}")
        self._using = using
        # Django says itself whether there is a transaction.
        self._words = attrs.evolve(words_of(connections[using].vendor), proof="")
        self._recognised = Recognised()
        self._local = threading.local()  # a thread's connection, as it was when its settings were looked at
        self._inside = threading.local()

    @property
    def is_provisional(self) -> bool:
        """Whether this thread is inside a transaction of the host's."""
        connection = connections[self._using]
        if connection.in_atomic_block:
            return True
        if connection.connection is None:
            return not connection.settings_dict["AUTOCOMMIT"]
        return not connection.autocommit

    def transaction(self, *, readonly: bool = False) -> AbstractContextManager[Transaction]:
        """
        Open a transaction, or join the one that is open; leaving it by an exception undoes what was done inside.

        Args:
            readonly: Read one consistent snapshot, inside a block of the host's what that would see; `lock` and
                `write` raise `ConfigError`.

        Raises:
            ConfigError: On entering, when this thread is inside a transaction of this storage already.
            HostTransactionLost: Inside a block of the host's that has failed or fails.
            StorageUnavailable: The server cannot be reached.
        """
        make = JoinedGround if self.is_provisional else _AtomicGround
        return PlainTransaction(make(self._guest()), self._inside, readonly=readonly)

    async def run_in_its_thread(self, call: Callable[[], _T]) -> _T:
        """Run a call in the thread in which Django runs what is synchronous, where its `atomic()` holds."""
        from asgiref.sync import sync_to_async

        return await sync_to_async(call, thread_sensitive=True)()

    def _guest(self) -> Guest:
        connection: Any = connections[self._using]
        driver, guest = getattr(self._local, "guest", (None, None))
        if guest is None or guest.link.handle is not connection or driver is not connection.connection:
            guest = Guest(DjangoLink(connection), self._words, self._recognised)
            self._local.guest = connection.connection, guest
        guest.lost = None  # of another block; Django knows whether this one has failed
        return guest


class _AtomicGround(HostGround):
    """See `Ground`; an `atomic()` block of our own."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest)
        self._connection: Any = guest.link.handle
        self._atomic: Any = None

    async def commit(self, calls: Sequence[Call], witness: Witness | None, *, sure: bool) -> list[Answer]:
        """See `Ground.commit`."""
        answers = await self.send(calls) if calls else []
        if is_refused(calls, answers):
            return answers  # the caller refuses and rolls back
        try:
            self._exit()
        except Exception as error:
            ours = self._words.faults.meaning(error)
            if isinstance(ours, StorageUnavailable):
                if self._readonly:
                    return answers  # what was read was read
                self._guest.give_back()
                await settle(witness, error, self._another, thread_pause)
                return answers
            if ours is error:
                raise
            raise ours from error
        return answers

    async def rollback(self) -> None:
        """See `Ground.rollback`; a connection that cannot roll back is closed by Django."""
        if self._atomic is not None:
            self._connection.needs_rollback = True
            try:
                self._exit()
            except Exception:  # noqa: BLE001 - the server rolls back what it loses
                self._connection.close()

    async def _enter(self) -> None:
        if self._connection.in_atomic_block:
            raise ConfigError("a transaction of DjangoStorage is entered where it is made")
        atomic: Any = transaction.atomic(using=self._connection.alias)
        atomic.__enter__()
        self._atomic = atomic

    def _first(self) -> list[Call]:
        words = self._words
        first = _SNAPSHOT.get(words.dialect.name, "") if self._readonly else words.writing
        return [Call(first)] if first else []

    async def _ours(self, error: Exception) -> BaseException:
        return self._words.faults.meaning(error)

    def _exit(self) -> None:
        atomic, self._atomic = self._atomic, None
        atomic.__exit__(None, None, None)

    def _another(self) -> _AtomicGround:
        return _AtomicGround(Guest(DjangoLink(self._connection), self._words, self._guest.recognised))
