"""
Waiting for another writer of an SQLite file, so that nobody starves.

SQLite's own waiting sleeps ever longer, up to 100 ms, so whoever comes later looks more often and whoever has just
written is next again: of 32 writers at work some wait out any time-out. Here the threads of a process wait in a line,
whose first looks often; those who come later stand behind it.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

__all__ = ["WritersLine", "is_busy", "patiently"]

_T = TypeVar("_T")
# A pause is this part of the time waited so far, within bounds: short where the wait is, and yet many processes that
# look do not keep the one that writes from the processor.
_PART: Final = 1 / 16
_SHORTEST_S: Final = 0.000_5
_LONGEST_S: Final = 0.008


def is_busy(error: BaseException) -> bool:
    """Say whether a statement did nothing because another connection holds the file."""
    # The module's own errors have no code.
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def patiently(action: Callable[[], _T], wait_s: float, pause: Callable[[float], object] = time.sleep) -> _T:
    """
    Do what may find the file held by another connection, again and again until it does not.

    Args:
        action: What to do; it has done nothing when it raises that the file is busy.
        wait_s: For how long to try, in seconds.
        pause: Waits so many seconds, or less where it knows better.

    Raises:
        sqlite3.OperationalError: It still was busy in the end.
    """
    began: float | None = None
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            now = time.monotonic()
            if began is None:
                began = now
            waited = now - began
            if waited >= wait_s:
                raise
        pause(min(random.uniform(0.5, 1.0) * min(max(waited * _PART, _SHORTEST_S), _LONGEST_S), wait_s - waited))


class WritersLine:
    """The threads of one process that want to write to a file."""

    __slots__ = ("_ended", "_first", "_waiting")

    def __init__(self) -> None:
        self._first = threading.Lock()  # held by the one that looks, and by nobody who writes
        self._ended = threading.Event()  # a transaction of this process
        self._waiting: list[None] = []  # one for each that waits; appended and popped without a lock

    def begin(self, action: Callable[[], object], wait_s: float) -> None:
        """
        Begin to write, behind those that wait already.

        Args:
            action: Begins the transaction, or raises that the file is busy.
            wait_s: For how long to wait, in seconds.

        Raises:
            sqlite3.OperationalError: The file was busy all the time.
        """
        if not self._waiting:
            try:
                action()
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
            else:
                return
        deadline = time.monotonic() + wait_s
        self._waiting.append(None)
        try:
            if not self._first.acquire(timeout=wait_s):
                action()  # there may be room now; otherwise its error tells why there is none
                return
            try:
                patiently(partial(self._try, action), deadline - time.monotonic(), self._ended.wait)
            finally:
                self._first.release()
        finally:
            self._waiting.pop()

    def ended(self) -> None:
        """Tell the first of those that wait that a transaction of this process has ended."""
        if self._waiting:
            self._ended.set()

    def _try(self, action: Callable[[], object]) -> None:
        self._ended.clear()
        action()
