"""
Inside a transaction the host has open: a savepoint, never a commit, and never a new try of what is the host's.

A "no" of ours rolls back to the savepoint and leaves the host's work as it was. What costs the host its transaction
(a deadlock, a time-out, a lost link, a snapshot that is too old) is `HostTransactionLost`, once and ever after.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from itertools import count
from typing import Final

from crossloyalty.application.ports import AsyncTransaction, Transaction
from crossloyalty.errors import ConfigError, HostTransactionLost
from crossloyalty.storage._sql.host_kinds import host_link
from crossloyalty.storage._sql.host_link import HostLink, Recognised
from crossloyalty.storage._sql.host_words import HostWords
from crossloyalty.storage._sql.link import Answer, Call, is_refused
from crossloyalty.storage._sql.many import Many
from crossloyalty.storage._sql.server import PlainTransaction, TaskTransaction
from crossloyalty.storage._sql.versions import require_current, version_sql
from crossloyalty.storage._sql.witness import Witness

__all__ = ["AsyncJoinedStorage", "Guest", "HostGround", "JoinedGround", "JoinedStorage", "joined_storage"]


# The connections of hosts that somebody of us works on at this moment.
_BUSY: Final[set[int]] = set()
_GUARD: Final = threading.Lock()


class Guest:
    """
    Our place on one connection of the host's, from transaction to transaction.

    Args:
        recognised: Shared by those who join through one storage.
    """

    def __init__(self, link: HostLink, words: HostWords, recognised: Recognised) -> None:
        self.link = link
        self.words = words
        self.many: Many = words.many
        self.recognised = recognised
        self.asserted = words.session is None
        self.lost: BaseException | None = None
        self._numbers = count(1)

    def next_name(self) -> str:
        """Give a name for a savepoint."""
        return f"crossloyalty_{next(self._numbers)}"

    def take(self) -> None:
        """
        Begin to work on the connection.

        Raises:
            ConfigError: Somebody of us does already.
            HostTransactionLost: Its transaction was lost before.
        """
        if self.lost is not None:
            raise HostTransactionLost(
                "the host's transaction was lost before; roll it back and join anew"
            ) from self.lost
        with _GUARD:
            if id(self.link.handle) in _BUSY:
                raise ConfigError("this connection is inside a joined transaction already")
            _BUSY.add(id(self.link.handle))

    def give_back(self) -> None:
        """End it."""
        _BUSY.discard(id(self.link.handle))

    def lose(self, why: BaseException) -> None:
        """Take note that the host's transaction can no longer commit."""
        self.lost = why
        self.link.mark_lost()


class HostGround:
    """
    What is the same wherever a transaction stands on a connection of the host's.

    Under REPEATABLE READ the host's MySQL reads an old snapshot, so everything a writing transaction reads there is
    read as locked rows are: as they are now.
    """

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._words = guest.words
        self.share_suffix = guest.words.dialect.share_suffix
        self._readonly = False
        self._begun = False

    @property
    def many(self) -> Many:
        """See `Ground.many`: what the server at the other end takes, as soon as it is known."""
        return self._guest.many

    async def enter(self, *, readonly: bool) -> None:
        """See `Ground.enter`."""
        self._readonly = readonly
        guest = self._guest
        guest.take()
        try:
            await self._enter()
        except BaseException as error:
            guest.give_back()
            ours = self._words.faults.meaning(error)
            if ours is error:
                raise
            raise ours from error

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """See `Ground.send`."""
        opening = [] if self._begun else await self._opening()
        answers = (await self._run([*opening, *calls]))[len(opening) :]
        if self._words.counts_changed:
            for place, (call, answer) in enumerate(zip(calls, answers, strict=True)):
                if answer.touched == 0 and call.sql.startswith("UPDATE "):
                    answers[place] = await self._found(call)
        return answers

    async def leave(self) -> None:
        """See `Ground.leave`."""
        self._guest.give_back()

    async def _enter(self) -> None:
        raise NotImplementedError

    def _first(self) -> list[Call]:
        """Give what is to be sent before anything else."""
        raise NotImplementedError

    async def _ours(self, error: Exception) -> BaseException:
        """Give our error for what a statement raised."""
        raise NotImplementedError

    async def _opening(self) -> list[Call]:
        """Give what is still to be sent first; ask what is asked only once."""
        guest, words = self._guest, self._words
        if words.session is not None and not guest.asserted:
            asked, of_session = words.session
            (answer,) = await self._run([asked])
            guest.many = of_session(answer.rows) or guest.many
            guest.asserted = True
        opening = self._first()
        self._begun = True
        if guest.recognised.yes:
            return opening
        *_, answer = await self._run([*opening, Call(version_sql(words.dialect))])
        require_current(words.dialect, answer.rows)
        guest.recognised.yes = True
        return []

    async def _found(self, call: Call) -> Answer:
        """Look whether an update that touched no row found the one it left as it was."""
        changed, _, where = call.sql.partition(" WHERE ")
        table, _, sets = changed.removeprefix("UPDATE ").partition(" SET ")
        dialect = self._words.dialect
        sql = f"SELECT 1 FROM {table} WHERE {where}{dialect.lock_suffix}"
        (answer,) = await self._run([Call(sql, call.row[sets.count(dialect.placeholder) :])])
        return Answer(len(answer.rows), ())

    async def _run(self, calls: Sequence[Call]) -> list[Answer]:
        guest = self._guest
        if guest.lost is not None:
            raise HostTransactionLost("the host's transaction was lost before") from guest.lost
        try:
            return await guest.link.send(calls)
        except Exception as error:
            ours = self._missing() if self._words.faults.lacks_table(error) else await self._ours(error)
            if ours is error:
                raise
            raise ours from error
        except BaseException as error:
            guest.lose(error)  # interrupted in the middle of a statement: nobody knows what the connection is at
            raise

    def _missing(self) -> ConfigError:
        try:
            require_current(self._words.dialect, None)
        except ConfigError as missing:
            return missing
        raise AssertionError("a missing table is refused")


class JoinedGround(HostGround):
    """See `Ground`; a savepoint in the host's transaction."""

    _name = ""  # of the savepoint

    async def commit(self, calls: Sequence[Call], witness: Witness | None, *, sure: bool) -> list[Answer]:
        """See `Ground.commit`: the savepoint is let go, the rest is the host's."""
        if not self._begun and not calls:
            return []
        answers = await self.send(calls) if calls else []
        if is_refused(calls, answers):
            return answers  # the caller refuses and rolls back
        await self._run([Call(f"RELEASE SAVEPOINT {self._name}")])
        self._begun = False
        return answers

    async def rollback(self) -> None:
        """See `Ground.rollback`: the host's work is as it was before ours."""
        guest = self._guest
        if not self._begun or guest.lost is not None:
            return
        self._begun = False
        undo = [Call(f"ROLLBACK TO SAVEPOINT {self._name}"), Call(f"RELEASE SAVEPOINT {self._name}")]
        try:
            await guest.link.send(undo)
        except Exception as error:  # noqa: BLE001 - told to whoever joins next; this caller has an error already
            guest.lose(error)
        except BaseException as error:
            guest.lose(error)
            raise

    async def _enter(self) -> None:
        await self._guest.link.begin(writing=not self._readonly)

    def _first(self) -> list[Call]:
        self._name = self._guest.next_name()
        return self._words.opening(self._name, writing=not self._readonly)

    async def _ours(self, error: Exception) -> BaseException:
        guest, faults = self._guest, self._words.faults
        lost = faults.loses(error)
        if lost is None and not guest.link.is_inside():
            lost = HostTransactionLost(f"the database rolled the host's transaction back: {faults.meaning(error)}")
        if lost is None and faults.is_duplicate(error) and self._words.isolation:
            lost = await self._too_old()
        if lost is not None:
            guest.lose(lost)
            return lost
        refused = faults.lacks_transaction(error)
        if refused is not None:
            self._begun = False
            return refused
        return faults.meaning(error)

    async def _too_old(self) -> HostTransactionLost | None:
        """After a duplicate: tell whether the host's snapshot will never show the row that is there."""
        guest = self._guest
        try:
            *_, answer = await guest.link.send(
                [Call(f"ROLLBACK TO SAVEPOINT {self._name}"), Call(self._words.isolation)]
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, the transaction did not survive it
            return HostTransactionLost(f"the host's transaction can no longer commit ({type(error).__name__})")
        ((level,),) = answer.rows
        if level == "read committed":
            return None
        return HostTransactionLost(
            f"somebody else was faster, which the host's {level} transaction cannot see: roll it back and start again"
        )


class _Joined:
    # Claims in somebody's transaction are never grouped with others.
    joins: Final = True

    def __init__(self, guest: Guest) -> None:
        self._guest = guest


class JoinedStorage(_Joined):
    """What `joined(connection)` gives for a plain connection; belongs to whoever the connection belongs to."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest)
        self._inside = threading.local()

    def transaction(self, *, readonly: bool = False) -> AbstractContextManager[Transaction]:
        """
        Work inside the host's transaction; leaving by an exception undoes what was done here and nothing else.

        Args:
            readonly: `lock` and `write` raise `ConfigError`; what is read is what the host's own statements would see.

        Raises:
            ConfigError: The host has no transaction open, or somebody of us is working on this connection.
            HostTransactionLost: The host's transaction can no longer commit.
        """
        return PlainTransaction(JoinedGround(self._guest), self._inside, readonly=readonly)


class AsyncJoinedStorage(_Joined):
    """What `joined(connection)` gives for a connection that is awaited; belongs to the same task."""

    def transaction(self, *, readonly: bool = False) -> AbstractAsyncContextManager[AsyncTransaction]:
        """See `JoinedStorage.transaction`."""
        return TaskTransaction(JoinedGround(self._guest), set(), readonly=readonly)


def joined_storage(connection: object, words: HostWords, recognised: Recognised) -> JoinedStorage | AsyncJoinedStorage:
    """
    Give a storage that works inside whatever transaction the host has open on a connection.

    Args:
        connection: See `host_kinds`.
        words: Those of the storage that is asked.

    Raises:
        ConfigError: It cannot be joined, or it leads to another kind of database.
    """
    link = host_link(connection)
    if link.dialect != words.dialect.name:
        raise ConfigError(f"this connection leads to {link.dialect}, the storage is for {words.dialect.name}")
    guest = Guest(link, words, recognised)
    return AsyncJoinedStorage(guest) if link.is_async else JoinedStorage(guest)
