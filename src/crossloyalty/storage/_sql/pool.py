"""Idle connections of one storage, last in first out, each where it was opened; never more than its size at once."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from crossloyalty.errors import ConfigError, StorageBusy
from crossloyalty.storage._sql.link import Link

__all__ = ["Gate", "Pool"]

_L = TypeVar("_L", bound=Link)


class Gate(Protocol):
    """Counts who is inside; spelled async, and never really waiting for a plain caller."""

    def here(self) -> object:
        """Give what connections of the caller belong to: its event loop, or the same thing for all plain callers."""
        ...

    async def enter(self, timeout_s: float) -> bool:
        """Wait for a place; False when none became free in time."""
        ...

    def leave(self) -> None:
        """Give the place back."""
        ...


class Pool(Generic[_L]):
    """
    Keeps connections for those who come next.

    Args:
        open_link: Opens one, ready for use.
        gate: Lets in as many as there may be connections.
        wait_s: How long to wait for one, in seconds.
    """

    def __init__(self, open_link: Callable[[], Awaitable[_L]], gate: Gate, *, wait_s: float) -> None:
        self._open_link = open_link
        self.gate = gate
        self._wait_s = wait_s
        self._idle: weakref.WeakKeyDictionary[object, deque[tuple[float, _L]]] = weakref.WeakKeyDictionary()
        self._lost_at = 0.0
        self.closed = False

    async def acquire(self) -> _L:
        """
        Give a connection that nobody else uses.

        Raises:
            StorageBusy: All were in use all the time.
            ConfigError: The storage is closed.
        """
        if self.closed:
            raise ConfigError("this storage is closed")
        if not await self.gate.enter(self._wait_s):
            raise StorageBusy(f"no connection became free within {self._wait_s:g} s")
        try:
            idle = self._here()
            while True:
                try:
                    since, link = idle.pop()
                except IndexError:
                    return await self._open_link()
                if link.is_open and since > self._lost_at and time.monotonic() - since < link.rests_s:
                    return link
                link.close()
        except BaseException:
            self.gate.leave()
            raise

    def release(self, link: _L) -> None:
        """Take a connection back; one that cannot be used again is closed."""
        try:
            if link.is_open and not self.closed:
                self._here().append((time.monotonic(), link))
            else:
                link.close()
        finally:
            self.gate.leave()

    def lost(self) -> None:
        """
        Give up the idle connections: when one was lost, the server has most probably dropped all.

        The caller's own are closed now. Those of other event loops are closed there, when they are asked for next:
        a transport of asyncio may be closed in its own loop's thread alone.
        """
        self._lost_at = time.monotonic()
        idle = self._here()
        while idle:
            _since, link = idle.pop()
            link.close()

    def close(self) -> None:
        """Close the idle connections, and those in use as they come back."""
        self.closed = True
        for link in self.abandon():
            link.close()

    def abandon(self) -> list[_L]:
        """Forget the idle connections without a word to the server: they may be a parent process's."""
        return self._taken(lambda _: True)

    def _here(self) -> deque[tuple[float, _L]]:
        here = self.gate.here()
        idle = self._idle.get(here)
        if idle is None:
            for link in self._taken(_has_ended):
                link.close()
            idle = self._idle.setdefault(here, deque())
        return idle

    def _taken(self, of: Callable[[object], bool]) -> list[_L]:
        links: list[_L] = []
        for known in self._idle.keyrefs():
            here = known()
            idle = self._idle.get(here) if here is not None and of(here) else None
            while idle:
                _since, link = idle.pop()
                links.append(link)
        return links


def _has_ended(here: object) -> bool:
    is_closed: Callable[[], bool] | None = getattr(here, "is_closed", None)
    return is_closed is not None and is_closed()
