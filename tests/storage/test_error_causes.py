"""What goes wrong between sessions, provoked on the servers themselves: locks, kills, rights, limits, passwords."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import attrs
import psycopg
import pytest
from grants import runtime_user
from lowered import LoweredStorage
from places import SERVER_KINDS, Place
from servers import Server, fresh_database
from stores import installed, session

from crossloyalty.application.driving import drive
from crossloyalty.errors import (
    ConfigError,
    Conflict,
    CrossloyaltyError,
    InvalidInput,
    LockTimedOut,
    Retryable,
    StorageBusy,
    StorageUnavailable,
)
from crossloyalty.storage._sql.link import Call
from crossloyalty.storage._sql.mysql_errors import number_of

PATIENCE_S: Final = 60.0
ROW: Final = "SELECT * FROM crossloyalty_tags WHERE program_id = 'p' AND member_id = 'm' AND tag = {} FOR UPDATE"
OPENED: Final[dict[str, Callable[..., Any]]] = {
    "plain": lambda place, **settings: place.open(**settings),
    "awaited": lambda place, **settings: LoweredStorage(place.open_async(**settings)),
}


@pytest.fixture(scope="module", params=SERVER_KINDS)
def where(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give a store of this module's own on each server, with two rows to lock."""
    with fresh_database(request.getfixturevalue(f"{request.param}_server")) as database:
        with session(installed(database)) as run:
            for tag in "ab":
                run(f"INSERT INTO crossloyalty_tags VALUES ('p', 'm', '{tag}', 1, 0, 0, 0)")
        yield Place(database)


@pytest.fixture(params=OPENED)
def opened(request: pytest.FixtureRequest, where: Place) -> Iterator[Callable[..., Any]]:
    """Give what opens storages over it, plain ones or asynchronous ones; they close with the test."""
    made: list[Any] = []

    def opening(at: Place = where, **settings: Any) -> Any:
        made.append(OPENED[request.param](at, **settings))
        return made[-1]

    yield opening
    for storage in made:
        storage.close()


def send(tx: Any, *statements: str) -> list[Any]:
    """Run statements in a transaction of either kind of storage; give the rows of the last one."""
    calls = [Call(sql) for sql in statements]
    thread = getattr(tx, "_thread", None)
    answers = drive(tx._tx._ground.send(calls)) if thread is None else thread.run(tx._tx._ground.send(calls))
    return list(answers[-1].rows)


def raised_by(storage: Any, *statements: str, readonly: bool = False) -> CrossloyaltyError:
    """Give what statements raise inside a transaction."""
    with pytest.raises(CrossloyaltyError) as caught, storage.transaction(readonly=readonly) as tx:
        send(tx, *statements)
    return caught.value


def code_of(error: CrossloyaltyError) -> object:
    """Give the SQLSTATE or the number of the driver's error behind one of ours."""
    cause = error.__cause__
    assert cause is not None
    return cause.sqlstate if isinstance(cause, psycopg.Error) else number_of(cause)


def wait_until_somebody_waits(where: Place) -> int:
    """Give the server's name for the session that waits for a row; return only when there is one."""
    sql = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        if where.server.kind == "postgresql"
        else "SELECT t.trx_mysql_thread_id FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
        f" ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = '{where.server.database}'"
    )
    give_up_at = time.monotonic() + PATIENCE_S
    with session(where.server) as run:
        while not (found := run(sql)):
            assert time.monotonic() < give_up_at, "nobody waits"
            time.sleep(0.15)  # MySQL answers from a cache that is renewed when nobody has asked for 0.1 s
    return int(found[0][0])


def test_of_a_deadlock_one_loses_and_the_other_goes_on(opened: Callable[..., Any], where: Place) -> None:
    """Two that lock two rows in opposite orders: one hears Conflict, with the server's deadlock behind it."""
    quick = ["SET LOCAL deadlock_timeout = '50ms'"] if where.server.kind == "postgresql" else []
    storages = opened(), opened()

    def second(storage: Any, first: str, then: str, meet: Callable[[], None]) -> object:
        try:
            with storage.transaction() as tx:
                send(tx, *quick, ROW.format(first))
                meet()
                return send(tx, ROW.format(then))
        except CrossloyaltyError as error:
            return error

    meeting = threading.Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        running = [
            threads.submit(second, storage, *rows, lambda: meeting.wait(PATIENCE_S) and None)
            for storage, rows in zip(storages, (("'a'", "'b'"), ("'b'", "'a'")), strict=True)
        ]
        answers = [each.result(PATIENCE_S) for each in running]
    (lost,) = (answer for answer in answers if isinstance(answer, CrossloyaltyError))
    assert type(lost) is Conflict
    assert code_of(lost) in ("40P01", 1213)


BRIEF: Final[dict[str, dict[str, int]]] = {
    "postgresql": {"lock_timeout_ms": 50},
    "mysql": {"lock_timeout_s": 1},
}


def test_a_lock_that_another_keeps_is_given_up(opened: Callable[..., Any], where: Place) -> None:
    """Who waits longer than its lock time-out hears LockTimedOut, and the row is there for it afterwards."""
    hasty = opened(**BRIEF[where.server.kind])
    with opened().transaction() as holder:
        send(holder, ROW.format("'a'"))
        error = raised_by(hasty, ROW.format("'a'"))
    assert type(error) is LockTimedOut
    assert code_of(error) in ("55P03", 1205)
    with hasty.transaction() as tx:
        assert len(send(tx, ROW.format("'a'"))) == 1


ENDED: Final[dict[str, tuple[dict[str, str], type[CrossloyaltyError], set[object]]]] = {
    "its query": (
        {"postgresql": "SELECT pg_cancel_backend({})", "mysql": "KILL QUERY {}"},
        StorageBusy,
        {"57014", 1317},
    ),
    "its session": (
        {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"},
        StorageUnavailable,
        {"57P01", None, 1927, 2013, 2006},  # None: libpq saw the socket close before it read why
    ),
}


@pytest.mark.parametrize("ended", ENDED)
def test_an_operator_who_ends_something(opened: Callable[..., Any], where: Place, ended: str) -> None:
    """A cancelled query and a killed session are told apart, and the same storage goes on afterwards."""
    sql, kind, codes = ENDED[ended]
    storage = opened(pool_size=1)
    with opened().transaction() as holder, ThreadPoolExecutor(1) as other:
        send(holder, ROW.format("'a'"))
        waiting = other.submit(raised_by, storage, ROW.format("'a'"))
        victim = wait_until_somebody_waits(where)
        with session(where.server) as run:
            run(sql[where.server.kind].format(victim))
        error = waiting.result(PATIENCE_S)
    assert type(error) is kind
    assert code_of(error) in codes
    with storage.transaction() as tx:
        assert len(send(tx, ROW.format("'a'"))) == 1


@pytest.mark.parametrize("where", ["postgresql"], indirect=True)  # InnoDB has none before MariaDB 11.6
def test_a_snapshot_that_is_too_old_is_a_lost_race(opened: Callable[..., Any], where: Place) -> None:
    """A serialisation failure, which our own READ COMMITTED never meets, is Conflict wherever it comes from."""
    update = "UPDATE crossloyalty_tags SET claims = claims + 1 WHERE tag = 'a'"

    def overtaken() -> None:
        with opened().transaction() as tx, session(where.server) as run:
            send(tx, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT count(*) FROM crossloyalty_tags")
            run(update)
            send(tx, update)

    with pytest.raises(Conflict) as caught:
        overtaken()
    assert code_of(caught.value) == "40001"


FORBIDDEN: Final = "DELETE FROM crossloyalty_schema_version"


def test_writing_where_only_reading_is_allowed(opened: Callable[..., Any]) -> None:
    """A statement that writes in a transaction for reading is ConfigError: no other try would change that."""
    error = raised_by(opened(), FORBIDDEN, readonly=True)
    assert type(error) is ConfigError
    assert code_of(error) in ("25006", 1792)


def test_numbers_that_are_too_great(opened: Callable[..., Any]) -> None:
    """What does not fit into 64 bits is the caller's, not the server's trouble."""
    error = raised_by(opened(), "SELECT 9223372036854775807 + count(*) FROM crossloyalty_schema_version")
    assert type(error) is InvalidInput
    assert code_of(error) in ("22003", 1690)


@pytest.fixture
def lowly(where: Place) -> Iterator[Server]:
    """Give the store as a user without rights reaches it."""
    with runtime_user(where.server) as user:
        yield user


def test_a_right_that_is_missing(opened: Callable[..., Any], lowly: Server) -> None:
    """Permission denied is ConfigError."""
    error = raised_by(opened(Place(lowly)), FORBIDDEN)
    assert type(error) is ConfigError
    assert code_of(error) in ("42501", 1142)


def test_too_many_connections_may_pass(opened: Callable[..., Any], lowly: Server, where: Place) -> None:
    """Above the user's limit a caller hears StorageUnavailable, and is let in when others have left."""
    with session(where.server) as run:
        if lowly.kind == "postgresql":
            run(f"ALTER ROLE {lowly.user} CONNECTION LIMIT 1")
        else:
            for host in ("%", "localhost"):
                run(f"ALTER USER '{lowly.user}'@'{host}' WITH MAX_USER_CONNECTIONS 1")
    storage, second = opened(Place(lowly), pool_size=1), opened(Place(lowly), pool_size=1)
    with storage.transaction(readonly=True) as tx:
        send(tx, "SELECT 1")
        error = raised_by(second, "SELECT 1")
    assert type(error) is StorageUnavailable
    storage.close()
    give_up_at = time.monotonic() + PATIENCE_S
    while isinstance(error, Retryable):  # the server takes a moment to see that a client has gone
        assert time.monotonic() < give_up_at
        try:
            with second.transaction(readonly=True) as tx:
                assert send(tx, "SELECT 1") == [(1,)]
            return
        except StorageUnavailable as again:
            error = again


@pytest.mark.parametrize("where", ["mysql"], indirect=True)  # a local PostgreSQL trusts everybody
def test_a_wrong_password_on_mysql(opened: Callable[..., Any], lowly: Server) -> None:
    """Access denied is ConfigError."""
    error = raised_by(opened(Place(attrs.evolve(lowly, password="wrong"))), "SELECT 1")
    assert type(error) is ConfigError
    assert code_of(error) in (1045, 1698)


def test_log_ins_that_postgresql_refuses(start_private_server: Callable[..., Any]) -> None:
    """A wrong password, none, an unknown and a forbidden role, on a server that asks for passwords."""
    server = start_private_server("postgresql")
    database = installed(server.new_database())
    with session(database) as run, runtime_user(database) as user:
        (server.data / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        run("SELECT pg_reload_conf()")
        refused = [
            attrs.evolve(user, password="wrong"),
            attrs.evolve(user, password=""),
            attrs.evolve(user, user="nobody-here"),
        ]
        run(f"CREATE ROLE {user.user}_group NOLOGIN PASSWORD 'x'")
        refused.append(attrs.evolve(user, user=f"{user.user}_group", password="x"))
        for each in refused:
            for error in both(Place(each)):
                assert type(error) is ConfigError, each
        with Place(user).open() as storage, storage.transaction(readonly=True) as tx:
            assert send(tx, "SELECT current_user") == [(user.user,)]


def both(place: Place) -> Iterator[CrossloyaltyError]:
    """Give what a plain and an asynchronous storage raise when they connect."""
    for opened in OPENED.values():
        with opened(place) as storage:
            yield raised_by(storage, "SELECT 1")
