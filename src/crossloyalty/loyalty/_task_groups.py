"""
Group commit for tasks: groups run in tasks of their own, callers wait for their results.

Who comes while nobody is at work is a group of its own, in its own task. So no caller's cancellation touches another
caller, and a cancelled one leaves at once while a group that has begun goes on with its request.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple, Protocol, TypeVar

from crossloyalty.application.claiming import ClaimRequest
from crossloyalty.application.grouping import GroupCommit, Together
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.loyalty._line import Lead, Line

__all__ = ["TaskGroups"]

_T = TypeVar("_T")


class _Runs(Protocol):
    async def __call__(self, use_case: Coroutine[Any, Any, _T]) -> _T: ...


class _Seat(NamedTuple):
    """One caller's place in the line; an answer of None sends it off to run its request alone."""

    request: ClaimRequest
    answer: asyncio.Future[ClaimResult | Exception | None]
    context: contextvars.Context


class _Group(Lead):
    """A group at work or gathering; `complete` is done when all are there that it waits for."""

    __slots__ = ("complete",)

    def __init__(self) -> None:
        super().__init__()
        self.complete: asyncio.Future[None] | None = None


class _Place:
    """A line of tasks of one event loop."""

    __slots__ = ("__weakref__", "line", "tasks")

    def __init__(self, settings: GroupCommit) -> None:
        self.line: Line[_Group, _Seat] = Line(settings)
        self.tasks: set[asyncio.Task[None]] = set()


class TaskGroups:
    """
    The claims of one program, shared by tasks.

    A group runs in the context (tracing, tenant) of one of its callers.

    Args:
        world: The ports.
        program_id: The program.
        settings: How many, and how long to wait.
        run: Runs a use case to its end.
    """

    __slots__ = ("_places", "_run", "_settings", "_together", "clock", "pause")

    def __init__(self, world: World, program_id: str, settings: GroupCommit, run: _Runs) -> None:
        self._together = Together(world, program_id)
        self._settings = settings
        self._run = run
        self._places: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Place] = weakref.WeakKeyDictionary()
        self.clock: Callable[[], float] = time.monotonic
        self.pause: Callable[[asyncio.Future[None], float], Awaitable[object]] = _pause

    async def claim(self, request: ClaimRequest) -> ClaimResult:
        """Claim, together with others where there are any."""
        if self._together.may_share(request):
            result = await self._share(request)
            if result is not None:
                return result
        return await self._run(self._together.alone(request))

    async def _share(self, request: ClaimRequest) -> ClaimResult | None:
        loop = asyncio.get_running_loop()
        place = self._places.get(loop)
        if place is None:
            place = self._places[loop] = _Place(self._settings)
        group = _Group()
        leads = place.line.enter(group)
        if leads and not place.line.worth_waiting(1, self.clock()):
            try:
                return (await self._run(self._together.claim([request])))[0]
            finally:
                self._end(place, group, 1)
        seat = _Seat(request, loop.create_future(), contextvars.copy_context())
        gatherer = place.line.join(seat)
        if gatherer is not None and gatherer.complete is not None and not gatherer.complete.done():
            gatherer.complete.set_result(None)
        if leads:
            self._start(place, group)
        answer = await seat.answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _start(self, place: _Place, group: _Group) -> None:
        seconds = place.line.gather(group, 0, self.clock())
        loop = asyncio.get_running_loop()
        group.complete = loop.create_future() if seconds else None
        task = loop.create_task(self._work(place, group, seconds), context=place.line.waiting[0].context)
        place.tasks.add(task)  # the event loop alone would let go of it

        def done(_: object) -> None:
            place.tasks.discard(task)
            if group.leads:  # cancelled before its first step, by a host that cancels all tasks there are
                self._end(place, group, 0)

        task.add_done_callback(done)

    async def _work(self, place: _Place, group: _Group, seconds: float) -> None:
        taken: list[_Seat] = []
        answers: Sequence[ClaimResult | Exception | None] = ()
        try:
            if group.complete is not None:
                await self.pause(group.complete, seconds)
            place.line.take(group, 0, taken)
            self._call_next(place)
            taken = [each for each in taken if not each.answer.done()]  # the others were cancelled
            if taken:
                answers = await self._run(self._together.claim([each.request for each in taken]))
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, if that is one
            answers = [error] if len(taken) == 1 else ()
        finally:
            for each, answer in zip(taken, chain(answers, repeat(None)), strict=False):
                if not each.answer.done():
                    each.answer.set_result(answer)
            self._end(place, group, len(taken))

    def _end(self, place: _Place, group: _Group, size: int) -> None:
        place.line.end(group, size, self.clock())
        self._call_next(place)

    def _call_next(self, place: _Place) -> None:
        group = _Group()
        if place.line.waiting and place.line.enter(group):
            self._start(place, group)


async def _pause(complete: asyncio.Future[None], seconds: float) -> None:
    await asyncio.wait([complete], timeout=seconds)
