"""What every use case is given: storage, clock, pause, chance; and the retry of a contended transaction."""

from __future__ import annotations

import random as _random
from collections import ChainMap
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from crossloyalty.application.ports import (
    AsyncPhoneCheck,
    AsyncPhoneCipher,
    AsyncRateLimiter,
    AsyncSleep,
    AsyncStorage,
    AsyncTransaction,
    Clock,
)
from crossloyalty.domain.calendar import instant_of
from crossloyalty.domain.orders import checked_time
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import Key
from crossloyalty.errors import Conflict, LockTimedOut, StorageBusy, StorageUnavailable

if TYPE_CHECKING:
    from crossloyalty.domain.phones import PhoneIndex
    from crossloyalty.domain.tokens import OrderTokens

__all__ = ["MemberMoved", "World", "system_clock"]

_T = TypeVar("_T")
_TRIES: Final = 12
# A server that restarts is back within a second or two; a caller is not kept waiting much longer for one that is not.
_PATIENCE_S: Final = 5.0
_MOST_TRIES: Final = 60
_TRIED_AGAIN: Final = (Conflict, LockTimedOut, StorageUnavailable)
_MOST_HOMES: Final = 10_000
_MOST_MOVES: Final = 64


class MemberMoved(Exception):
    """A member was merged away, or stands for itself again; the use case begins again, knowing so."""


def system_clock() -> datetime:
    """Give the present moment, UTC."""
    return datetime.now(UTC)


@attrs.define
class World:
    """
    The ports a door was built with.

    Args:
        storage: Where programs live.
        clock: Gives the present moment as an aware datetime.
        sleep: Pauses between the tries of a contended call, in seconds.
        random: Draws the jitter of those pauses, 0 to 1.
        programs: Parsed revisions by (program id, revision); revisions never change, so they are kept.
        newest: The newest revision seen of each program; a hint, checked in every use case's first read.
        parsed: Programs by their whole text, whatever their number.
        locks: Who was seen to have guessed too often, and until when in microseconds; a hint, checked where it is used.
        homes: Into whom members were merged, by (program id, member id); a hint, checked where it is followed.
        phone_index: Makes blind indexes of phones.
        tokens: Signs and checks tokens of orders.
        phone_cipher: Hides phones that are kept; None: only their indexes are.
        phone_check: Asks a platform whether a phone is that of an order.
        limiter: Counts attempts apart from the transaction of the answer; None: they are counted in it.
    """

    storage: AsyncStorage
    clock: Clock
    sleep: AsyncSleep
    random: Callable[[], float] = _random.random
    programs: MutableMapping[tuple[str, int], Program] = attrs.field(factory=dict)
    newest: MutableMapping[str, int] = attrs.field(factory=dict)
    parsed: MutableMapping[str, Program] = attrs.field(factory=dict)
    homes: MutableMapping[tuple[str, str], str] = attrs.field(factory=dict)
    locks: MutableMapping[Key, int] = attrs.field(factory=dict)
    phone_index: PhoneIndex | None = None
    tokens: OrderTokens | None = None
    phone_cipher: AsyncPhoneCipher | None = None
    phone_check: AsyncPhoneCheck | None = None
    limiter: AsyncRateLimiter | None = None

    def provisional(self) -> World:
        """
        Give a world for one use case inside a host's transaction, which may read revisions that are never committed.

        It knows what this one knows, and what it learns is its own.
        """
        return attrs.evolve(
            self,
            programs=ChainMap({}, self.programs),
            newest=ChainMap({}, self.newest),
            homes=dict(self.homes),
        )

    def home(self, program_id: str, member_id: str) -> str:
        """Name the member that stands for a member, as far as is known."""
        homes = self.homes
        while homes and (into := homes.get((program_id, member_id))) is not None:
            member_id = into
        return member_id

    def moved(self, program_id: str, member_id: str, into: str) -> None:
        """Remember into whom a member was merged; "": it stands for itself."""
        self.homes.pop((program_id, member_id), None)
        if into:
            if len(self.homes) >= _MOST_HOMES:
                self.homes.clear()
            # Whoever is merged into stands for itself, as far as is known: so no chain of hints ever runs in a circle.
            self.homes.pop((program_id, into), None)
            self.homes[program_id, member_id] = into

    def now(self) -> int:
        """Give the present moment, in microseconds since 1970."""
        return instant_of(checked_time(self.clock(), "what the clock gives"))

    async def run(self, body: Callable[[AsyncTransaction], Awaitable[_T]], *, readonly: bool = False) -> _T:
        """
        Run a use case inside a transaction of our own, again from its first lock when somebody else was faster.

        Args:
            body: The use case; must leave nothing behind outside the transaction.
            readonly: Read one consistent snapshot.

        Raises:
            StorageBusy: It lost every one of its tries, or the store stayed out of reach for about five seconds.
        """
        for _ in range(_MOST_MOVES):
            try:
                async with self.storage.transaction(readonly=readonly) as tx:
                    return await body(tx)
            except MemberMoved:
                continue
            except _TRIED_AGAIN:
                break
        return await self._run_again(body, readonly)

    async def _run_again(self, body: Callable[[AsyncTransaction], Awaitable[_T]], readonly: bool) -> _T:
        # Imported here: contention is rare, and the library should import fast.
        from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

        def enough(state: RetryCallState) -> bool:
            error = None if state.outcome is None else state.outcome.exception()
            if isinstance(error, Conflict):
                return state.attempt_number >= _TRIES
            return state.attempt_number >= _MOST_TRIES or (state.seconds_since_start or 0.0) >= _PATIENCE_S

        retrying = AsyncRetrying(
            sleep=self.sleep,
            stop=enough,
            wait=lambda state: self.random() * min(0.5, 0.005 * 2.0**state.attempt_number),
            retry=retry_if_exception_type(_TRIED_AGAIN),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    for _ in range(_MOST_MOVES):
                        try:
                            async with self.storage.transaction(readonly=readonly) as tx:
                                return await body(tx)
                        except MemberMoved:
                            continue
        except Conflict as error:
            raise StorageBusy(f"lost {_TRIES} tries against other writers") from error
        raise StorageBusy("no try was made")  # unreachable: the loop returns or raises
