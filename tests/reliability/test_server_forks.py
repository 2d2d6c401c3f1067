"""Processes that fork with a storage in hand: plain or asynchronous, busy or idle, children that end as any other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, order, right_proof
from harness import LATER, open_door, reopen_door
from places import SERVER_KINDS, Place
from servers import fresh_database
from stores import installed, session

from crossloyalty import AsyncEngine
from crossloyalty.application.driving import drive
from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.link import Call

PATIENCE_S: Final = 60.0
CHILDREN: Final = 3
BOUGHT: Final = [order(n, paid_fen=20_000 + n) for n in range(160)]
PROGRAM: Final = """
import gc, os, sys
from places import Place
from servers import Server
from harness import reopen_door
from test_server_forks import BOUGHT, claimed, own_session
place = Place(Server.parse(sys.argv[1], sys.argv[2]))
with place.open() as storage:
    door = reopen_door(storage)
    assert claimed(door, int(sys.argv[3]))
    before = own_session(storage)
    pid = os.fork()
    if pid == 0:
        assert claimed(door, int(sys.argv[3]) + 1)
        assert own_session(storage) != before
    else:
        assert os.waitpid(pid, 0)[1] == 0
        assert claimed(door, int(sys.argv[3]) + 2)
        assert own_session(storage) == before
del door, storage
gc.collect()
sys.exit(0)
"""


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
    """Claim the n-th order."""
    each = BOUGHT[n]
    return bool(door.claim(f"m{n % 7}", platform="taobao", order_no=each.order_no, proof=right_proof(each)).created)


async def claimed_async(storage: Any, n: int) -> bool:
    """Claim it over an asynchronous storage."""
    each, door = BOUGHT[n], AsyncEngine(storage, clock=Clock(LATER)).program(PROGRAM_ID)
    return bool(
        (await door.claim(f"m{n % 7}", platform="taobao", order_no=each.order_no, proof=right_proof(each))).created
    )


ASKED: Final = {"Postgresql": "SELECT pg_backend_pid()", "Mysql": "SELECT CONNECTION_ID()"}


def asked(storage: Any) -> list[Call]:
    return [Call(sql) for name, sql in ASKED.items() if name in type(storage).__name__]


def own_session(storage: Any) -> Any:
    """Ask the server which session of its own serves us."""
    with storage.transaction(readonly=True) as tx:
        return drive(tx._tx._ground.send(asked(storage)))[0].rows


async def own_session_async(storage: Any) -> Any:
    """Ask the same over an asynchronous storage."""
    async with storage.transaction(readonly=True) as tx:
        return (await tx._ground.send(asked(storage)))[0].rows


def forked(work: Callable[[], object]) -> int:
    """Run work in a forked child, which ends with 0 when that gave something true; give its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os._exit(0 if work() else 1)
    except BaseException:  # noqa: BLE001 - the parent sees the exit code
        traceback.print_exc()
    os._exit(70)


def ended_well(pids: list[int]) -> bool:
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * len(pids)


def test_an_asynchronous_storage_made_before_a_fork(store: Place, fresh: Iterator[int]) -> None:
    """Children use it in event loops of their own, with sessions of their own, and the parent's loop goes on."""
    storage = store.open_async()

    async def parent() -> None:
        assert await claimed_async(storage, next(fresh))
        before = await own_session_async(storage)
        numbers = [next(fresh) for _ in range(CHILDREN)]
        children = [forked_loop(storage, n, before) for n in numbers]
        assert await claimed_async(storage, next(fresh))
        assert await asyncio.to_thread(ended_well, children)
        assert await own_session_async(storage) == before
        storage.close()

    asyncio.run(parent())


def forked_loop(storage: Any, n: int, parents: object) -> int:
    """Fork a child that claims in an event loop of a thread, as this one's loop is said to run already."""

    async def child() -> bool:
        created = await claimed_async(storage, n)
        return created and await own_session_async(storage) != parents

    def in_a_thread() -> bool:
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(asyncio.run, child()).result()

    return forked(in_a_thread)


def test_a_fork_while_other_threads_claim(store: Place, fresh: Iterator[int]) -> None:
    """With the parent's threads in the middle of claims children make theirs, and none of the parent's is disturbed."""
    claims: list[bool] = []
    over = threading.Event()
    with store.open(pool_size=3) as storage:
        door = reopen_door(storage)

        def busy() -> None:
            while not over.is_set() and len(claims) < 60:
                claims.append(claimed(door, next(fresh)))

        with ThreadPoolExecutor(2) as threads:
            running = [threads.submit(busy) for _ in range(2)]
            try:
                children = []
                for _ in range(CHILDREN):
                    n = next(fresh)
                    children.append(forked(lambda n=n: claimed(door, n)))
                assert ended_well(children)
            finally:
                over.set()
            for each in running:
                each.result()
        assert claims
        assert all(claims)
        assert claimed(door, next(fresh))


def test_a_fork_inside_a_transaction_leaves_it_to_the_parent(store: Place, fresh: Iterator[int]) -> None:
    """What a child does with the transaction it has inherited is refused, and the parent's still commits."""
    with store.open(pool_size=1) as storage:
        door = reopen_door(storage)
        with storage.transaction() as tx:
            tx.lock([])

            def in_child() -> bool:
                for work in (lambda: tx.lock([]), lambda: tx.read([]), lambda: tx.__exit__(None, None, None)):
                    with pytest.raises(ConfigError):
                        work()
                return claimed(door, n)

            n = next(fresh)
            assert ended_well([forked(in_child)])
            drive(tx._tx._ground.send([Call("DELETE FROM crossloyalty_tags WHERE tag = 'nobody-has-it'")]))
        assert claimed(door, next(fresh))


def test_a_child_of_a_child(store: Place, fresh: Iterator[int]) -> None:
    """Three generations have a session each."""
    with store.open() as storage:
        door = reopen_door(storage)
        assert claimed(door, next(fresh))
        first, one, two = own_session(storage), next(fresh), next(fresh)

        def child() -> bool:
            assert claimed(door, one)
            second = own_session(storage)
            grandchild = forked(lambda: claimed(door, two) and own_session(storage) not in (first, second))
            return ended_well([grandchild]) and own_session(storage) == second != first

        assert ended_well([forked(child)])
        assert own_session(storage) == first


def test_a_child_that_ends_in_good_order(store: Place, fresh: Iterator[int]) -> None:
    """One that closes the storage, collects garbage and runs its exit handlers ends no session of its parent's."""
    first, *_ = [next(fresh) for _ in range(3)]
    given = [store.server.kind, store.server.url(), str(first)]
    run = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM, *given],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_a_store_keeps_no_sessions_of_children(store: Place, fresh: Iterator[int]) -> None:
    """When children have gone, so have their connections."""
    with store.open(pool_size=1) as storage, session(store.server) as run:
        door = reopen_door(storage)
        assert claimed(door, next(fresh))
        numbers = [next(fresh) for _ in range(CHILDREN)]
        assert ended_well([forked(lambda n=n: claimed(door, n)) for n in numbers])
        listing = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'crossloyalty %' AND"
            " datname = current_database()"
            if store.server.kind == "postgresql"
            else f"SELECT count(*) - 1 FROM information_schema.processlist WHERE db = '{store.server.database}'"
        )
        give_up_at = time.monotonic() + PATIENCE_S
        while run(listing) != [(1,)]:
            assert time.monotonic() < give_up_at, "a child's session is still there"
            time.sleep(0.01)  # the server takes a moment to see that a client has gone
        assert claimed(door, next(fresh))
