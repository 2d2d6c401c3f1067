"""Many callers of one door, and storages that do as they are told: what group commit is tested with."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from builders import Clock, order, points_program, right_proof

from crossloyalty import ClaimResult, GroupCommit, Loyalty
from crossloyalty._bridge import LiftedStorage

__all__ = [
    "BOUGHT",
    "NO_WAIT",
    "AsyncScripted",
    "Crowd",
    "Hold",
    "Scripted",
    "assert_idle",
    "claim",
    "open_door",
    "piled_up",
    "raising",
    "soon",
    "waiting",
]

_PATIENCE_S: Final = 60.0
BOUGHT: Final = [order(n) for n in range(70)]
NO_WAIT: Final = GroupCommit(wait_ms=0)


def soon(is_so: Callable[[], object]) -> None:
    """Wait until something is so that other threads bring about; fail when it never is."""
    end = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.0005)


class Scripted:
    """
    Counts the writing transactions of a plain storage, and does something of the test's at their begin and end.

    Args:
        storage: Where they run.
    """

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        self.count = 0
        self.before: deque[Callable[[], object]] = deque()  # one a transaction, before it begins
        self.within: deque[Callable[[], object]] = deque()  # before it commits
        self.behind: deque[Callable[[], object]] = deque()  # after it has committed

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Any]:
        """See `Storage.transaction`."""
        if readonly:
            with self.storage.transaction(readonly=True) as tx:
                yield tx
            return
        self.count += 1
        _next(self.before)
        with self.storage.transaction() as tx:
            yield tx
            _next(self.within)
        _next(self.behind)


def _next(steps: deque[Callable[[], object]]) -> None:
    if steps:
        steps.popleft()()


class AsyncScripted:
    """
    `Scripted` for tasks: its transactions really wait.

    Args:
        storage: A plain one, where they run.
    """

    def __init__(self, storage: Any) -> None:
        self.storage = LiftedStorage(storage)
        self.count = 0
        self.within: deque[Callable[[], Awaitable[object]]] = deque()

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[Any]:
        """See `AsyncStorage.transaction`."""
        async with self.storage.transaction(readonly=readonly) as tx:
            yield tx
            if not readonly:
                self.count += 1
                if self.within:
                    await self.within.popleft()()


class Crowd:
    """Callers in threads of their own."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._answers: list[Any] = []

    def ask(self, call: Callable[[], Any]) -> None:
        """Let one more of them call something."""
        place = len(self._answers)
        self._answers.append(AssertionError("it was never answered"))

        def run() -> None:
            try:
                self._answers[place] = call()
            except BaseException as error:  # noqa: BLE001 - handed to the test as a value
                self._answers[place] = error

        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()

    @property
    def ended(self) -> int:
        """Say how many have been answered."""
        return sum(not thread.is_alive() for thread in self._threads)

    def answers(self) -> list[Any]:
        """Wait for all and give what each call returned or raised, in the order they were asked."""
        for thread in self._threads:
            thread.join(_PATIENCE_S)
            assert not thread.is_alive(), "a caller hangs"
        return self._answers


# -- a door that many ask ---------------------------------------------------------------------------------------------


def open_door(storage: Any, group_commit: GroupCommit | None = NO_WAIT) -> Loyalty:
    """Open a door that has read the rules, over a store with the orders."""
    door = Loyalty(points_program(), storage, clock=Clock(), sleep=lambda _: None, group_commit=group_commit)
    door.ingest(BOUGHT)
    door.member("m1")
    return door


def claim(door: Loyalty, n: int, member_id: str = "m1") -> ClaimResult:
    """Claim the n-th order."""
    of = BOUGHT[n]
    return door.claim(member_id, platform=of.platform, order_no=of.order_no, proof=right_proof(of))


def waiting(door: Loyalty) -> int:
    """Say how many wait before a door."""
    assert door._groups is not None
    return len(door._groups._place.line.waiting)


class Hold:
    """Stops whoever comes until it is released."""

    def __init__(self) -> None:
        self.reached, self.released = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.released.wait(_PATIENCE_S)


def raising(error: BaseException) -> Callable[[], None]:
    """Give a step that raises."""

    def step() -> None:
        raise error

    return step


def piled_up(door: Loyalty, storage: Scripted, calls: list[Callable[[], Any]]) -> list[Any]:
    """Hold a first claim at its commit until all others wait, and give what these heard."""
    hold, crowd = Hold(), Crowd()
    storage.within.appendleft(hold)
    storage.count = 0
    crowd.ask(lambda: claim(door, 69, "first"))
    assert hold.reached.wait(_PATIENCE_S)
    for n, call in enumerate(calls, start=1):
        crowd.ask(call)
        soon(lambda n=n: waiting(door) == n)
    hold.released.set()
    first, *others = crowd.answers()
    assert first.created
    assert waiting(door) == 0
    return others


def assert_idle(door: Loyalty) -> None:
    """Check that nobody waits, leads or gathers any more."""
    assert door._groups is not None
    line = door._groups._place.line
    assert (len(line.waiting), line._at_work, line._gatherer) == (0, 0, None)
