"""How a plain caller and a task wait: for a socket, for a free connection, for a moment."""

from __future__ import annotations

import asyncio
import select
import threading
import time
import weakref
from collections import deque
from typing import Final

from crossloyalty.errors import ConfigError

__all__ = ["TaskGate", "ThreadGate", "task_pause", "task_wait", "thread_pause", "thread_wait"]

_HAS_POLL: Final = hasattr(select, "poll")


async def thread_wait(fd: int, *, write: bool, timeout_s: float) -> None:
    """Block this thread until a socket is ready; see `postgresql_link.Wait`."""
    if _HAS_POLL:  # select cannot look at descriptors above 1,024
        poll = select.poll()
        poll.register(fd, select.POLLIN | (select.POLLOUT if write else 0))
        ready: object = poll.poll(timeout_s * 1_000)
    else:
        reading, writing, _ = select.select([fd], [fd] if write else [], [], timeout_s)
        ready = reading or writing
    if not ready:
        raise TimeoutError(f"nothing came within {timeout_s:g} s")


async def thread_pause(seconds: float) -> None:
    """Block this thread for a while."""
    time.sleep(seconds)


class ThreadGate:
    """See `pool.Gate`; threads wait in a line, because nobody may starve while others come and go."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._guard = threading.Lock()
        self._line: deque[threading.Lock] = deque()

    def here(self) -> object:
        """See `Gate.here`."""
        return self

    async def enter(self, timeout_s: float) -> bool:
        """See `Gate.enter`."""
        with self._guard:
            if self._free and not self._line:
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._line.append(turn)
        try:
            if turn.acquire(timeout=timeout_s):
                return True
        except BaseException:
            if not self._give_up(turn):
                self.leave()
            raise
        return not self._give_up(turn)

    def leave(self) -> None:
        """See `Gate.leave`."""
        with self._guard:
            if self._line:
                self._line.popleft().release()  # the place goes to whoever waits longest
            else:
                self._free += 1

    def _give_up(self, turn: threading.Lock) -> bool:
        """Leave the line; False when the turn has come in this very moment."""
        with self._guard:
            if turn in self._line:
                self._line.remove(turn)
                return True
            return False


async def task_wait(fd: int, *, write: bool, timeout_s: float) -> None:
    """Let other tasks run until a socket is ready; see `postgresql_link.Wait`."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    try:
        loop.add_reader(fd, wake)
    except NotImplementedError as error:
        raise ConfigError("this event loop cannot watch sockets; on Windows use SelectorEventLoop") from error
    try:
        if write:
            loop.add_writer(fd, wake)
        async with asyncio.timeout(timeout_s):
            await ready
    finally:
        loop.remove_reader(fd)
        if write:
            loop.remove_writer(fd)


async def task_pause(seconds: float) -> None:
    """Let other tasks run for a while."""
    await asyncio.sleep(seconds)


class TaskGate:
    """See `pool.Gate`; tasks wait, those of each event loop among themselves."""

    def __init__(self, places: int) -> None:
        self._count = places
        self._places: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )

    def here(self) -> object:
        """See `Gate.here`."""
        return asyncio.get_running_loop()

    async def enter(self, timeout_s: float) -> bool:
        """See `Gate.enter`."""
        places = self._here()
        if not places.locked():
            await places.acquire()
            return True
        try:
            async with asyncio.timeout(timeout_s):
                return await places.acquire()
        except TimeoutError:
            return False

    def leave(self) -> None:
        """See `Gate.leave`."""
        self._here().release()

    def _here(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        places = self._places.get(loop)
        if places is None:
            places = self._places[loop] = asyncio.Semaphore(self._count)
        return places
