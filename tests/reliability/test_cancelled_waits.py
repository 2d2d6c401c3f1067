"""A task cancelled wherever it waits, once or twice, idle or behind a lock: nothing is left open, held or half done."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine, Generator, Iterator
from functools import partial
from itertools import count
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, order, right_proof
from harness import LATER, open_door, reopen_door
from places import SERVER_KINDS, Place
from servers import fresh_database
from stores import installed, session

from crossloyalty import AsyncEngine, Reason
from crossloyalty.errors import ConfigError
from crossloyalty.testing import dump

PATIENCE_S: Final = 60.0
LOOK_S: Final = 0.15  # MySQL answers from a cache that is renewed when nobody has asked for 0.1 s
MANY: Final = 700
MOST_WAITS: Final = 120
BOUGHT: Final = [order(n, paid_fen=20_000 + n) for n in range(MANY)]


class Cancelled:
    """
    Awaits a coroutine, and cancels the task that does so while it waits for the k-th time, or for several times on end.

    Args:
        times: From which wait to which; 0 is the first.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], *times: int) -> None:
        self._work = work
        self._times = times
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        going = self._work.__await__()
        resume = partial(next, going)
        while True:
            try:
                waits_for = resume()
            except StopIteration as end:
                return end.value
            if self.waits in self._times:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()  # the task is running, so it hears of it in this very wait
            self.waits += 1
            try:
                given = yield waits_for
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's
                resume = partial(going.throw, error)
            else:
                resume = partial(going.send, given)


@pytest.fixture(scope="module", params=SERVER_KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give a store with finished orders."""
    with fresh_database(request.getfixturevalue(f"{request.param}_server")) as database:
        place = Place(installed(database))
        with place.open() as storage:
            open_door(storage).ingest(BOUGHT)
        yield place


@pytest.fixture(scope="module")
def fresh(store: Place) -> Iterator[int]:
    """Give numbers of orders that nobody has claimed."""
    assert store.server.database
    return count()


def door_of(storage: Any) -> Any:
    return AsyncEngine(storage, clock=Clock(LATER)).program(PROGRAM_ID)


def claim(door: Any, n: int) -> Coroutine[Any, Any, Any]:
    each = BOUGHT[n]
    made = door.claim(f"m{n % 7}", platform="taobao", order_no=each.order_no, proof=right_proof(each))
    assert inspect.iscoroutine(made)
    return made


async def is_hit(waiting: Cancelled) -> bool:
    """Run it in a task of its own; say whether that ended as a cancelled one."""

    async def run() -> Any:
        return await waiting

    try:
        await asyncio.create_task(run())
    except asyncio.CancelledError:
        return True
    return False


OPEN: Final[dict[str, str]] = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
    " AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
    " ON p.id = t.trx_mysql_thread_id WHERE p.db = '{}'",
}
SESSIONS: Final[dict[str, str]] = {
    "postgresql": "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database() AND"
    " backend_type = 'client backend'",
    "mysql": "SELECT count(*) - 1 FROM information_schema.processlist WHERE db = '{}'",
}


async def ends_with(place: Place, sql: dict[str, str], most: int) -> None:
    """Wait until the server knows that whoever was cancelled has gone."""
    with session(place.server) as run:
        async with asyncio.timeout(PATIENCE_S):
            while run(sql[place.server.kind].format(place.server.database))[0][0] > most:
                await asyncio.sleep(LOOK_S)


async def tried_everywhere(place: Place, fresh: Iterator[int], *, warm: bool, again: int) -> tuple[int, list[int]]:
    """
    Cancel claims at their first wait, their second and so on until three on end are not hit; give how many were.

    One that is not hit had fewer waits by chance, because an answer was there before it was waited for.
    """
    numbers: list[int] = []
    hits = misses = 0
    for k in range(MOST_WAITS):
        storage = place.open_async(pool_size=1, pool_wait_s=PATIENCE_S)
        async with storage:
            door = door_of(storage)
            if warm:
                await door.member("m1")
            numbers.append(next(fresh))
            hit = await is_hit(Cancelled(claim(door, numbers[-1]), *range(k, k + 1 + again)))
            answer = await claim(door, numbers[-1])
            assert answer.created or answer.reason is Reason.ALREADY_CLAIMED_BY_YOU
            assert hit or not answer.created
        hits, misses = (hits + 1, 0) if hit else (hits, misses + 1)
        if misses == 3:
            return hits, numbers
    raise AssertionError("a claim never came to its end")


@pytest.mark.parametrize("again", [0, 2], ids=["once", "three times on end"])
@pytest.mark.parametrize("warm", [False, True], ids=["opening the connection", "on an open one"])
def test_cancelled_at_each_of_its_waits(store: Place, fresh: Iterator[int], warm: bool, again: int) -> None:
    """Whether it connects, waits for an answer or leaves: the one place of the pool serves the next claim."""

    async def run() -> list[int]:
        hits, numbers = await tried_everywhere(store, fresh, warm=warm, again=again)
        assert hits >= (2 if warm else 6)
        await ends_with(store, OPEN, 0)
        await ends_with(store, SESSIONS, 0)
        return numbers

    numbers = asyncio.run(run())
    with store.open() as storage:
        claims = repr(dump(storage)["claims"])
        assert all(claims.count(BOUGHT[n].order_no) == 1 for n in numbers)
        assert_sound(reopen_door(storage))


async def somebody_waits(place: Place) -> None:
    """Return when a transaction waits for a row."""
    sql = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'",
        "mysql": f"{OPEN['mysql']} AND t.trx_state = 'LOCK WAIT'",
    }[place.server.kind].format(place.server.database)
    with session(place.server) as run:
        async with asyncio.timeout(PATIENCE_S):
            while not run(sql)[0][0]:
                await asyncio.sleep(LOOK_S)


def test_cancelled_behind_a_lock(store: Place, fresh: Iterator[int]) -> None:
    """Who is cancelled while another holds its order gives up its connection at once, and takes the order later."""

    async def run() -> None:
        n = next(fresh)
        async with store.open_async(pool_size=1, pool_wait_s=PATIENCE_S) as storage:
            door = door_of(storage)
            await door.member("m1")
            with session(store.server) as other:
                other("BEGIN")
                other(f"SELECT * FROM crossloyalty_orders WHERE order_no = '{BOUGHT[n].order_no}' FOR UPDATE")
                waiting = asyncio.create_task(claim(door, n))
                await somebody_waits(store)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                await door.member("m1")  # the order is locked still, the pool's only place is free
                other("COMMIT")
            await ends_with(store, OPEN, 0)
            assert (await claim(door, n)).created

    asyncio.run(run())


async def with_a_sibling_that_fails(claims: list[Coroutine[Any, Any, Any]], pauses: int) -> None:
    """Run claims in a task group, and raise in it after a number of turns of the loop."""
    async with asyncio.TaskGroup() as group:
        for each in claims:
            group.create_task(each)
        for _ in range(pauses):
            await asyncio.sleep(0)
        raise LookupError("a sibling")


def test_a_sibling_that_fails_cancels_the_claims_of_its_group(store: Place, fresh: Iterator[int]) -> None:
    """In a task group whose other task raises, claims are whole or not there, and their connections serve again."""

    async def run() -> None:
        numbers = [next(fresh) for _ in range(6)]
        async with store.open_async(pool_size=2, pool_wait_s=PATIENCE_S) as storage:
            door = door_of(storage)
            for pauses in range(3):
                with pytest.raises(ExceptionGroup):
                    await with_a_sibling_that_fails([claim(door, n) for n in numbers], 4**pauses)
            answers = await asyncio.gather(*(claim(door, n) for n in numbers))
            assert all(each.created or each.reason is Reason.ALREADY_CLAIMED_BY_YOU for each in answers)
            await ends_with(store, OPEN, 0)
            await ends_with(store, SESSIONS, 2)

    asyncio.run(run())


def test_a_loop_that_ends_in_the_middle(store: Place, fresh: Iterator[int]) -> None:
    """`asyncio.run` cancels what still runs when its main task ends: no transaction stays, and the next loop claims."""
    numbers = [next(fresh) for _ in range(4)]

    left: list[asyncio.Task[Any]] = []

    async def run(k: int) -> None:
        async with store.open_async(pool_size=2, pool_wait_s=PATIENCE_S) as storage:
            door = door_of(storage)
            for n in numbers:
                left.append(asyncio.create_task(claim(door, n)))
            for _ in range(k):
                await asyncio.sleep(0)

    for k in (0, 1, 3, 9, 30):
        asyncio.run(run(k))
        assert all(
            task.cancelled() or (task.done() and type(task.exception()) in (type(None), ConfigError)) for task in left
        )

    async def ended() -> None:
        await ends_with(store, OPEN, 0)
        await ends_with(store, SESSIONS, 0)
        async with store.open_async() as storage:
            door = door_of(storage)
            for n in numbers:
                answer = await claim(door, n)
                assert answer.created or answer.reason is Reason.ALREADY_CLAIMED_BY_YOU

    asyncio.run(ended())
