"""Connections of a storage: waited for in line, never lost, never shared with a forked child or another event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, order, right_proof
from harness import LATER, open_door, reopen_door
from places import Place
from stores import session

from crossloyalty import AsyncEngine
from crossloyalty.application.driving import drive
from crossloyalty.errors import ConfigError, StorageBusy
from crossloyalty.storage._sql.link import Call

PATIENCE_S: Final = 60.0
MANY: Final = 24
BOUGHT: Final = [order(n, paid_fen=20_000 + n) for n in range(MANY)]


@pytest.fixture
def filled(server_place: Place) -> Iterator[Place]:
    """Give a store with finished orders that nobody has claimed."""
    with server_place.open() as storage:
        open_door(storage).ingest(BOUGHT)
    yield server_place
    with server_place.open() as storage:
        assert_sound(reopen_door(storage))


def claimed(door: Any, n: int) -> bool:
    """Claim the n-th order for the n-th member."""
    each = BOUGHT[n]
    return bool(door.claim(f"m{n}", platform="taobao", order_no=each.order_no, proof=right_proof(each)).created)


async def claimed_async(door: Any, n: int) -> bool:
    """The same on an asynchronous door."""
    each = BOUGHT[n]
    return bool((await door.claim(f"m{n}", platform="taobao", order_no=each.order_no, proof=right_proof(each))).created)


def door_of(storage: Any) -> Any:
    return AsyncEngine(storage, clock=Clock(LATER)).program(PROGRAM_ID)


def sessions(place: Place, most: int) -> int:
    """
    Count the connections to the store's database, besides the one that counts.

    A server takes a moment to see that a client has gone, so more than there should be are counted again for a while.
    """
    name = place.server.database
    sql = (
        f"SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = '{name}'"
        if place.server.kind == "postgresql"
        else f"SELECT count(*) - 1 FROM information_schema.processlist WHERE db = '{name}'"
    )
    wait_until = time.monotonic() + PATIENCE_S
    with session(place.server) as run:
        while (count := int(run(sql)[0][0])) > most and time.monotonic() < wait_until:
            time.sleep(0.01)
    return count


def own_session(storage: Any) -> Any:
    """Ask the server which session of its own serves us."""
    with storage.transaction(readonly=True) as tx:
        ground = tx._tx._ground
        sql = "SELECT pg_backend_pid()" if "Postgresql" in type(storage).__name__ else "SELECT CONNECTION_ID()"
        (answer,) = drive(ground.send([Call(sql)]))
        return answer.rows


def test_more_callers_than_connections_all_get_their_turn(filled: Place) -> None:
    """24 threads and two connections: everybody is served, and never are there more connections than two."""
    with filled.open(pool_size=2, pool_wait_s=PATIENCE_S) as storage:
        door = reopen_door(storage)
        with ThreadPoolExecutor(MANY) as threads:
            assert all(threads.map(lambda n: claimed(door, n), range(MANY)))
        assert sessions(filled, 2) <= 2


def test_more_tasks_than_connections_all_get_their_turn(filled: Place) -> None:
    """The same with tasks."""

    async def run() -> None:
        async with filled.open_async(pool_size=2, pool_wait_s=PATIENCE_S) as storage:
            door = door_of(storage)
            assert all(await asyncio.gather(*(claimed_async(door, n) for n in range(MANY))))
            assert sessions(filled, 2) <= 2

    asyncio.run(run())


def test_who_waits_too_long_is_told_and_costs_nobody_a_connection(filled: Place) -> None:
    """While the only connection is in use others hear StorageBusy; afterwards it serves as before."""
    with filled.open(pool_size=1, pool_wait_s=0.05) as storage, ThreadPoolExecutor(1) as other:

        def look() -> None:
            with storage.transaction(readonly=True):
                pass

        with storage.transaction():
            for _ in range(3):
                error = other.submit(look).exception(PATIENCE_S)
                assert type(error) is StorageBusy
                assert "connection" in str(error)
        assert other.submit(look).exception(PATIENCE_S) is None
        assert claimed(reopen_door(storage), 0)


def test_tasks_that_wait_too_long_are_told(filled: Place) -> None:
    """The same with tasks; one that is cancelled while it waits takes no connection along."""

    async def run() -> None:
        async with filled.open_async(pool_size=1, pool_wait_s=0.05) as storage:

            async def look() -> None:
                async with storage.transaction(readonly=True):
                    pass

            async with storage.transaction():
                with pytest.raises(StorageBusy):
                    await asyncio.create_task(look())
                waiting = asyncio.create_task(look())
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            await asyncio.create_task(look())
            assert await claimed_async(door_of(storage), 0)

    asyncio.run(run())


def test_threads_are_served_in_the_order_they_came(filled: Place) -> None:
    """Whoever has waited longest gets the connection that becomes free."""
    served: list[int] = []
    with filled.open(pool_size=1, pool_wait_s=PATIENCE_S) as storage:
        gate = storage._pool.gate

        def look(n: int) -> None:
            with storage.transaction(readonly=True):
                served.append(n)

        threads = [threading.Thread(target=look, args=(n,)) for n in range(8)]
        with storage.transaction():
            for n, thread in enumerate(threads):
                thread.start()
                while len(gate._line) <= n:
                    time.sleep(0.001)  # until it stands in line
        for thread in threads:
            thread.join()
    assert served == list(range(8))


def test_errors_give_their_connections_back(filled: Place) -> None:
    """Ten callers that raise inside a transaction leave the only connection as good as new."""
    with filled.open(pool_size=1, pool_wait_s=0.05) as storage:
        for _ in range(10):
            with pytest.raises(ConfigError), storage.transaction() as tx:
                tx.write([], roots={})
        assert claimed(reopen_door(storage), 0)
        assert sessions(filled, 1) == 1


def test_a_closed_storage_says_so(filled: Place) -> None:
    """Closing ends the idle connections, and who comes later hears ConfigError."""
    storage = filled.open()
    assert claimed(reopen_door(storage), 0)
    storage.close()
    with pytest.raises(ConfigError), storage.transaction():
        raise AssertionError("let in")
    assert sessions(filled, 0) == 0


def test_a_forked_child_leaves_its_parents_connections_alone(filled: Place) -> None:
    """Children claim over the storage made before the fork, and the parent goes on with its own connection."""
    with filled.open() as storage:
        door = reopen_door(storage)
        assert claimed(door, 0)
        before = own_session(storage)
        children = []
        for n in range(1, 4):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if claimed(door, n) else 1)
            children.append(pid)
        assert claimed(door, 4)
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0, 0]
        assert claimed(door, 5)
        assert own_session(storage) == before


# asyncmy's transports cannot be closed any more once their event loop is; Python closes the sockets then, and says so.
_QUIETLY: Final = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@_QUIETLY
def test_event_loops_one_after_the_other(filled: Place) -> None:
    """One asynchronous storage serves event loops that come and go, and keeps nothing of those that have gone."""
    storage = filled.open_async()

    async def run(n: int) -> bool:
        created = await claimed_async(door_of(storage), n)
        gc.collect()
        assert sessions(filled, 2) <= 2
        return created

    assert all(asyncio.run(run(n)) for n in range(6))
    storage.close()
    gc.collect()


@_QUIETLY
def test_event_loops_at_once(filled: Place) -> None:
    """One asynchronous storage serves the event loops of several threads at the same time, each by its connections."""
    storage = filled.open_async()

    async def some(part: range) -> list[bool]:
        door = door_of(storage)
        return list(await asyncio.gather(*(claimed_async(door, n) for n in part)))

    with ThreadPoolExecutor(3) as threads:
        parts = [range(at, MANY, 3) for at in range(3)]
        answers = list(threads.map(lambda part: asyncio.run(some(part)), parts))
    assert all(created for each in answers for created in each)
    storage.close()
    gc.collect()
