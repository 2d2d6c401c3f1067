"""Idle connections of one storage, last in first out, never more than its size at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Generic, Protocol, TypeVar

from crossloyalty.errors import ConfigError, StorageBusy
from crossloyalty.storage._sql.link import Link

__all__ = ["Gate", "Pool"]

_L = TypeVar("_L", bound=Link)
# Firewalls and servers drop what says nothing for minutes; an older connection is not worth the doubt.
_IDLE_S: Final = 240.0


class Gate(Protocol):
    """Counts who is inside; spelled async, and never really waiting for a plain caller."""

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
        self._idle: deque[tuple[float, _L]] = deque()
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
            while True:
                try:
                    since, link = self._idle.pop()
                except IndexError:
                    return await self._open_link()
                if link.is_open and time.monotonic() - since < _IDLE_S:
                    return link
                link.close()
        except BaseException:
            self.gate.leave()
            raise

    def release(self, link: _L) -> None:
        """Take a connection back; one that cannot be used again is closed."""
        try:
            if link.is_open and not self.closed:
                self._idle.append((time.monotonic(), link))
            else:
                link.close()
        finally:
            self.gate.leave()

    def clear(self) -> None:
        """Close the idle connections: when one was lost, the server has most probably dropped all."""
        while self._idle:
            _since, link = self._idle.pop()
            link.close()

    def abandon(self) -> list[_L]:
        """Forget the idle connections without a word to the server: they are a parent process's."""
        links = [link for _since, link in self._idle]
        self._idle.clear()
        return links
