"""One asynchronous storage in several event loops: it works, and each loop has connections and places of its own."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any, Final

import pymysql
import pytest
from builders import PROGRAM_ID, Clock, assert_sound, order, right_proof
from harness import LATER, open_door, reopen_door
from places import SERVER_KINDS, Place
from servers import fresh_database
from stores import installed, session

from crossloyalty import AsyncEngine
from crossloyalty.errors import ConfigError, StorageBusy
from crossloyalty.storage._sql.link import Call

PATIENCE_S: Final = 60.0
LOOPS: Final = 3
ROUNDS: Final = 12
BOUGHT: Final = [order(n, paid_fen=20_000 + n) for n in range(120)]
ASKED: Final = {"Postgresql": "SELECT pg_backend_pid()", "Mysql": "SELECT CONNECTION_ID()"}

# asyncmy's transports cannot be closed any more once their event loop is; Python closes the sockets then, and says so.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", params=SERVER_KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give a store with finished orders."""
    with fresh_database(request.getfixturevalue(f"{request.param}_server")) as database:
        place = Place(installed(database))
        with place.open() as storage:
            open_door(storage).ingest(BOUGHT)
        yield place
        with place.open() as storage:
            assert_sound(reopen_door(storage))


@pytest.fixture(scope="module")
def fresh(store: Place) -> Iterator[int]:
    """Give numbers of orders that nobody has claimed."""
    assert store.server.database
    return count()


@pytest.fixture
def runners() -> Iterator[list[asyncio.Runner]]:
    """Give event loops that live side by side, run in turns."""
    made = [asyncio.Runner() for _ in range(LOOPS)]
    yield made
    for runner in made:
        runner.close()
    gc.collect()


async def claimed(storage: Any, n: int) -> bool:
    """Claim the n-th order."""
    each, door = BOUGHT[n], AsyncEngine(storage, clock=Clock(LATER)).program(PROGRAM_ID)
    proof = right_proof(each)
    return bool((await door.claim(f"m{n % 7}", platform="taobao", order_no=each.order_no, proof=proof)).created)


async def own_session(storage: Any) -> int:
    """Ask the server which session of its own serves us."""
    calls = [Call(sql) for name, sql in ASKED.items() if name in type(storage).__name__]
    async with storage.transaction(readonly=True) as tx:
        return int((await tx._ground.send(calls))[0].rows[0][0])


async def closed(storage: Any) -> None:
    storage.close()


def test_loops_in_turns_keep_their_connections(
    store: Place, fresh: Iterator[int], runners: list[asyncio.Runner]
) -> None:
    """Used in turns by loops that all live on, the storage serves each over the very connection it opened there."""
    storage = store.open_async()
    firsts = [runner.run(own_session(storage)) for runner in runners]
    assert len(set(firsts)) == LOOPS
    for _ in range(3):
        for runner, first in zip(runners, firsts, strict=True):
            assert runner.run(claimed(storage, next(fresh)))
            assert runner.run(own_session(storage)) == first
    runners[0].run(closed(storage))


def test_one_loops_crowd_takes_no_place_from_another(
    store: Place, fresh: Iterator[int], runners: list[asyncio.Runner]
) -> None:
    """While one loop holds all its places and its others are refused, the next loop is served at once."""
    storage = store.open_async(pool_size=1, pool_wait_s=0.05)
    busy, idle, _ = runners

    async def hold() -> None:
        holding = storage.transaction()
        await holding.__aenter__()
        held.append(holding)
        with pytest.raises(StorageBusy, match=r"no connection became free within 0\.05 s"):
            await asyncio.create_task(own_session(storage))

    async def let_go() -> None:
        await held[0].__aexit__(None, None, None)
        assert await claimed(storage, next(fresh))

    held: list[Any] = []
    busy.run(hold())
    assert idle.run(claimed(storage, next(fresh)))
    busy.run(let_go())
    busy.run(closed(storage))


def test_closing_in_one_loop_closes_for_all(store: Place, runners: list[asyncio.Runner]) -> None:
    """Whichever loop closes the storage, all hear ConfigError afterwards, and no session stays."""
    storage = store.open_async()
    known = {runner.run(own_session(storage)) for runner in runners}
    runners[1].run(closed(storage))

    async def refused() -> None:
        with pytest.raises(ConfigError, match="closed"):
            await own_session(storage)

    for runner in runners:
        runner.run(refused())
    listing = (
        "SELECT pid FROM pg_stat_activity"
        if store.server.kind == "postgresql"
        else "SELECT id FROM information_schema.processlist"
    )

    async def gone() -> None:
        async with asyncio.timeout(PATIENCE_S):
            while known & {row[0] for row in run(listing)}:
                await asyncio.sleep(0.01)  # the server takes a moment to see that a client has gone

    with session(store.server) as run:
        runners[0].run(gone())


def test_killed_sessions_under_several_loops(store: Place, fresh: Iterator[int]) -> None:
    """Loops of several threads claim while the server kills all of their sessions: every claim is made, once."""
    storage = store.open_async(pool_size=2)
    over, ready = threading.Event(), threading.Event()
    made: list[int] = []
    kill = "SELECT pg_terminate_backend({})" if store.server.kind == "postgresql" else "KILL {}"
    listing = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        if store.server.kind == "postgresql"
        else f"SELECT id FROM information_schema.processlist WHERE db = '{store.server.database}'"
        " AND id <> CONNECTION_ID()"
    )

    async def some(numbers: list[int]) -> list[bool]:
        answers = []
        for n in numbers:
            answers.append(await claimed(storage, n))
            made.append(n)
        return answers

    def killing() -> int:
        kills = enough = 0
        with session(store.server) as run:
            ready.set()
            while not over.wait(0.001):
                if len(made) < enough:  # killed faster than they can work, they would make no claim at all
                    continue
                before = kills
                for (each,) in run(listing):
                    kills += 1
                    with suppress(pymysql.err.OperationalError):  # it may have ended by itself
                        run(kill.format(each))
                enough = len(made) + LOOPS if kills > before else enough
        return kills

    parts = [[next(fresh) for _ in range(ROUNDS)] for _ in range(LOOPS)]
    with ThreadPoolExecutor(LOOPS + 1) as threads:
        killer = threads.submit(killing)
        assert ready.wait(PATIENCE_S)  # or all claims could be made before it is there
        try:
            working = [threads.submit(lambda part=part: asyncio.run(some(part))) for part in parts]
            answers = [each.result(PATIENCE_S) for each in working]
        finally:
            over.set()
        kills = killer.result(PATIENCE_S)
    assert kills
    assert answers == [[True] * ROUNDS] * LOOPS
    with store.open() as plain:
        door = reopen_door(plain)
        assert all(is_claimed(door, n) for part in parts for n in part)
    storage.close()
    gc.collect()


def is_claimed(door: Any, n: int) -> bool:
    each = BOUGHT[n]
    again = door.claim(f"m{n % 7}", platform="taobao", order_no=each.order_no, proof=right_proof(each))
    return not again.created
