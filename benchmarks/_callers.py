"""Callers of a side: one after the other, or eight threads at once; a fixed number of claims, or for a fixed time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from _handwritten import Request
from _server_sides import Side

CALLERS: Final = 8
Run = Callable[[Side, Sequence[Request]], None]


class Timed:
    """
    Gives how fast a side claims, for so many seconds at a time.

    Args:
        requests: What is claimed, each once; has to last for all runs.
    """

    def __init__(self, side: Side, requests: Sequence[Request], callers: Callers) -> None:
        self._side = side
        self._left = iter(requests)
        self._callers = callers

    def speed(self, seconds: float) -> float:
        """Claim for so long and give claims a second."""
        counts = [0] * self._callers.many
        claim = self._side.claim
        self._side.clock.forward()
        started = time.perf_counter()
        until = started + seconds

        def work(at: int) -> None:
            done = 0
            for request in self._left:
                claim(request)
                done += 1
                if time.perf_counter() >= until:
                    break
            counts[at] = done

        self._callers.each(work)
        taken = time.perf_counter() - started
        if taken < 0.9 * seconds:
            raise SystemExit("the orders did not last for the time to measure; this is faster than was thought of")
        return sum(counts) / taken


class Callers:
    """
    Threads that call at the same time, or the one thread that is here.

    Args:
        many: How many; 1 makes no thread.
    """

    def __init__(self, many: int) -> None:
        self.many = many
        self._pool = ThreadPoolExecutor(many) if many > 1 else None

    def each(self, work: Callable[[int], None]) -> None:
        """Run it in each thread with the thread's number; an error of one is raised here."""
        if self._pool is None:
            work(0)
            return
        # No thread may take two of them: each waits until all have begun.
        together = threading.Barrier(self.many)

        def begin(at: int) -> None:
            together.wait()
            work(at)

        for done in [self._pool.submit(begin, at) for at in range(self.many)]:
            done.result()

    def claim(self, side: Side, requests: Sequence[Request]) -> None:
        """Claim all of them: one after the other, or whoever is free takes the next one."""
        claim, clock = side.claim, side.clock
        if self._pool is None:
            for request in requests:
                clock.forward()
                claim(request)
            return
        clock.forward()  # it stands still meanwhile, so that what is given does not hang on who comes first
        left = iter(requests)

        def work(_: int) -> None:
            for request in left:
                claim(request)

        self.each(work)

    def leave(self, *sides: Side) -> None:
        """Close what the threads have open."""
        for side in sides:
            self.each(lambda _, side=side: side.disconnect())  # type: ignore[misc]

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()


@contextmanager
def callers(many: int) -> Iterator[Callers]:
    """Give callers for the length of the block."""
    made = Callers(many)
    try:
        yield made
    finally:
        made.close()
