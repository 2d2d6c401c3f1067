"""Tasks that are cancelled in the middle of a claim: the claim is whole or not there, and nobody else is held up."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, right_proof
from harness import FIRST, LATER, open_door, reopen_door
from places import Place
from stores import session

from crossloyalty import AsyncEngine, Reason
from crossloyalty.storage._sql.mysql_link import MysqlLink
from crossloyalty.storage._sql.postgresql_link import PostgresqlLink
from crossloyalty.testing import dump

PATIENCE_S: Final = 60.0
MOST_SENDS: Final = 8


class Cancelling:
    """Cancels the task that sends for the k-th time, before it does or when the answer is in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self.before = True
        for kind in (PostgresqlLink, MysqlLink):
            monkeypatch.setattr(kind, "send", self._wrapped(kind.send))

    def at(self, k: int, *, before: bool) -> None:
        self.left, self.before = k, before

    def _wrapped(self, plain: Any) -> Any:
        async def send(link: Any, calls: Any) -> Any:
            self.left -= 1
            if self.left:
                return await plain(link, calls)
            task = asyncio.current_task()
            assert task is not None
            if self.before:
                task.cancel()
            answers = await plain(link, calls)
            if not self.before:
                task.cancel()
            return answers

        return send


@pytest.fixture
def cancelling(monkeypatch: pytest.MonkeyPatch) -> Cancelling:
    """Watch all links."""
    return Cancelling(monkeypatch)


@pytest.fixture
def filled(server_place: Place) -> Place:
    """Give a store that `again` empties and fills with one finished order."""
    return server_place


def again(place: Place) -> None:
    place.empty()
    with place.open() as storage:
        open_door(storage).ingest([FIRST])


def claim(door: Any) -> Any:
    return door.claim("m1", platform=FIRST.platform, order_no=FIRST.order_no, proof=right_proof(FIRST))


def open_transactions(place: Place) -> int:
    """Count the transactions that are open in the store's database, ours excepted."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        if place.server.kind == "postgresql"
        else "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
        f" ON p.id = t.trx_mysql_thread_id WHERE p.db = '{place.server.database}'"
    )
    with session(place.server) as run:
        return int(run(sql)[0][0])


async def nobody_is_inside(place: Place) -> None:
    """Wait until the server has seen that whoever was cancelled is gone."""
    async with asyncio.timeout(PATIENCE_S):
        while open_transactions(place):
            await asyncio.sleep(0.01)


async def cancelled_at(place: Place, cancelling: Cancelling, k: int, *, before: bool) -> tuple[bool, Any]:
    """Cancel one claim, then make it again over the same storage; say whether it was hit, and the second answer."""
    async with place.open_async(pool_size=1, pool_wait_s=PATIENCE_S) as storage:
        door = AsyncEngine(storage, clock=Clock(LATER)).program(PROGRAM_ID)
        await door.member("m1")  # the connection is open, the rules are read
        cancelling.at(k, before=before)
        task = asyncio.create_task(claim(door))
        try:
            await task
            hit = False
        except asyncio.CancelledError:
            hit = True
        cancelling.at(0, before=True)
        await nobody_is_inside(place)
        return hit, await claim(door)


@pytest.mark.parametrize("before", [True, False], ids=["before it sends", "when the answer is in"])
def test_a_cancelled_claim_is_whole_or_not_there(filled: Place, cancelling: Cancelling, before: bool) -> None:
    """Cancelled at whichever of its sends: no lock and no connection is lost, and the same call again ends it well."""
    hits = 0
    for k in range(1, MOST_SENDS):
        again(filled)
        hit, answer = asyncio.run(cancelled_at(filled, cancelling, k, before=before))
        with filled.open() as storage:
            assert len(dump(storage)["claims"]) == 1
            assert_sound(reopen_door(storage))
        if not hit:
            break
        hits += 1
        assert answer.created or answer.reason is Reason.ALREADY_CLAIMED_BY_YOU
    assert hits >= 2
    assert not hit


@pytest.mark.parametrize("timeout_s", [0.0, 0.0005, 0.001, 0.002, 0.004, 0.008])
def test_a_claim_that_times_out_is_whole_or_not_there(filled: Place, timeout_s: float) -> None:
    """`asyncio.timeout` around a claim, falling where it falls, leaves everything as a cancelled task does."""
    again(filled)

    async def run() -> Any:
        async with filled.open_async(pool_size=1, pool_wait_s=PATIENCE_S) as storage:
            door = AsyncEngine(storage, clock=Clock(LATER)).program(PROGRAM_ID)
            await door.member("m1")
            try:
                async with asyncio.timeout(timeout_s):
                    return await claim(door)
            except TimeoutError:
                await nobody_is_inside(filled)
                return await claim(door)

    answer = asyncio.run(run())
    assert answer.created or answer.reason is Reason.ALREADY_CLAIMED_BY_YOU
    with filled.open() as storage:
        assert len(dump(storage)["claims"]) == 1
        assert_sound(reopen_door(storage))
