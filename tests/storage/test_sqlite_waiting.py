"""Waiting for other writers of an SQLite file: a line of threads, bounded time, and only for what waiting helps."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from crowd import soon

from crossloyalty.storage._sql.sqlite_waiting import WritersLine, is_busy, patiently


@pytest.fixture
def held(tmp_path: Path) -> Callable[[], sqlite3.Connection]:
    """Give an opener of connections to one file that do not wait by themselves."""
    path = tmp_path / "file.db"

    def opened() -> sqlite3.Connection:
        handle = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        handle.execute("PRAGMA journal_mode=WAL")
        return handle

    return opened


def begin(handle: sqlite3.Connection) -> Callable[[], object]:
    """Give what begins to write."""
    return lambda: handle.execute("BEGIN IMMEDIATE")


def test_the_driver_says_busy_and_nothing_else_is(held: Callable[[], sqlite3.Connection]) -> None:
    """A held file is busy; a wrong statement, a closed handle and what has no code are not."""
    with closing(held()) as one, closing(held()) as other:
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as busy:
            other.execute("BEGIN IMMEDIATE")
        assert is_busy(busy.value)
        with pytest.raises(sqlite3.OperationalError) as wrong:
            other.execute("BEGIN NOWHERE")
        assert not is_busy(wrong.value)
    assert not is_busy(sqlite3.OperationalError("of the module itself"))
    assert not is_busy(ValueError())


def test_patience_ends_with_the_drivers_error(held: Callable[[], sqlite3.Connection]) -> None:
    """What stays busy raises the driver's error when the time is over, not before."""
    with closing(held()) as one, closing(held()) as other:
        one.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(sqlite3.OperationalError) as caught:
            patiently(begin(other), 0.05)
        assert is_busy(caught.value)
        assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("line", [True, False])
def test_other_errors_are_raised_at_once(line: bool) -> None:
    """Only a busy file is worth waiting for."""
    tried = []

    def broken() -> None:
        tried.append(1)
        raise sqlite3.OperationalError("no such table")

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        WritersLine().begin(broken, 60) if line else patiently(broken, 60)
    assert tried == [1]


def test_who_comes_later_stands_behind_who_waits(held: Callable[[], sqlite3.Connection]) -> None:
    """The first that waited writes first, and everybody has left the line in the end."""
    line = WritersLine()
    served: list[str] = []
    with closing(held()) as holder, closing(held()) as first, closing(held()) as second:
        holder.execute("BEGIN IMMEDIATE")

        def write(name: str, handle: sqlite3.Connection) -> None:
            line.begin(begin(handle), 60)
            served.append(name)
            handle.execute("COMMIT")
            line.ended()

        waits = threading.Thread(target=write, args=("first", first), daemon=True)
        waits.start()
        soon(lambda: line._waiting)
        soon(line._first.locked)
        comes = threading.Thread(target=write, args=("second", second), daemon=True)
        comes.start()
        soon(lambda: len(line._waiting) == 2)
        holder.execute("COMMIT")
        line.ended()
        for thread in (waits, comes):
            thread.join(60)
        assert served == ["first", "second"]
        assert not line._waiting


def test_a_newcomer_does_not_try_while_somebody_waits() -> None:
    """With somebody in the line nobody passes, however free the file is."""
    line, tried = WritersLine(), threading.Event()
    line._waiting.append(None)
    line._first.acquire()
    thread = threading.Thread(target=line.begin, args=(tried.set, 60), daemon=True)
    thread.start()
    soon(lambda: len(line._waiting) == 2)
    assert not tried.is_set()
    line._first.release()
    thread.join(60)
    assert tried.is_set()


def test_the_end_of_a_transaction_wakes_the_first() -> None:
    """Who looks does not sleep out its pause when a transaction of its own process has ended."""
    line = WritersLine()
    line.ended()
    assert not line._ended.is_set(), "nobody waits, nobody is told"
    line._waiting.append(None)
    line.ended()
    assert line._ended.is_set()


def test_a_full_line_times_out_with_the_drivers_error(held: Callable[[], sqlite3.Connection]) -> None:
    """Who never becomes the first asks once more at the end, and so raises what the driver says."""
    line = WritersLine()
    with closing(held()) as one, closing(held()) as other:
        one.execute("BEGIN IMMEDIATE")
        line._waiting.append(None)
        with line._first, pytest.raises(sqlite3.OperationalError) as caught:
            line.begin(begin(other), 0.02)
        assert is_busy(caught.value)
        assert line._waiting == [None]
