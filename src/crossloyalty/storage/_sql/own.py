"""A transaction of our own on a pooled connection: begun with its first statement, its unknown COMMIT settled."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, Protocol, TypeVar

from crossloyalty.domain.records import Key, Record
from crossloyalty.errors import ConfigError, Conflict, Retryable, StorageBusy, StorageCorrupt, StorageUnavailable
from crossloyalty.storage._sql.link import Answer, Call, Link, is_refused
from crossloyalty.storage._sql.many import Many
from crossloyalty.storage._sql.pool import Pool
from crossloyalty.storage._sql.transaction import Ground, SqlTransaction
from crossloyalty.storage._sql.witness import Witness

__all__ = ["Faults", "OwnGround", "Words", "settle"]

_L = TypeVar("_L", bound=Link)
# Longer than a server that restarts is away, and than it keeps the locks of a client that is gone.
_SETTLING_S: Final = 15.0
_PAUSE_S: Final = 0.1


class Faults(Protocol):
    """What a driver's errors mean."""

    def translated(self, error: BaseException) -> BaseException:
        """Give our error for the driver's, or the very one where it is not the driver's."""
        ...

    def ends_transaction(self, error: BaseException) -> bool:
        """Say whether the server may have given up the whole transaction, so that only a new one can help."""
        ...


class Words(Protocol):
    """How one server begins and ends transactions."""

    @property
    def begin(self) -> Sequence[str]: ...

    @property
    def begin_readonly(self) -> Sequence[str]: ...


class OwnGround(Generic[_L]):
    """
    See `Ground`.

    Args:
        pool: Where connections come from.
        many: The statements of the dialect.
        words: How transactions begin and end.
        faults: What errors mean.
        pause: Waits some seconds while a lost COMMIT is looked into.
    """

    share_suffix = ""  # READ COMMITTED: every statement sees what was committed before it

    def __init__(
        self, pool: Pool[_L], many: Many, words: Words, faults: Faults, pause: Callable[[float], Awaitable[None]]
    ) -> None:
        self.many = many
        self._pool = pool
        self._words = words
        self._faults = faults
        self._pause = pause
        self._link: _L | None = None
        self._readonly = False
        self._begun = False

    async def enter(self, *, readonly: bool) -> None:
        """See `Ground.enter`."""
        self._readonly = readonly
        try:
            self._link = await self._pool.acquire()
        except BaseException as error:
            ours = self._faults.translated(error)
            if ours is error:
                raise
            raise ours from error

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """See `Ground.send`."""
        link = self._link
        if link is None:
            raise ConfigError("this transaction is not open")
        opening = self._opening()
        try:
            answers = await link.send([*opening, *calls])
        except BaseException as error:
            ours = await self._ours(error)
            if ours is error:
                raise
            raise ours from error
        return answers[len(opening) :] if opening else answers

    async def commit(self, calls: Sequence[Call], witness: Witness | None, *, sure: bool) -> list[Answer]:
        """See `Ground.commit`."""
        if not self._begun and not calls:
            return []
        answers: list[Answer] = []
        if calls and not sure:
            answers = await self.send(calls)
            if is_refused(calls, answers):
                return answers  # the caller refuses and rolls back
            calls = ()
        try:
            last = await self.send([*calls, Call("COMMIT")])
        except StorageUnavailable as error:
            self._begun = False
            if self._readonly:
                return answers  # what was read was read
            await self.leave()
            await settle(witness, error, self._another, self._pause)
            return [Answer(1 if call.expected is None else call.expected, ()) for call in calls]
        self._begun = False
        if is_refused(calls, last):
            raise StorageCorrupt("a row vanished while its root was locked; somebody changes tables by hand")
        return answers or last

    async def rollback(self) -> None:
        """See `Ground.rollback`."""
        link = self._link
        if link is None or not self._begun:
            return
        self._begun = False
        if not link.is_open:
            return
        try:
            await link.send([Call("ROLLBACK")])
        except Exception:  # noqa: BLE001 - the server rolls back what it loses
            link.close()
        except BaseException:
            link.close()
            raise

    async def leave(self) -> None:
        """See `Ground.leave`."""
        link, self._link = self._link, None
        if link is not None:
            self._pool.release(link)

    def _another(self) -> Ground:
        return OwnGround(self._pool, self.many, self._words, self._faults, self._pause)

    def _opening(self) -> list[Call]:
        if self._begun:
            return []
        self._begun = True
        return [Call(sql) for sql in (self._words.begin_readonly if self._readonly else self._words.begin)]

    async def _ours(self, error: BaseException) -> BaseException:
        ours = self._faults.translated(error)
        if isinstance(ours, StorageUnavailable):
            if self._link is not None:
                self._link.close()
            self._pool.lost()
        return ours


_NOTHING_TO_KEEP: Final = Exception("looked only")


async def settle(
    witness: Witness | None,
    lost: BaseException,
    new_ground: Callable[[], Ground],
    pause: Callable[[float], Awaitable[None]],
) -> None:
    """
    Find out what became of a COMMIT whose answer did not come.

    Args:
        lost: What came instead.
        new_ground: Gives what another transaction stands on.
        pause: Waits some seconds.

    Raises:
        Conflict: Nothing was committed; the use case runs again.
        StorageBusy: The server could not be asked. It is not `StorageUnavailable`, which would be run again at once:
            a second run that finds the first one's claim would answer that it created none.
    """
    if witness is None or not witness.rows:
        raise Conflict("the link was lost during COMMIT; run again") from lost
    found = await _found(witness, new_ground, pause)
    if not witness.confirmed(found):
        raise Conflict("the link was lost before COMMIT; nothing was changed") from lost


async def _found(
    witness: Witness, new_ground: Callable[[], Ground], pause: Callable[[float], Awaitable[None]]
) -> Mapping[Key, Record]:
    give_up_at = time.monotonic() + _SETTLING_S
    while True:
        try:
            return await _look(witness, new_ground())
        except Retryable as error:
            if time.monotonic() > give_up_at:
                raise StorageBusy(
                    "the link was lost during COMMIT and the server cannot be asked what became of it; the same "
                    "call again will tell"
                ) from error
            await pause(_PAUSE_S)


async def _look(witness: Witness, ground: Ground) -> Mapping[Key, Record]:
    look = SqlTransaction(ground, readonly=False)
    await look.enter()
    try:
        await look.lock(witness.roots)
        await look.create()  # a root that a COMMIT under way has made is locked by nothing else
        found = (await look.read(witness.keys)).records
    except BaseException as error:
        await look.leave(error)
        raise
    await look.leave(_NOTHING_TO_KEEP)
    return found
