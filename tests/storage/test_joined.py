"""Inside a host's transaction: who is slower, what isolation hides, what costs the host its transaction."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from host_fixtures import Find, database_of
from hosts import BaseHost, emptied, host_database, kind_of, open_host
from stands import Stand

from crossloyalty._bridge import LiftedStorage, drive, lift_sleep
from crossloyalty.application.ports import AsyncTransaction, Insert, Replace
from crossloyalty.application.world import World, system_clock
from crossloyalty.domain.records import SpendDayRecord, TagRecord, key_of
from crossloyalty.errors import HostTransactionLost
from crossloyalty.testing._kit import at_once, fetch, member_root, store

__all__ = ["database_of"]

_ROOT, _OTHER = member_root("m"), member_root("n")
_DAY = SpendDayRecord("kit-here", "m", "2026-11-01", 100)
_TAG = TagRecord("kit-here", "m", "taobao", 1, 100, 5, 5)
_READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
_REPEATABLE_READ = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_WAIT = {"postgresql": "SET lock_timeout = '150ms'", "mysql": "SET SESSION innodb_lock_wait_timeout = 1"}


def _stand(name: str, database_of: Find) -> Iterator[Stand]:
    where = database_of(kind_of(name))
    yield Stand(name, where)
    emptied(where)


@pytest.fixture(params=["postgresql-psycopg2", "postgresql-psycopg", "mysql-pymysql"])
def stand(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Stand]:
    """Give plain connections on both servers."""
    yield from _stand(request.param, database_of)


@pytest.fixture(params=["postgresql-psycopg", "postgresql-session-psycopg", "postgresql-async_session-asyncpg"])
def on_postgresql(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Stand]:
    """Give connections and sessions on PostgreSQL."""
    yield from _stand(request.param, database_of)


@pytest.fixture(params=["mysql-pymysql", "mysql-connection-pymysql", "mysql-async_session-asyncmy"])
def on_mysql(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Stand]:
    """Give connections and sessions on MySQL or MariaDB."""
    yield from _stand(request.param, database_of)


def _other(stand: Stand, *records: Any, root: Any = _OTHER) -> None:
    """Have somebody else commit rows."""
    with stand.host() as host:
        store(host.joined(), [Insert(*records)] if records else [], roots=[root])
        host.commit()


def _finding(host: BaseHost, before_write: Callable[[], None]) -> tuple[str, int]:
    """
    Run a use case as the library does, which inserts a day unless it finds one.

    Args:
        before_write: What happens between the first try's lock and its write.

    Returns:
        Whose the day is, and the number of tries.
    """
    tries = 0

    async def body(tx: AsyncTransaction) -> str:
        nonlocal tries
        tries += 1
        versions = await tx.lock([_ROOT])
        if tries == 1:
            before_write()
        elif key_of(_DAY) in (await tx.read([key_of(_DAY)])).records:
            return "theirs"
        await tx.write([Insert(_DAY)], roots=versions)
        return "ours"

    world = World(LiftedStorage(host.joined()), system_clock, lift_sleep(lambda _seconds: None))
    return drive(world.run(body)), tries


# -- somebody else is faster -----------------------------------------------------------------------------------------


def test_who_was_slower_tries_again_inside(stand: Stand) -> None:
    """After a key that somebody else has committed our part runs again, finds it, and the host's work is there."""
    with stand.host(_READ_COMMITTED) as host:
        host.write("before")
        assert _finding(host, lambda: _other(stand, _DAY)) == ("theirs", 2)
        host.commit()
        assert host.notes() == ["before"]


def test_an_old_snapshot_on_postgresql_is_lost(on_postgresql: Stand) -> None:
    """Under REPEATABLE READ a key that exists behind the snapshot can never be seen: the host has to start again."""
    with on_postgresql.host(_REPEATABLE_READ) as host:
        host.write("before")
        with pytest.raises(HostTransactionLost, match="repeatable read"):
            _finding(host, lambda: _other(on_postgresql, _DAY))
        host.rollback()
        host.begin()
        assert host.notes() == []
        assert fetch(host.joined(), key_of(_DAY)) == [_DAY]


def test_a_row_that_moved_on_behind_the_snapshot_is_lost_on_postgresql(on_postgresql: Stand) -> None:
    """Locking a row which changed since the host's snapshot is a serialisation failure."""
    _other(on_postgresql, _TAG, root=_ROOT)
    with on_postgresql.host(_REPEATABLE_READ) as host:
        assert host.notes() == []  # the snapshot is taken
        _other(on_postgresql, _DAY, root=_ROOT)
        with pytest.raises(HostTransactionLost, match="40001"):
            store(host.joined(), [], roots=[_ROOT])


def test_mysql_reads_what_is_committed_behind_the_snapshot(on_mysql: Stand) -> None:
    """Under REPEATABLE READ our reads are of the rows as they are now, and the host's are its own."""
    _other(on_mysql, _TAG, root=_ROOT)
    with on_mysql.host(_REPEATABLE_READ) as host:
        assert host.notes() == []  # the snapshot is taken
        _other(on_mysql, _DAY, root=_ROOT)
        with on_mysql.host() as another:
            another.write("unseen")
            another.commit()
        with host.joined().transaction() as tx:
            assert tx.lock([_ROOT]) == {_ROOT: 2}
            assert tx.read([key_of(_DAY)]).records == {key_of(_DAY): _DAY}
            tx.write([Replace(_DAY._replace(spend_fen=7))], roots={_ROOT: 2})
            assert tx.read([_ROOT, _OTHER]).records[_ROOT].version == 3
        assert host.notes() == []
        host.commit()
    with on_mysql.host() as host:
        assert fetch(host.joined(), key_of(_DAY))[0].spend_fen == 7


def test_mysql_tries_again_inside_an_old_snapshot(on_mysql: Stand) -> None:
    """Under REPEATABLE READ too the second try finds the key that made the first one fail."""
    for root in (_ROOT, _OTHER):  # locking what is not there would lock the gap, and keep others out of it
        _other(on_mysql, root=root)
    with on_mysql.host(_REPEATABLE_READ) as host:
        host.write("before")
        assert _finding(host, lambda: _other(on_mysql, _DAY)) == ("theirs", 2)
        host.commit()


# -- what costs the host its transaction -----------------------------------------------------------------------------


def test_a_lock_timeout_loses_the_transaction(stand: Stand) -> None:
    """Who waits longer than the host's own session allows is lost, with the driver's error behind it."""
    with stand.host(_READ_COMMITTED) as holder, stand.host(_READ_COMMITTED, _WAIT[stand.kind]) as host:
        store(holder.joined(), [Insert(_DAY)], roots=[_ROOT])
        storage = host.joined()
        store(storage, [Insert(_TAG)], roots=[_OTHER])
        with pytest.raises(HostTransactionLost) as raised:
            store(storage, [], roots=[_ROOT])
        assert isinstance(raised.value.__cause__, _driver_of(host).Error)
        with pytest.raises(HostTransactionLost), storage.transaction(readonly=True):
            pass


def test_a_deadlock_loses_one_transaction(stand: Stand) -> None:
    """Of two hosts that lock in opposite orders one is told to start again, the other commits."""
    with stand.host(_READ_COMMITTED) as first, stand.host(_READ_COMMITTED) as second:
        store(first.joined(), [], roots=[_ROOT])
        store(second.joined(), [], roots=[_OTHER])
        if stand.kind == "postgresql":  # otherwise the server looks for deadlocks after a second
            for host in (first, second):
                host.execute("SET LOCAL deadlock_timeout = '50ms'")

        def lock(host: BaseHost, root: Any) -> None:
            try:
                store(host.joined(), [Insert(_DAY)], roots=[root])
            except HostTransactionLost:
                host.rollback()  # until then the other one waits
                raise

        results = at_once(lambda: lock(first, _OTHER), lambda: lock(second, _ROOT))
        assert [type(result) for result in results if result is not None] == [HostTransactionLost]
        loser, winner = (first, second) if results[0] is not None else (second, first)
        winner.commit()
        loser.begin()
        assert fetch(loser.joined(), key_of(_DAY)) == [_DAY]


def _driver_of(host: BaseHost) -> Any:
    return sys.modules[type(host.connection).__module__.partition(".")[0]]


def test_a_reader_behind_another_writer_is_lost_on_sqlite(tmp_path: Path) -> None:
    """A transaction that has read before another one wrote cannot write any more, and does not wait."""
    stand = Stand("sqlite-sqlite3-autocommit", host_database(tmp_path / "host.db"))
    host, other = (open_host(stand.name, stand.where) for _ in range(2))
    with closing(host), closing(other):
        host.begin()
        assert host.notes() == []
        other.begin()
        other.write("faster")
        other.commit()
        storage = host.joined()
        for _ in range(2):
            with pytest.raises(HostTransactionLost):
                store(storage, [Insert(_DAY)], roots=[_ROOT])
        host.rollback()
        host.begin()
        store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        host.commit()


def test_a_held_lock_is_lost_on_sqlite(tmp_path: Path) -> None:
    """Who waits for the writer's lock longer than the connection's own time-out is lost; before BEGIN it is busy."""
    stand = Stand("sqlite-sqlite3-autocommit", host_database(tmp_path / "host.db"))
    host, other = (open_host(stand.name, stand.where) for _ in range(2))
    with closing(host), closing(other):
        host.execute("PRAGMA busy_timeout = 50")
        other.begin()
        other.write("first")
        host.begin()
        with pytest.raises(HostTransactionLost) as raised:
            store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
        other.rollback()
