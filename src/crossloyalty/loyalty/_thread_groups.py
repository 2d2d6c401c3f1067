"""
Group commit for threads: one caller leads, the others wait for what it hands them.

Who comes while nobody is at work leads at once, alone. Who comes later waits; when a group has ended, the first of
those leads the rest of them, in its own thread and context. Each waits on a lock of its own and is woken once.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, repeat
from typing import Final

from crossloyalty._bridge import drive
from crossloyalty.application.claiming import ClaimRequest
from crossloyalty.application.grouping import GroupCommit, Together
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.loyalty._line import Lead, Line

__all__ = ["ThreadGroups"]


class _Seat(Lead):
    """One caller's place in the line."""

    __slots__ = ("others", "request", "result", "results", "served", "turn")

    def __init__(self, request: ClaimRequest) -> None:
        self.leads = False
        self.request = request
        self.result: ClaimResult | None = None  # None: its caller runs the request alone
        self.served = False
        self.turn = _NOBODY_WAITS
        self.others: list[_Seat] = []  # those it leads
        self.results: Sequence[ClaimResult | None] = ()

    def closed(self) -> threading.Lock:
        """Give a lock that opens when there is something to be heard."""
        self.turn = turn = threading.Lock()
        turn.acquire()
        return turn

    def wake(self) -> None:
        """Open that lock; twice does no harm."""
        with suppress(RuntimeError):
            self.turn.release()


class _Place:
    """A line of threads, and the lock that is held for moments while it is changed."""

    __slots__ = ("guard", "line")

    def __init__(self, settings: GroupCommit) -> None:
        self.guard = threading.Lock()
        self.line: Line[_Seat, _Seat] = Line(settings)

    def call_next(self) -> None:
        """Let the first that waits lead, if there is a place; under the guard."""
        waiting = self.line.waiting
        while waiting and waiting[0].served:  # its leader was interrupted between taking it and its leaving the line
            waiting.popleft()
        if waiting and (waiting[0].leads or self.line.enter(waiting[0])):
            waiting[0].wake()  # before it leaves the line: an interrupt between may repeat this, and not lose it
            waiting.popleft()


class ThreadGroups:
    """
    The claims of one program, shared by threads.

    A group runs in the thread, and so in the context (tracing, tenant), of one of its callers. An interrupt that hits
    a leader is its own: the others run their requests alone then, and find their claims by the order's key should the
    group have been committed. The main thread, which gets the signals, leads nobody but itself.

    Args:
        world: The ports.
        program_id: The program.
        settings: How many, and how long to wait.
    """

    __slots__ = ("__weakref__", "_place", "_settings", "_together", "clock", "pause")

    def __init__(self, world: World, program_id: str, settings: GroupCommit) -> None:
        self._together = Together(world, program_id)
        self._settings = settings
        self.clock: Callable[[], float] = time.monotonic
        self.pause: Callable[[threading.Lock, float], object] = _pause
        self.start_afresh()
        _ALL.add(self)

    def start_afresh(self) -> None:
        """Forget the line: the threads in it are a parent process's."""
        self._place = _Place(self._settings)

    def claim(self, request: ClaimRequest) -> ClaimResult:
        """Claim, together with others where there are any."""
        if self._together.may_share(request):
            result = self._share(request)
            if result is not None:
                return result
        return drive(self._together.alone(request))

    def _share(self, request: ClaimRequest) -> ClaimResult | None:
        place, seat = self._place, _Seat(request)
        try:
            with place.guard:
                if not place.line.enter(seat):
                    seat.closed()
                    gatherer = place.line.join(seat)
                    if gatherer is not None:
                        gatherer.wake()
            if not seat.leads:
                seat.turn.acquire()
            if seat.leads:
                self._lead(place, seat)
                self._end(place, seat)
        except BaseException:
            self._leave(place, seat)
            raise
        return seat.result

    def _lead(self, place: _Place, seat: _Seat) -> None:
        if threading.get_ident() != threading.main_thread().ident:
            self._gather(place, seat)
        # One whose leader was interrupted just when it took it has been sent off already.
        seat.others = [each for each in seat.others if not each.served]
        requests = [seat.request, *(each.request for each in seat.others)]
        seat.results = drive(self._together.claim(requests))
        seat.result = seat.results[0]

    def _gather(self, place: _Place, seat: _Seat) -> None:
        line = place.line
        with place.guard:
            seconds = line.gather(seat, 1, self.clock())
            if seconds:
                seat.closed()
            else:
                line.take(seat, 1, seat.others)
        if seconds:
            self.pause(seat.turn, seconds)
            with place.guard:
                line.take(seat, 1, seat.others)
                place.call_next()

    def _leave(self, place: _Place, seat: _Seat) -> None:
        """Go after an error, or an interrupt at whatever place, so that nobody waits for ever."""
        try:
            self._end(place, seat)
        except BaseException:
            self._end(place, seat)
            raise

    def _end(self, place: _Place, seat: _Seat) -> None:
        """Answer those it led and let the next one lead; or leave the line. What was done half is done by a repeat."""
        with place.guard:
            for other, result in zip(seat.others, chain(seat.results[1:], repeat(None)), strict=False):
                if not other.served:
                    other.result, other.served = result, True
                other.wake()
            if seat.leads:
                place.line.end(seat, 1 + len(seat.others), self.clock())
            elif seat in place.line.waiting:
                place.line.waiting.remove(seat)
            place.call_next()


def _pause(turn: threading.Lock, seconds: float) -> None:
    turn.acquire(timeout=seconds)


_NOBODY_WAITS: Final = threading.Lock()
_ALL: Final[weakref.WeakSet[ThreadGroups]] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for groups in list(_ALL):
        groups.start_afresh()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
