"""
One source for sync and async: `drive` runs a coroutine over plain ports, the `lift…` classes spell plain ports async.

`drive` has no event loop. It sends None once and expects the coroutine to end, so everything happens in the caller's
own thread and a host's open transaction and thread-locals stay in force.
"""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

from crossloyalty.application.ports import (
    AsyncSleep,
    AsyncTransaction,
    Change,
    Found,
    Scan,
    Sleep,
    Storage,
    Transaction,
)
from crossloyalty.domain.records import Key, RootKey
from crossloyalty.errors import ConfigError

__all__ = ["LiftedStorage", "drive", "lift_sleep"]

_T = TypeVar("_T")


def drive(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """
    Run a coroutine whose ports are plain calls to its end, in this thread.

    Raises:
        ConfigError: It really waited for something, so one of the ports given is an asynchronous one.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # StopIteration.value is typed Any
    coroutine.close()
    raise ConfigError("an asynchronous port was given to a synchronous door; use AsyncLoyalty, or give plain ports")


class _LiftedTransaction:
    __slots__ = ("_plain",)

    def __init__(self, plain: Transaction) -> None:
        self._plain = plain

    async def lock(self, roots: Collection[RootKey]) -> Mapping[RootKey, int]:
        return self._plain.lock(roots)

    async def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        return self._plain.read(keys, scans)

    async def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int]) -> None:
        self._plain.write(changes, roots=roots)


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


def lift_sleep(sleep: Sleep) -> AsyncSleep:
    """Spell a plain pause async."""

    async def lifted(seconds: float) -> None:
        sleep(seconds)

    return lifted
