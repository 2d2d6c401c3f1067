"""Places of a pool: none is lost to whatever fails, tasks stand in line as threads do, old connections are replaced."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, order, right_proof
from harness import LATER, open_door, reopen_door
from places import SERVER_KINDS, Place
from servers import fresh_database
from stores import installed, is_mysql_proper, session

from crossloyalty import AsyncEngine
from crossloyalty.application.driving import drive
from crossloyalty.errors import (
    ConfigError,
    Conflict,
    CrossloyaltyError,
    InvalidInput,
    StorageBusy,
    StorageCorrupt,
    StorageUnavailable,
)
from crossloyalty.storage._sql import pool
from crossloyalty.storage._sql.link import RESTS_S, Call

PATIENCE_S: Final = 60.0
PLACES: Final = 3
BOUGHT: Final = [order(n, paid_fen=20_000 + n) for n in range(60)]
ASKED: Final = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
ROW: Final = "INSERT INTO crossloyalty_tags VALUES ('p', 'm', {}, {}, 0, 0, 0)"
OWN_KILL: Final = ["KILL CONNECTION_ID()", "SELECT 1"]
FAILING: Final[dict[str, list[tuple[list[str], type[CrossloyaltyError]]]]] = {
    "postgresql": [
        (["SELECT * FROM nowhere"], ConfigError),
        (["SELECT 1 / 0"], InvalidInput),
        ([ROW.format("'t'", "NULL")], StorageCorrupt),
        ([ROW.format("'t'", 1)] * 2, Conflict),
        (["SELECT pg_cancel_backend(pg_backend_pid())", "SELECT pg_sleep(9)"], StorageBusy),
        (["SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"], StorageUnavailable),
    ],
    "mysql": [
        (["SELECT * FROM nowhere"], ConfigError),
        (["SELECT 9223372036854775807 + count(*) FROM crossloyalty_schema_version"], InvalidInput),
        ([ROW.format("'t'", "NULL")], StorageCorrupt),
        ([ROW.format("'t'", 1)] * 2, Conflict),
        (["SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1317"], StorageBusy),
        (OWN_KILL, StorageUnavailable),
    ],
}


def failing(place: Place) -> Iterator[tuple[list[str], type[CrossloyaltyError]]]:
    """Give what fails on this server; MySQL itself says "interrupted" to a session that kills itself."""
    proper = is_mysql_proper(place.server)
    for statements, kind in FAILING[place.server.kind]:
        yield statements, StorageBusy if proper and statements == OWN_KILL else kind


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


def claimed(door: Any, n: int) -> bool:
    each = BOUGHT[n]
    return bool(door.claim(f"m{n % 7}", platform="taobao", order_no=each.order_no, proof=right_proof(each)).created)


async def claimed_async(storage: Any, n: int) -> bool:
    each, door = BOUGHT[n], AsyncEngine(storage, clock=Clock(LATER)).program(PROGRAM_ID)
    proof = right_proof(each)
    return bool((await door.claim(f"m{n % 7}", platform="taobao", order_no=each.order_no, proof=proof)).created)


def own_session(storage: Any, kind: str) -> int:
    with storage.transaction(readonly=True) as tx:
        return int(drive(tx._tx._ground.send([Call(ASKED[kind])]))[0].rows[0][0])


def has_all_places(storage: Any) -> None:
    """Enter as many transactions at once as there are places, each in its thread; one more is refused."""
    inside, leave = threading.Barrier(PLACES + 1), threading.Event()

    def sit() -> None:
        with storage.transaction(readonly=True) as tx:
            drive(tx._tx._ground.send([Call("SELECT 1")]))
            inside.wait(PATIENCE_S)
            leave.wait(PATIENCE_S)

    with ThreadPoolExecutor(PLACES) as threads:
        sitting = [threads.submit(sit) for _ in range(PLACES)]
        try:
            inside.wait(PATIENCE_S)
            with pytest.raises(StorageBusy), storage.transaction(readonly=True):
                raise AssertionError("let in")
        finally:
            leave.set()
        for each in sitting:
            each.result(PATIENCE_S)


async def has_all_places_async(storage: Any) -> None:
    """Do the same with tasks."""
    entered, leave = asyncio.Semaphore(0), asyncio.Event()

    async def sit() -> None:
        async with storage.transaction(readonly=True) as tx:
            await tx._ground.send([Call("SELECT 1")])
            entered.release()
            await leave.wait()

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        for _ in range(PLACES):
            group.create_task(sit())
        for _ in range(PLACES):
            await entered.acquire()
        with pytest.raises(StorageBusy):
            async with storage.transaction(readonly=True):
                raise AssertionError("let in")
        leave.set()


def raise_inside(storage: Any, error: BaseException) -> None:
    with storage.transaction() as tx:
        tx.lock([])
        raise error


def test_no_error_costs_a_place(store: Place, fresh: Iterator[int]) -> None:
    """After errors of every kind, many more than there are places, all places serve, for threads."""
    with store.open(pool_size=PLACES, pool_wait_s=0.2) as storage:
        for statements, kind in failing(store):
            for _ in range(PLACES + 1):
                with pytest.raises(CrossloyaltyError) as caught, storage.transaction() as tx:
                    drive(tx._tx._ground.send([Call(sql) for sql in statements]))
                assert type(caught.value) is kind
        for error in (ValueError("the host's"), KeyboardInterrupt(), SystemExit(0), GeneratorExit()):
            for _ in range(PLACES + 1):
                with pytest.raises(type(error)):
                    raise_inside(storage, error)
        has_all_places(storage)
        assert claimed(reopen_door(storage), next(fresh))


def test_no_error_costs_a_place_for_tasks(store: Place, fresh: Iterator[int]) -> None:
    """The same for tasks, cancelled ones among them, in the middle of a statement and while they wait in line."""

    async def fail(storage: Any, statements: list[str]) -> None:
        async with storage.transaction() as tx:
            await tx._ground.send([Call(sql) for sql in statements])

    async def run() -> None:
        async with store.open_async(pool_size=PLACES, pool_wait_s=0.2) as storage:
            for statements, kind in failing(store):
                failed = [fail(storage, statements) for _ in range(PLACES + 1)]
                answers = [(await asyncio.gather(each, return_exceptions=True))[0] for each in failed]
                assert [type(answer) for answer in answers] == [kind] * (PLACES + 1)
            for pauses in range(12):
                tasks = [asyncio.create_task(fail(storage, ["SELECT 1"])) for _ in range(3 * PLACES)]
                for _ in range(pauses):
                    await asyncio.sleep(0)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await has_all_places_async(storage)
            assert await claimed_async(storage, next(fresh))

    asyncio.run(run())


@contextmanager
def hidden(place: Place) -> Iterator[None]:
    """Take the version table away, so that nobody is let in."""
    with session(place.server) as run:
        run("ALTER TABLE crossloyalty_schema_version RENAME TO host_hidden")
        try:
            yield
        finally:
            run("ALTER TABLE host_hidden RENAME TO crossloyalty_schema_version")


def test_a_connection_that_cannot_be_opened_costs_no_place(store: Place, fresh: Iterator[int]) -> None:
    """Who is refused at opening is told why each time, never that all are in use, and is let in afterwards."""
    with store.open(pool_size=1, pool_wait_s=0.2) as storage:
        with hidden(store):
            for _ in range(4):
                with pytest.raises(ConfigError, match="crossloyalty_schema_version"), storage.transaction():
                    raise AssertionError("let in")
        assert claimed(reopen_door(storage), next(fresh))

    async def run() -> None:
        async with store.open_async(pool_size=1, pool_wait_s=0.2) as storage:
            with hidden(store):
                for _ in range(4):
                    with pytest.raises(ConfigError, match="crossloyalty_schema_version"):
                        await storage.transaction().__aenter__()
            assert await claimed_async(storage, next(fresh))

    asyncio.run(run())


def test_tasks_are_served_in_the_order_they_came(store: Place) -> None:
    """Whichever task has waited longest gets the place that becomes free; those that gave up are passed over."""

    async def run() -> list[int]:
        served: list[int] = []
        async with store.open_async(pool_size=1, pool_wait_s=PATIENCE_S) as storage:

            async def look(n: int) -> None:
                async with storage.transaction(readonly=True):
                    served.append(n)

            async with storage.transaction():
                tasks = []
                for n in range(9):
                    tasks.append(asyncio.create_task(look(n)))
                    await asyncio.sleep(0)
                tasks[0].cancel()
                tasks[4].cancel()
                await asyncio.sleep(0)
            late = asyncio.create_task(look(9))
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)
            await late
        return served

    assert asyncio.run(run()) == [1, 2, 3, 5, 6, 7, 8, 9]


def test_waiting_ends_in_every_race_with_the_place(store: Place) -> None:
    """Callers whose patience ends as places become free get one or StorageBusy, and no place is lost on the way."""
    with store.open(pool_size=PLACES, pool_wait_s=0.002) as storage:

        def look(_: int) -> type[Exception] | None:
            try:
                with storage.transaction(readonly=True) as tx:
                    drive(tx._tx._ground.send([Call("SELECT 1")]))
            except StorageBusy as error:
                return type(error)
            return None

        with ThreadPoolExecutor(12) as threads:
            assert set(threads.map(look, range(400))) <= {None, StorageBusy}
        assert storage._pool.gate._free == PLACES
        assert not storage._pool.gate._line

    async def run() -> None:
        async with store.open_async(pool_size=PLACES, pool_wait_s=0.002) as awaited:

            async def look_async() -> type[Exception] | None:
                try:
                    async with awaited.transaction(readonly=True) as tx:
                        await tx._ground.send([Call("SELECT 1")])
                except StorageBusy as error:
                    return type(error)
                return None

            for _ in range(10):
                assert set(await asyncio.gather(*(look_async() for _ in range(40)))) <= {None, StorageBusy}
            await has_all_places_async(awaited)

    asyncio.run(run())


def test_a_connection_that_was_idle_for_long_is_replaced(store: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the limit the same session serves; beyond it a new one does, and the old one is closed."""
    kind = store.server.kind
    with store.open(pool_size=1) as storage:
        first = own_session(storage, kind)
        assert own_session(storage, kind) == first
        later = time.monotonic() + RESTS_S
        monkeypatch.setattr(pool.time, "monotonic", lambda: later)
        assert own_session(storage, kind) != first


def test_a_connection_rests_no_longer_than_its_server_lets_it(store: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that the server closes sooner is replaced sooner."""
    kind = store.server.kind
    with store.open(pool_size=1) as storage:
        with storage.transaction(readonly=True) as tx:
            drive(tx._tx._ground.send([Call("SELECT 1")]))
            tx._tx._ground._link.rests_s = 5.0
        first = own_session(storage, kind)
        began = time.monotonic()
        monkeypatch.setattr(pool.time, "monotonic", lambda: began + 4)
        assert own_session(storage, kind) == first
        monkeypatch.setattr(pool.time, "monotonic", lambda: began + 9)
        assert own_session(storage, kind) != first


KILL: Final = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}


def test_connections_that_died_while_idle_disturb_nobody(store: Place, fresh: Iterator[int]) -> None:
    """When all idle connections have been ended by the server, the next claims are made as if nothing had been."""
    kind = store.server.kind
    with store.open(pool_size=PLACES) as storage, session(store.server) as run:
        door = reopen_door(storage)
        victims = set()
        barrier = threading.Barrier(PLACES)

        def sit(_: int) -> None:
            with storage.transaction(readonly=True) as tx:
                victims.add(int(drive(tx._tx._ground.send([Call(ASKED[kind])]))[0].rows[0][0]))
                barrier.wait(PATIENCE_S)

        with ThreadPoolExecutor(PLACES) as threads:
            list(threads.map(sit, range(PLACES)))
        assert len(victims) == PLACES
        for victim in victims:
            run(KILL[kind].format(victim))
        for _ in range(PLACES):
            assert claimed(door, next(fresh))
        assert own_session(storage, kind) not in victims
