"""Group commit for tasks: as for threads, over a plain storage and over one that is awaited; who is cancelled goes."""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from builders import PROGRAM_ID, Clock, points_program, right_proof
from crowd import BOUGHT, NO_WAIT, AsyncScripted, Scripted, raising

from crossloyalty import AsyncEngine, AsyncLoyalty, ClaimResult, GroupCommit, Loyalty, Reason
from crossloyalty.errors import Conflict, InvalidInput, StorageBusy, StorageCorrupt, StorageFull
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump

CONTEXT: contextvars.ContextVar[str] = contextvars.ContextVar("CONTEXT", default="nobody")


async def open_door(storage: Any, group_commit: GroupCommit = NO_WAIT, **ports: Any) -> AsyncLoyalty:
    """Open a door that has read the rules, over a store with the orders."""
    door = AsyncLoyalty(points_program(), storage, clock=Clock(), group_commit=group_commit, **ports)
    await door.ingest(BOUGHT)
    await door.member("m1")
    storage.count = 0
    return door


async def claim(door: AsyncLoyalty, n: int, member_id: str = "m1") -> ClaimResult:
    """Claim the n-th order."""
    of = BOUGHT[n]
    return await door.claim(member_id, platform=of.platform, order_no=of.order_no, proof=right_proof(of))


def waiting(door: AsyncLoyalty) -> int:
    """Say how many wait before a door in this event loop."""
    assert door._groups is not None
    return len(door._groups._places[asyncio.get_running_loop()].line.waiting)


class Hold:
    """Stops the task that comes until it is released."""

    def __init__(self) -> None:
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.released.wait()


def failing(error: BaseException) -> Callable[[], Awaitable[None]]:
    """Give a step that raises."""

    async def step() -> None:
        raise error

    return step


async def held(door: AsyncLoyalty, storage: AsyncScripted) -> tuple[Hold, asyncio.Task[ClaimResult]]:
    """Let a first caller claim, and stop it before it commits."""
    hold = Hold()
    storage.within.appendleft(hold)
    first = asyncio.create_task(claim(door, 69, "first"))
    await hold.reached.wait()
    return hold, first


async def queued(door: AsyncLoyalty, *calls: Awaitable[Any]) -> list[asyncio.Future[Any]]:
    """Let more callers come, one behind the other."""
    tasks = []
    for call in calls:
        tasks.append(asyncio.ensure_future(call))
        await asyncio.sleep(0)
    assert waiting(door) == len(calls)
    return tasks


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story to its end, which has to come."""

    async def bounded() -> None:
        await asyncio.wait_for(story(), 60)

    asyncio.run(bounded())


@pytest.mark.parametrize(("most", "transactions"), [(256, 1), (10, 7)])
def test_tasks_that_pile_up_share_a_transaction(storage: Any, most: int, transactions: int) -> None:
    """64 tasks that come while a transaction is at work are taken by the next ones, as many as each may hold."""

    async def story() -> None:
        scripted = AsyncScripted(storage)
        door = await open_door(scripted, GroupCommit(wait_ms=0, max_requests=most))
        hold, first = await held(door, scripted)
        tasks = await queued(door, *(claim(door, n, f"m{n % 7}") for n in range(64)))
        hold.released.set()
        answers = await asyncio.gather(first, *tasks)
        assert all(answer.created for answer in answers)
        assert [answer.order_no for answer in answers[1:]] == [each.order_no for each in BOUGHT[:64]]
        assert scripted.count == 1 + transactions
        assert (await door.verify()).ok

    run(story)


@pytest.mark.parametrize("members", [1, 8])
def test_many_tasks_over_a_plain_storage_create_one_claim(storage: Any, members: int) -> None:
    """Over a plain storage too, tasks asking for one order share transactions: one creates it, all are answered."""

    async def story() -> None:
        scripted = Scripted(storage)
        door = await open_door(scripted, GroupCommit())
        answers = await asyncio.gather(*(claim(door, 0, f"m{n % members}") for n in range(32)))
        (winner,) = (answer for answer in answers if answer.created)
        losers = [answer for answer in answers if answer is not winner]
        assert {each.reason for each in losers if each.member_id == winner.member_id} <= {Reason.ALREADY_CLAIMED_BY_YOU}
        assert {each.reason for each in losers if each.member_id != winner.member_id} <= {Reason.ALREADY_CLAIMED}
        assert scripted.count == 2  # the first at once, and the rest
        assert len(dump(storage)["claims"]) == 1

    run(story)


def test_one_door_serves_one_event_loop_after_another(storage: Any) -> None:
    """A door that was used in an event loop that has ended, with callers left in its line, works in the next one."""
    scripted = AsyncScripted(storage)
    doors: list[AsyncLoyalty] = []

    async def broken_off() -> None:
        door = await open_door(scripted)
        doors.append(door)
        await held(door, scripted)
        await queued(door, claim(door, 0), claim(door, 1))

    async def story() -> None:
        answers = await asyncio.gather(*(claim(doors[0], n) for n in range(5)))
        assert all(answer.created for answer in answers)

    run(broken_off)
    run(story)


# -- cancelling ------------------------------------------------------------------------------------------------------


def test_a_task_cancelled_in_the_line_is_not_run() -> None:
    """Cancelled before a group has taken it, a request is never run, and the others are."""

    async def story() -> None:
        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted)
        hold, first = await held(door, scripted)
        tasks = await queued(door, *(claim(door, n) for n in range(3)))
        tasks[1].cancel()
        hold.released.set()
        answers = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert isinstance(answers.pop(2), asyncio.CancelledError)
        assert all(answer.created for answer in answers)
        assert (await claim(door, 1)).created

    run(story)


def test_a_task_cancelled_in_a_group_leaves_at_once_and_the_group_goes_on() -> None:
    """Cancelled while its group is at work a caller does not wait for it; its claim may well be made."""

    async def story() -> None:
        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted)
        hold, first = await held(door, scripted)
        second = Hold()
        scripted.within.append(second)
        tasks = await queued(door, *(claim(door, n) for n in range(3)))
        hold.released.set()
        await second.reached.wait()
        tasks[0].cancel()  # the first in the line is not special
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert not second.released.is_set()
        second.released.set()
        assert all(answer.created for answer in await asyncio.gather(first, *tasks[1:]))
        assert (await claim(door, 0)).reason is Reason.ALREADY_CLAIMED_BY_YOU

    run(story)


def test_a_task_cancelled_while_it_leads_alone_lets_the_next_group_go() -> None:
    """A caller who came first runs in its own task; cancelled there, it has changed nothing and others go on."""

    async def story() -> None:
        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted)
        _, first = await held(door, scripted)
        tasks = await queued(door, *(claim(door, n) for n in range(3)))
        first.cancel()
        assert all(answer.created for answer in await asyncio.gather(*tasks))
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await claim(door, 69, "first")).created

    run(story)


@pytest.mark.parametrize("steps", [0, 1, 2], ids=["before it begins", "at its begin", "within"])
def test_a_group_whose_own_task_is_cancelled_leaves_nobody_waiting(steps: int) -> None:
    """A host that cancels every task it finds cancels a group too; who is left is answered all the same."""

    async def story() -> None:
        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted)
        hold, first = await held(door, scripted)
        tasks = await queued(door, *(claim(door, n) for n in range(3)))
        scripted.within.append(Hold())
        hold.released.set()
        assert door._groups is not None
        at_work = door._groups._places[asyncio.get_running_loop()].tasks
        while not at_work:
            await asyncio.sleep(0)
        for _ in range(steps):
            await asyncio.sleep(0)
        (task,) = at_work
        task.cancel()
        if not steps:
            await asyncio.sleep(0)
            scripted.within.clear()
        assert all(answer.created for answer in await asyncio.gather(first, *tasks))

    run(story)


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_an_invalid_request_is_told_to_its_caller_alone() -> None:
    """A request that cannot mean anything never enters a group."""

    async def story() -> None:
        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted)
        hold, first = await held(door, scripted)
        tasks = await queued(door, claim(door, 0))
        with pytest.raises(InvalidInput):
            await door.claim(" m1", platform="taobao", order_no="1")
        assert waiting(door) == 1
        hold.released.set()
        assert all(answer.created for answer in await asyncio.gather(first, *tasks))

    run(story)


@pytest.mark.parametrize(
    ("errors", "transactions"),
    [
        ([Conflict("lost")], 2),
        ([Conflict("lost")] * 2, 2 + 4),
        ([Conflict("lost")] * 5, 5 + 4),
        ([StorageCorrupt("contradicts itself")], 1 + 4),
        ([ZeroDivisionError()], 1 + 4),
    ],
    ids=["once", "twice", "often", "corrupt", "bug"],
)
def test_a_group_that_fails_ends_well_for_everybody(errors: list[Exception], transactions: int) -> None:
    """A lost race is tried again together once; after that, and after any other error, each goes on by itself."""

    async def story() -> None:
        async def no_pause(_: float) -> None:
            pass

        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted, sleep=no_pause)
        hold, first = await held(door, scripted)
        scripted.within.extend(map(failing, errors))
        tasks = await queued(door, *(claim(door, n) for n in range(4)))
        hold.released.set()
        assert all(answer.created for answer in await asyncio.gather(first, *tasks))
        assert scripted.count == 1 + transactions
        assert (await door.verify()).ok

    run(story)


@pytest.mark.parametrize("first", [True, False], ids=["at once", "behind another"])
@pytest.mark.parametrize("error", [StorageFull("full"), StorageBusy("busy")], ids=["full", "busy"])
def test_a_group_of_one_hears_a_failure_after_one_try(error: Exception, first: bool) -> None:
    """What a call alone does not try again is not tried again for a caller who happens to be alone either."""

    async def story() -> None:
        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted)
        if first:
            scripted.within.append(failing(error))
            with pytest.raises(type(error)):
                await claim(door, 0)
            assert scripted.count == 1
        else:
            hold, other = await held(door, scripted)
            scripted.within.append(failing(error))
            (task,) = await queued(door, claim(door, 0))
            hold.released.set()
            assert (await other).created
            with pytest.raises(type(error)):
                await task
            assert scripted.count == 2
        assert (await claim(door, 0)).created

    run(story)


def test_an_error_of_a_plain_storage_reaches_the_one_it_concerns() -> None:
    """Over a plain storage a caller alone hears the error itself, out of the storage's thread."""

    async def story() -> None:
        scripted = Scripted(MemoryStorage())
        door = await open_door(scripted)
        scripted.within.append(raising(StorageFull("full")))
        with pytest.raises(StorageFull):
            await claim(door, 0)
        assert (await claim(door, 0)).created

    run(story)


# -- waiting for others ----------------------------------------------------------------------------------------------


def watched(door: AsyncLoyalty, pauses: list[float], *, patient: bool) -> None:
    """Count the pauses of a door whose clock stands still: they end when all are there, or at once."""

    async def pause(complete: asyncio.Future[None], seconds: float) -> None:
        pauses.append(seconds)
        if patient:
            await complete

    assert door._groups is not None
    door._groups.clock, door._groups.pause = lambda: 0.0, pause


def test_a_lone_task_never_waits(storage: Any) -> None:
    """Claims one after the other are each a transaction of their own and wait for nobody."""

    async def story() -> None:
        scripted = AsyncScripted(storage)
        door = await open_door(scripted, GroupCommit())
        pauses: list[float] = []
        watched(door, pauses, patient=False)
        for n in range(10):
            assert (await claim(door, n)).created
        assert (pauses, scripted.count) == ([], 10)

    run(story)


def test_a_group_waits_for_those_who_were_there_before() -> None:
    """A group waits until as many are there as when the last one ended, whoever of them comes first."""

    async def story() -> None:
        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted, GroupCommit())
        pauses: list[float] = []
        watched(door, pauses, patient=True)
        hold, first = await held(door, scripted)
        tasks = await queued(door, *(claim(door, n) for n in range(3)))
        hold.released.set()
        assert (await first).created
        await asyncio.sleep(0)
        assert (len(pauses), scripted.count, waiting(door)) == (1, 1, 3)
        tasks.append(asyncio.create_task(claim(door, 3)))
        assert all(answer.created for answer in await asyncio.gather(*tasks))
        assert scripted.count == 2
        again = [asyncio.create_task(claim(door, n)) for n in range(4, 7)]  # four came before
        for _ in range(10):
            await asyncio.sleep(0)
        assert (len(pauses), scripted.count, waiting(door)) == (2, 2, 3)
        assert (await claim(door, 7)).created
        assert all(answer.created for answer in await asyncio.gather(*again))
        assert scripted.count == 3

    run(story)


def test_a_group_goes_without_those_who_do_not_come() -> None:
    """When the wait is over a group goes with those who are there; who stays alone waits once more at most."""

    async def story() -> None:
        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted, GroupCommit(wait_ms=1.5))
        pauses: list[float] = []
        watched(door, pauses, patient=False)
        hold, first = await held(door, scripted)
        tasks = await queued(door, *(claim(door, n) for n in range(3)))
        hold.released.set()
        assert all(answer.created for answer in await asyncio.gather(first, *tasks))
        assert (pauses, scripted.count) == ([0.0015], 2)
        for n in range(3, 10):
            assert (await claim(door, n)).created
        assert (pauses, scripted.count) == ([0.0015] * 2, 9)

    run(story)


# -- doors and contexts ----------------------------------------------------------------------------------------------


def test_doors_of_an_engine_share_the_line_of_their_program(storage: Any) -> None:
    """Two doors to one program share transactions."""

    async def story() -> None:
        scripted = AsyncScripted(storage)
        await open_door(scripted)
        engine = AsyncEngine(scripted, clock=Clock(), group_commit=NO_WAIT)
        one, other = engine.program(PROGRAM_ID), engine.program(PROGRAM_ID)
        await one.member("m1")
        hold, first = await held(one, scripted)
        tasks = await queued(other, claim(one, 0), claim(other, 1))
        hold.released.set()
        assert all(answer.created for answer in await asyncio.gather(first, *tasks))
        assert scripted.count == 2

    run(story)


def test_the_first_call_publishes_the_rules_and_claims(storage: Any) -> None:
    """A door that has never been called publishes or compares its rules before it claims, group commit or not."""
    Loyalty(points_program(), storage, clock=Clock()).ingest(BOUGHT)

    async def story() -> None:
        door = AsyncLoyalty(points_program(), storage, clock=Clock(), group_commit=GroupCommit())
        answers = await asyncio.gather(*(claim(door, n % 4) for n in range(8)))
        assert Counter(answer.created for answer in answers) == {True: 4, False: 4}

    run(story)


def test_a_group_runs_in_the_context_of_one_of_its_callers() -> None:
    """What a host keeps in context variables is, inside a group, that of a caller whose request the group holds."""
    seen: list[str] = []

    async def story() -> None:
        async def look() -> None:
            seen.append(CONTEXT.get())

        scripted = AsyncScripted(MemoryStorage())
        door = await open_door(scripted)
        hold, first = await held(door, scripted)
        scripted.within.extend([look])

        async def named(n: int) -> ClaimResult:
            CONTEXT.set(f"caller {n}")
            return await claim(door, n)

        tasks = await queued(door, *(named(n) for n in range(3)))
        hold.released.set()
        assert all(answer.created for answer in await asyncio.gather(first, *tasks))

    run(story)
    assert seen == ["caller 0"]
