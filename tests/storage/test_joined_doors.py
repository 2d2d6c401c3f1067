"""`Loyalty.joined`: claims inside a host's transaction, provisional until the host commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from attrs import frozen
from builders import NOW, Clock, claim_of, convert, day, order, points_program, right_proof, section8_program
from host_fixtures import Find, database_of
from hosts import emptied, kind_of, open_host, storage_for
from stands import Stand
from stores import session

from crossloyalty import AsyncEngine, AsyncLoyalty, Engine, GroupCommit, Loyalty, OrderStatus, Program, Reason, rules
from crossloyalty.errors import ConfigError, HostTransactionLost
from crossloyalty.storage.memory import MemoryStorage

__all__ = ["database_of"]

_ORDER = order(1)
_REPEATABLE_READ = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_PLAIN = {"postgresql": "postgresql-psycopg", "mysql": "mysql-pymysql"}
# How a server tells that somebody in this database waits for a lock.
_WAITING = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mysql": "SELECT id FROM information_schema.innodb_trx JOIN information_schema.processlist"
    " ON id = trx_mysql_thread_id WHERE db = DATABASE() AND trx_state = 'LOCK WAIT'",
}


def _clock() -> Any:
    return NOW


@frozen
class Shop(Stand):
    """
    A stand, and a door of its own connection over the same database.

    Args:
        door: Its program gives a point for each yuan.
    """

    door: Loyalty

    def points(self) -> int:
        """Give the member's points as everybody sees them."""
        return self.door.member("m1").points


@pytest.fixture(params=["sqlite-session", "postgresql-psycopg", "postgresql-session-psycopg", "mysql-pymysql"])
def shop(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Shop]:
    """Give a shop with one order, over each kind of database."""
    where = database_of(kind_of(request.param))
    with storage_for(where) as storage:
        door = Loyalty(points_program(), storage, clock=_clock)
        door.ingest([_ORDER])
        yield Shop(request.param, where, door)
    emptied(where)


@pytest.fixture
def where(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Any]:
    """Give the empty database of a kind of host."""
    found = database_of(kind_of(request.getfixturevalue("name")))
    yield found
    emptied(found)


@asynccontextmanager
async def _awaited(where: Any) -> AsyncIterator[Any]:
    """Open the storage of asynchronous doors; SQLite's is the plain one."""
    storage = storage_for(where, is_async=True)
    try:
        yield storage
    finally:
        closed = storage.close()
        if closed is not None:
            await closed


def test_a_claim_counts_when_the_host_commits(shop: Shop) -> None:
    """The answer is there at once, the points are everybody's with the commit, together with the host's own row."""
    with shop.host() as host:
        host.write("sent")
        joined = shop.door.joined(host.connection)
        assert joined.program_id == shop.door.program_id
        result = claim_of(joined, "m1", _ORDER)
        assert (result.created, result.points, joined.member("m1").points) == (True, 100, 100)
        assert shop.points() == 0
        host.commit()
        assert (shop.points(), list(host.notes())) == (100, ["sent"])
    assert shop.door.verify().ok


def test_a_rolled_back_claim_may_be_made_again(shop: Shop) -> None:
    """Nothing is left of it, not even that somebody asked."""
    with shop.host() as host:
        assert claim_of(shop.door.joined(host.connection), "m2", _ORDER).created
    assert claim_of(shop.door, "m1", _ORDER).created
    assert shop.door.verify().ok


def test_a_no_leaves_the_hosts_transaction(shop: Shop) -> None:
    """A refusal is a value here too; the host writes on and commits, and a claim after it works."""
    unfinished, fine = order(2, status=OrderStatus.SHIPPED, finished_at=None), order(3)
    convert(shop.door, "m2", order(4))
    shop.door.ingest([unfinished, fine])
    with shop.host() as host:
        joined = shop.door.joined(host.connection)
        host.write("before")
        assert claim_of(joined, "m1", unfinished).reason is Reason.NOT_FINISHED
        assert claim_of(joined, "m1", order(4)).reason is Reason.ALREADY_CLAIMED
        assert claim_of(joined, "m1", fine).created
        host.commit()
        assert list(host.notes()) == ["before"]
    assert shop.points() == 100


def test_two_calls_in_one_transaction_see_each_other(shop: Shop) -> None:
    """The second claim of an order in the same transaction finds the first one's."""
    with shop.host() as host:
        assert claim_of(shop.door.joined(host.connection), "m1", _ORDER).created
        again = claim_of(shop.door.joined(host.connection), "m1", _ORDER)
        assert (again.created, again.reason) == (False, Reason.ALREADY_CLAIMED_BY_YOU)
        assert claim_of(shop.door.joined(host.connection), "m2", _ORDER).reason is Reason.ALREADY_CLAIMED
        host.commit()
    assert shop.points() == 100


def test_bulk_and_due_work_run_inside(shop: Shop) -> None:
    """Many transactions of ours are so many savepoints of the host's one."""
    orders = [order(number) for number in range(10, 30)]
    with shop.host() as host:
        joined = shop.door.joined(host.connection)
        assert not joined.ingest(orders, batch=5).rejected
        assert all(claim_of(joined, "m1", each).created for each in orders[:3])
        joined.run_due()
        assert len(joined.pending_events(limit=1_000)) > 0
        assert joined.verify().ok
        host.rollback()
        assert shop.points() == 0
    assert not shop.door.pending_events(limit=1_000)
    assert all(claim_of(shop.door, "m1", each).created is False for each in orders[:3])


@pytest.mark.parametrize("shop", ["postgresql-psycopg", "postgresql-session-psycopg", "mysql-pymysql"], indirect=True)
def test_a_lost_transaction_is_told_by_every_call(shop: Shop) -> None:
    """When the host's transaction dies every call says so until the host rolls back; nothing of it is there."""
    with shop.host() as host:
        joined = shop.door.joined(host.connection)
        assert claim_of(joined, "m1", _ORDER).created
        host.lose()
        for _ in range(2):
            with pytest.raises(HostTransactionLost):
                joined.member("m1")
        with pytest.raises(HostTransactionLost):
            claim_of(joined, "m1", _ORDER)
    assert shop.points() == 0
    assert claim_of(shop.door, "m1", _ORDER).created


@pytest.mark.parametrize("shop", ["mysql-pymysql", "mysql-connection-pymysql"], indirect=True)
def test_a_claim_behind_the_hosts_snapshot_is_seen_on_mysql(shop: Shop) -> None:
    """A host that reads an old snapshot is told of a claim committed since, by the answer and not by an error."""
    with shop.host(_REPEATABLE_READ) as host:
        assert list(host.notes()) == []  # the snapshot is taken
        assert claim_of(shop.door, "m2", _ORDER).created
        late = claim_of(shop.door.joined(host.connection), "m1", _ORDER)
        assert (late.created, late.reason) == (False, Reason.ALREADY_CLAIMED)
        host.write("told")
        host.commit()
        assert list(host.notes()) == ["told"]
    assert shop.points() == 0


@pytest.mark.parametrize("shop", ["postgresql-psycopg", "postgresql-session-psycopg"], indirect=True)
def test_a_claim_behind_the_hosts_snapshot_loses_it_on_postgresql(shop: Shop) -> None:
    """There the host has to roll back and ask again, and is told then."""
    with shop.host(_REPEATABLE_READ) as host:
        assert list(host.notes()) == []  # the snapshot is taken
        assert claim_of(shop.door, "m2", _ORDER).created
        with pytest.raises(HostTransactionLost):
            claim_of(shop.door.joined(host.connection), "m1", _ORDER)
        host.rollback()
        host.begin()
        assert claim_of(shop.door.joined(host.connection), "m1", _ORDER).reason is Reason.ALREADY_CLAIMED


# -- rules that may never be committed -------------------------------------------------------------------------------


def _double() -> Program:
    return points_program(rules.PointsPerYuan("2"))


def test_rules_of_a_rolled_back_transaction_are_forgotten(shop: Shop) -> None:
    """A revision published and used inside is nobody else's: not the shared door's, not a later joined one's."""
    with shop.host() as host:
        joined = shop.door.joined(host.connection)
        assert joined.publish(_double(), expected_revision=1) == 2
        assert claim_of(joined, "m1", _ORDER).points == 200
        assert joined.revision() == 2
    shop.door.publish(points_program(rules.PointsPerYuan("3")), expected_revision=1)
    with shop.host() as host:
        assert claim_of(shop.door.joined(host.connection), "m1", _ORDER).points == 300
        host.commit()
    assert shop.points() == 300
    assert shop.door.explain(platform=_ORDER.platform, order_no=_ORDER.order_no)
    assert shop.door.verify().ok


def test_rules_of_a_rolled_back_transaction_are_not_in_force(shop: Shop) -> None:
    """The shared door goes on with the rules that were committed."""
    with shop.host() as host:
        joined = shop.door.joined(host.connection)
        joined.publish(_double(), expected_revision=1)
        assert claim_of(joined, "m1", _ORDER).points == 200
    assert claim_of(shop.door, "m1", _ORDER).points == 100
    assert shop.door.revision() == 1


def test_committed_rules_are_found_by_all(shop: Shop) -> None:
    """What a joined door published is in force when the host has committed."""
    with shop.host() as host:
        shop.door.joined(host.connection).publish(_double(), expected_revision=1)
        host.commit()
    assert claim_of(shop.door, "m1", _ORDER).points == 200


# -- doors -----------------------------------------------------------------------------------------------------------


def test_an_engine_joins_with_all_its_programs(shop: Shop) -> None:
    """`Engine.joined` gives doors to any program, also one that is new inside."""
    engine = Engine(storage_for(shop.where), clock=_clock)
    with shop.host() as host:
        joined = engine.joined(host.connection)
        joined.publish(points_program(program_id="brand-b"), expected_revision=0)
        assert joined.programs() == ["brand-a", "brand-b"]
        assert claim_of(joined.program("brand-a"), "m1", _ORDER).created
    assert engine.programs() == ["brand-a"]


def test_joined_claims_are_never_grouped(shop: Shop) -> None:
    """A door with group commit joins without it; a joined storage under a door with group commit is refused."""
    grouped = Loyalty(points_program(), storage_for(shop.where), clock=_clock, group_commit=GroupCommit())
    with shop.host() as host:
        assert claim_of(grouped.joined(host.connection), "m1", _ORDER).created
        with pytest.raises(ConfigError, match="group_commit"):
            Loyalty(points_program(), host.joined(), group_commit=GroupCommit())
    assert shop.points() == 0


def test_a_storage_that_cannot_join_says_so() -> None:
    """The memory storage has no transactions of a host's."""
    with pytest.raises(ConfigError, match="MemoryStorage cannot work inside"):
        Loyalty(points_program(), MemoryStorage()).joined(object())


@pytest.mark.parametrize("name", ["postgresql-async_session-asyncpg", "mysql-async_session-asyncmy"])
def test_each_door_takes_its_own_kind_of_connection(where: Any, name: str) -> None:
    """An awaited connection is refused by the plain door, a plain one by the asynchronous one, naming the other."""
    door = Loyalty(points_program(), storage_for(where))
    awaited = AsyncLoyalty(points_program(), storage_for(where, is_async=True))
    with closing(open_host(name, where)) as host, pytest.raises(ConfigError, match="AsyncLoyalty"):
        door.joined(host.connection)
    with closing(open_host(_PLAIN[kind_of(name)], where)) as host, pytest.raises(ConfigError, match="through Loyalty"):
        awaited.joined(host.connection)


@pytest.mark.parametrize(
    "name",
    [
        "sqlite-async_session-aiosqlite",
        "postgresql-async_session-asyncpg",
        "postgresql-psycopg-async",
        "mysql-async_connection-aiomysql",
    ],
)
def test_an_awaited_claim_counts_when_the_host_commits(where: Any, name: str) -> None:
    """The asynchronous door joins in the same way, and publishes its program by itself first."""
    host: Any = open_host(name, where)
    asked = {"platform": _ORDER.platform, "order_no": _ORDER.order_no, "proof": right_proof(_ORDER)}

    async def claims() -> None:
        async with _awaited(where) as storage:
            door = AsyncLoyalty(points_program(), storage, clock=_clock)
            joined = door.joined(host.connection)
            assert joined.program_id == door.program_id
            await joined.ingest([_ORDER])
            assert (await joined.claim("m1", **asked)).created
            assert (await door.member("m1")).points == 0
            await host.connection.commit()
            assert (await door.member("m1")).points == 100
            engine = AsyncEngine(storage, clock=_clock)
            again = await engine.joined(host.connection).program("brand-a").claim("m1", **asked)
            assert again.reason is Reason.ALREADY_CLAIMED_BY_YOU

    with closing(host):
        host._run(claims())


@pytest.mark.parametrize("name", ["mysql-asyncmy", "mysql-aiomysql"])
def test_the_server_has_nothing_to_warn_of(where: Any, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Drivers ask for every warning in a round trip of its own; there is none, also when many rows are set at once."""
    bought = [order(n, paid_fen=30_000) for n in (1, 2)]
    program, clock = section8_program(), Clock(day(18))
    Loyalty(program, storage_for(where), clock=clock).ingest(bought)
    host: Any = open_host(name, where)

    async def claims() -> None:
        async with _awaited(where) as storage:
            joined = AsyncLoyalty(program, storage, clock=clock).joined(host.connection)
            for each in bought:
                asked = {"platform": each.platform, "order_no": each.order_no, "proof": right_proof(each)}
                assert (await joined.claim("m1", **asked)).created

    with closing(host):
        host._run(claims())
    # asyncmy logs them, aiomysql warns, which fails the test.
    assert [record for record in caplog.records if record.name == "asyncmy"] == []


@pytest.mark.parametrize("name", ["postgresql-async_session-asyncpg", "postgresql-psycopg-async", "mysql-asyncmy"])
def test_a_cancelled_statement_loses_the_transaction(where: Any, name: str) -> None:
    """A task that is cancelled while the server works leaves a connection that nobody can go on with."""
    door = Loyalty(points_program(), storage_for(where), clock=_clock)
    door.ingest([_ORDER])
    host: Any = open_host(name, where)
    asked = {"platform": _ORDER.platform, "order_no": _ORDER.order_no, "proof": right_proof(_ORDER)}

    async def cancelled() -> None:
        async with _awaited(where) as storage:
            joined = AsyncLoyalty(points_program(), storage, clock=_clock).joined(host.connection)
            await joined.revision()
            task = asyncio.create_task(joined.claim("m1", **asked))
            with session(where) as run:
                while not run(_WAITING[where.kind]):
                    assert not task.done()
                    await asyncio.sleep(0.15)  # asked more often, MySQL tells what it told before
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(HostTransactionLost):
                await joined.revision()

    with closing(host), closing(open_host(_PLAIN[where.kind], where)) as holder:
        claim_of(door.joined(holder.connection), "m2", _ORDER)
        host._run(cancelled())
        host.rollback()
        holder.rollback()
    assert claim_of(door, "m1", _ORDER).created
