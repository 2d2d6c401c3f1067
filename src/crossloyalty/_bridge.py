"""One source for sync and async: the `lift…` classes spell plain ports async, `drive` runs a coroutine over them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType

from crossloyalty.application.driving import drive
from crossloyalty.application.ports import (
    Ahead,
    AsyncSleep,
    AsyncTransaction,
    Attempt,
    Change,
    EnrolmentAnswer,
    EnrolmentGateway,
    Found,
    PhoneCheck,
    RateLimiter,
    Scan,
    Sleep,
    Storage,
    Transaction,
)
from crossloyalty.domain.identities import Identity
from crossloyalty.domain.records import Key, RootKey

__all__ = ["LiftedEnrolmentGateway", "LiftedPhoneCheck", "LiftedRateLimiter", "LiftedStorage", "drive", "lift_sleep"]


class _LiftedTransaction:
    __slots__ = ("_plain",)

    def __init__(self, plain: Transaction) -> None:
        self._plain = plain

    async def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        return self._plain.lock(roots, ahead=ahead)

    async def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        return self._plain.read(keys, scans)

    async def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        self._plain.write(changes, roots=roots, final=final)


class _LiftedContext:
    __slots__ = ("_plain",)

    def __init__(self, plain: AbstractContextManager[Transaction]) -> None:
        self._plain = plain

    async def __aenter__(self) -> AsyncTransaction:
        return _LiftedTransaction(self._plain.__enter__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._plain.__exit__(kind, error, trace)


class LiftedStorage:
    """A plain storage, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: Storage) -> None:
        self._plain = plain

    def transaction(self, *, readonly: bool = False) -> _LiftedContext:
        """See `Storage.transaction`."""
        return _LiftedContext(self._plain.transaction(readonly=readonly))


class LiftedRateLimiter:
    """A plain limiter, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: RateLimiter) -> None:
        self._plain = plain

    async def take(self, attempts: Sequence[Attempt]) -> Sequence[bool]:
        """See `RateLimiter.take`."""
        return self._plain.take(attempts)

    async def give_back(self, attempts: Sequence[Attempt]) -> None:
        """See `RateLimiter.give_back`."""
        self._plain.give_back(attempts)


class LiftedEnrolmentGateway:
    """A plain gateway of enrolments, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: EnrolmentGateway) -> None:
        self._plain = plain

    async def enrol(self, *, member_id: str, identities: Sequence[Identity], key: str) -> EnrolmentAnswer:
        """See `EnrolmentGateway.enrol`."""
        return self._plain.enrol(member_id=member_id, identities=identities, key=key)


class LiftedPhoneCheck:
    """A plain check of phones, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: PhoneCheck) -> None:
        self._plain = plain

    async def matches(self, *, platform: str, order_no: str, digits: str) -> bool:
        """See `PhoneCheck.matches`."""
        return self._plain.matches(platform=platform, order_no=order_no, digits=digits)


def lift_sleep(sleep: Sleep) -> AsyncSleep:
    """Spell a plain pause async."""

    async def lifted(seconds: float) -> None:
        sleep(seconds)

    return lifted
