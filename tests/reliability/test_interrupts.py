"""A call that breaks off in its middle leaves nothing half, and the door and its storage go on working."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from builders import Clock, assert_sound, day, order, refund
from harness import (
    CHECKS,
    FIRST,
    LATER,
    OPERATIONS,
    SECOND,
    SOME_IN_CI,
    Watched,
    copied,
    open_door,
    program,
    reopen_door,
)

from crossloyalty import Engine, Loyalty, Order
from crossloyalty.errors import CrossloyaltyError, StorageCorrupt, StorageFull
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump

_MORE_THAN_ANY_CALL_HAS = 1_000


class Interrupting:
    """
    A cursor that is interrupted at one of its statements.

    Args:
        cursor: Runs the statements.
        at: Which one, from 1.
        behind: After the statement has run instead of before.
        error: What is raised.
    """

    def __init__(self, cursor: Any, at: int, *, behind: bool = False, error: BaseException | None = None) -> None:
        self.cursor, self.left, self.behind = cursor, at, behind
        self.error = KeyboardInterrupt() if error is None else error
        self.wanted = ""

    def execute(self, sql: str, *parameters: Any) -> Any:
        """See `sqlite3.Cursor.execute`."""
        return self._run(self.cursor.execute, sql, *parameters)

    def executemany(self, sql: str, *parameters: Any) -> Any:
        """See `sqlite3.Cursor.executemany`."""
        return self._run(self.cursor.executemany, sql, *parameters)

    @property
    def rowcount(self) -> int:
        """See `sqlite3.Cursor.rowcount`."""
        return int(self.cursor.rowcount)

    def _run(self, call: Callable[..., Any], sql: str, *parameters: Any) -> Any:
        due = sql.startswith(self.wanted)
        self.left -= due
        if due and self.left == 0 and not self.behind:
            raise self.error
        call(sql, *parameters)
        if due and self.left == 0:
            raise self.error
        return self.cursor


@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("name", SOME_IN_CI)
def test_an_interrupt_at_any_statement_leaves_all_or_nothing(name: str, behind: bool, tmp_path: Path) -> None:
    """Interrupted at any of its statements a write is stored whole or not at all, and the same door repeats it."""
    operation = OPERATIONS[name]
    template, path = tmp_path / "template.db", tmp_path / "interrupted.db"
    with SqliteStorage(template) as storage:
        operation.prepare(open_door(storage))
    with SqliteStorage(copied(template, path)) as storage:
        watched = Watched(storage)
        operation.call(reopen_door(watched, operation.at))
        before, after = watched.states[0], watched.states[-1]
        assert before != after

    for k in range(1, _MORE_THAN_ANY_CALL_HAS):
        with SqliteStorage(copied(template, path)) as storage:
            door = reopen_door(storage, operation.at)
            connection = storage.connection()
            plain, connection.cursor = connection.cursor, Interrupting(connection.cursor, k, behind=behind)
            try:
                operation.call(door)
                interrupted = False
            except KeyboardInterrupt:
                interrupted = True
            connection.cursor = plain
            if not interrupted:
                assert dump(storage) == after
                break
            assert not storage.connection().handle.in_transaction, "other writers would wait for this one"
            stored = dump(storage)
            assert stored in watched.states, f"interrupted at statement {k}: half of it is stored"
            operation.call(door)
            assert dump(storage) == after, f"interrupted at statement {k}: the repeat ends elsewhere"
    else:
        pytest.fail("the operation never ended")


# Where a signal finds the interpreter: before any line of the layers that decide.
_TRACED = ("/application/", "/domain/")
_EVERY = 41  # a prime, so that the places differ from call to call


def interrupted_at(line: int, call: Callable[[], object]) -> bool:
    """Run a call and raise KeyboardInterrupt before its n-th line in the traced layers; say whether it came to that."""
    left = line

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not any(part in frame.f_code.co_filename for part in _TRACED):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
        return False
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_an_interrupt_anywhere_in_a_decision_leaves_nothing(kind: str, tmp_path: Path) -> None:
    """Interrupted in the middle of a claim, at whatever line, the store is as before and the same door claims then."""
    operation = OPERATIONS["claim that converts"]
    places = 0
    for line in range(1, 100_000, _EVERY):
        storage: Any = (
            MemoryStorage() if kind == "memory" else SqliteStorage(tmp_path / f"{line}.db", synchronous="NORMAL")
        )
        operation.prepare(open_door(storage))
        door = reopen_door(storage)
        before = dump(storage)
        if not interrupted_at(line, lambda door=door: operation.call(door)):
            assert dump(storage) != before
            break
        assert dump(storage) in (before, _after(operation, storage, door, before))
        places += 1
    assert places > 20


def _after(operation: Any, storage: Any, door: Loyalty, before: Any) -> Any:
    """Repeat the interrupted call and give what it leaves; it has to have its effect now."""
    stored = dump(storage)
    answer = operation.call(door)
    assert answer.created == (stored == before)
    assert_sound(door)
    return dump(storage)


# -- what the host raises --------------------------------------------------------------------------------------------


class HostError(Exception):
    """Something of the host's own."""


BOUGHT = [order(100 + n) for n in range(10)]


def test_an_iterable_that_fails_leaves_the_batches_before_it(storage: Any) -> None:
    """When the host's own iterable fails, the batches read before are stored whole and the rest not at all."""
    door = open_door(storage)

    def rows() -> Iterator[Order]:
        yield from BOUGHT[:7]
        raise HostError

    with pytest.raises(HostError):
        door.ingest(rows(), batch=3)
    assert [row.order_no for row in dump(storage)["orders"]] == [each.order_no for each in BOUGHT[:6]]
    assert door.ingest(BOUGHT).orders_new == 4


def test_a_progress_callback_that_fails_leaves_the_batches_it_was_told_of(storage: Any) -> None:
    """When the host's callback fails, what it was told of is stored, and the call can be repeated."""
    door = open_door(storage)
    told = []

    def progress(report: Any) -> None:
        told.append(report.seen)
        if report.seen >= 6:
            raise HostError

    with pytest.raises(HostError):
        door.ingest(BOUGHT, batch=3, progress=progress)
    assert told == [3, 6]
    assert len(dump(storage)["orders"]) == 6
    assert door.ingest(BOUGHT).orders_new == 4


def test_a_due_run_whose_callback_fails_goes_on_next_time(storage: Any) -> None:
    """When the callback of a due run fails, the batch before is done, the rest is due still, and nothing twice."""
    door = open_door(storage)
    for n in range(10):
        door.bind(f"m{n}", platform="jd", buyer_id=f"b-{n}")
        door.ingest([order(200 + n, platform="jd", buyer_id=f"b-{n}")])
    later = reopen_door(storage, day(24, month=12))

    def progress(_: Any) -> None:
        raise HostError

    with pytest.raises(HostError):
        later.run_due(batch=4, progress=progress)
    active = [lot for lot in dump(storage)["lots"] if lot.state == "ACTIVE" and lot.rule_id == "points"]
    assert len(active) == 4
    assert later.run_due(batch=4).members == 6
    assert later.run_due(batch=4).members == 0
    assert_sound(later)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_clock_that_fails_leaves_the_store_as_it_was(name: str) -> None:
    """When the host's clock fails at any of its calls, the error is the host's and nothing half is stored."""
    operation = OPERATIONS[name]

    def fresh() -> MemoryStorage:
        storage = MemoryStorage()
        operation.prepare(open_door(storage))
        return storage

    watched = Watched(fresh())
    operation.call(reopen_door(watched, operation.at))
    for calls in range(100):
        storage = fresh()
        asked = iter(range(calls))

        def clock(asked: Iterator[int] = asked) -> Any:
            if next(asked, None) is None:
                raise HostError
            return operation.at

        door = Engine(storage, clock=clock, checks=CHECKS).program(program().program_id)
        try:
            operation.call(door)
            assert dump(storage) == watched.states[-1]
            break
        except HostError:
            assert dump(storage) in watched.states
            operation.call(reopen_door(storage, operation.at))
            assert dump(storage) == watched.states[-1]
    else:
        pytest.fail("the operation asks the clock for ever")


# -- a COMMIT that fails ---------------------------------------------------------------------------------------------


def _sqlite_error(code: int, name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("told by the test")
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_sqlite_error(sqlite3.SQLITE_FULL, "SQLITE_FULL"), StorageFull),
        (_sqlite_error(sqlite3.SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"), StorageFull),
        (_sqlite_error(sqlite3.SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"), StorageCorrupt),
        (MemoryError(), MemoryError),
    ],
    ids=["full", "write", "fsync", "memory"],
)
@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
def test_a_commit_that_fails_is_never_a_success(
    error: BaseException, kind: type[BaseException], behind: bool, tmp_path: Path
) -> None:
    """When COMMIT fails the caller hears of it, whether it was stored or not, and repeating gives one effect."""
    with SqliteStorage(tmp_path / "store.db") as storage:
        door = open_door(storage)
        door.ingest([FIRST])
        before = dump(storage)
        connection = storage.connection()
        plain, failing = connection.cursor, Interrupting(connection.cursor, 1, behind=behind, error=error)
        failing.wanted = "COMMIT"
        connection.cursor = failing
        with pytest.raises(kind):
            door.adjust("m1", asset="points", amount=5, key="k")
        connection.cursor = plain
        assert (dump(storage) == before) is not behind
        assert door.adjust("m1", asset="points", amount=5, key="k").balance == 5
        assert [entry.amount for entry in dump(storage)["entries"]] == [5]


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """On a full disk calls fail with StorageFull, nothing acknowledged is lost, and with space they go through."""
    bought = [order(1_000 + n, platform="jd", buyer_id="b-1") for n in range(400)]
    with SqliteStorage(tmp_path / "store.db") as storage:
        door = open_door(storage)
        door.bind("m1", platform="jd", buyer_id="b-1")
        handle = storage.connection().handle
        (pages,) = handle.execute("PRAGMA page_count").fetchone()
        handle.execute(f"PRAGMA max_page_count={pages + 40}")
        taken = 0
        with suppress(StorageFull):
            for each in bought:
                assert door.ingest([each]).claims_created == 1
                taken += 1
        assert 0 < taken < len(bought)
        assert len(dump(storage)["claims"]) == taken
        assert_sound(door)
        handle.execute("PRAGMA max_page_count=1000000")
        assert door.ingest([*bought[: taken + 1], refund(bought[0], 100)]).orders_new == 1
        assert len(dump(storage)["claims"]) == taken + 1
        assert_sound(door)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_read_that_fails_is_an_error_of_our_tree(lost: int, tmp_path: Path) -> None:
    """A driver error at any statement of a query is translated, and the next query answers."""
    with SqliteStorage(tmp_path / "store.db") as storage:
        door = open_door(storage)
        door.ingest([FIRST, SECOND])
        connection = storage.connection()
        plain = connection.cursor
        connection.cursor = Interrupting(plain, lost, error=_sqlite_error(sqlite3.SQLITE_IOERR, "SQLITE_IOERR"))
        with pytest.raises(CrossloyaltyError) as caught:
            door.member("m1")
        assert isinstance(caught.value.__cause__, sqlite3.Error)
        connection.cursor = plain
        assert door.member("m1").points == 0


def test_the_clock_may_stand_still_or_go_back(storage: Any) -> None:
    """A clock that jumps back neither expires nor issues anything early, and recorded times do not fall."""
    clock = Clock(day(24, month=12))
    door = Loyalty(program(), storage, clock=clock)
    door.bind("m1", platform="jd", buyer_id="b-1")
    door.ingest([order(1, platform="jd", buyer_id="b-1")])
    clock.set(LATER)
    door.ingest([order(2, platform="jd", buyer_id="b-1")])
    assert door.run_due().expired == 0
    entries = [entry.at for entry in dump(storage)["entries"]]
    assert entries == sorted(entries)
    assert_sound(door)
