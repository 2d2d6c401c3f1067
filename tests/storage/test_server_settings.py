"""What a server must be set to is asserted with the first connection, and nobody's password is ever shown."""

from __future__ import annotations

import asyncio
import logging
import pickle
import time
import traceback
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pytest
from builders import Clock, claim_of, day, order, points_program
from grants import runtime_user
from places import Place
from private_server import private_server
from servers import Server
from stores import installed, is_mysql_proper, run_sql, session

from crossloyalty import Loyalty, rules
from crossloyalty.domain.records import Key, MemberRecord
from crossloyalty.errors import ConfigError, CrossloyaltyError
from crossloyalty.storage._sql.link import RESTS_S
from crossloyalty.storage.mysql import AsyncMysqlStorage, MysqlStorage

PASSWORD: Final = "planted-p4ssw0rd"


async def opened(storage: Any) -> None:
    async with storage.transaction(readonly=True):
        pass


def refusals(place: Place) -> Iterator[CrossloyaltyError]:
    """Give what the plain and the asynchronous storage raise when they are let at a store."""
    with place.open() as storage, pytest.raises(CrossloyaltyError) as caught, storage.transaction(readonly=True):
        raise AssertionError("let in")
    yield caught.value
    awaited = place.open_async()
    with pytest.raises(CrossloyaltyError) as caught:
        asyncio.run(opened(awaited))
    awaited.close()
    yield caught.value


@pytest.mark.parametrize("level", ["off"])
def test_postgresql_that_loses_commits_is_refused(postgresql_database: Server, level: str) -> None:
    """With synchronous_commit=off an acknowledged claim may be gone after a crash."""
    place = Place(installed(postgresql_database))
    with session(postgresql_database) as run:
        run(f"ALTER DATABASE {postgresql_database.database} SET synchronous_commit = {level}")
    for error in refusals(place):
        assert type(error) is ConfigError
        assert f"synchronous_commit={level}" in str(error)


@pytest.mark.parametrize("level", ["local", "remote_write", "remote_apply", "on"])
def test_postgresql_that_keeps_commits_is_taken(postgresql_database: Server, level: str) -> None:
    """Every other level has the commit on this server's own disk."""
    place = Place(installed(postgresql_database))
    with session(postgresql_database) as run:
        run(f"ALTER DATABASE {postgresql_database.database} SET synchronous_commit = {level}")
    with place.open() as storage, storage.transaction(readonly=True):
        pass


def test_postgresql_without_utf8_is_refused(postgresql_database: Server) -> None:
    """A database that does not keep Unicode would garble names and tiers."""
    name = f"{postgresql_database.database}_ascii"
    with session(postgresql_database) as run:
        run(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        try:
            for error in refusals(Place(installed(attrs.evolve(postgresql_database, database=name)))):
                assert type(error) is ConfigError
                assert "SQL_ASCII" in str(error)
        finally:
            run(f"DROP DATABASE {name} WITH (FORCE)")


def test_mysql_that_loses_commits_is_refused() -> None:
    """With innodb_flush_log_at_trx_commit 2 or 0 an acknowledged claim may be gone; who can live with that says so."""
    with private_server("mysql", {"innodb_flush_log_at_trx_commit": 2}) as server:
        place = Place(installed(server.new_database()))
        for error in refusals(place):
            assert type(error) is ConfigError
            assert "innodb_flush_log_at_trx_commit=2" in str(error)
        with place.open(durable=False) as storage, storage.transaction(readonly=True):
            pass


def test_mysql_with_its_oddest_defaults_is_set_right() -> None:
    """Lax modes, latin1, MyISAM and SERIALIZABLE as server defaults change nothing: sessions set what they need."""
    odd = {
        "sql_mode": "NO_BACKSLASH_ESCAPES,ANSI_QUOTES",
        "character_set_server": "latin1",
        "default_storage_engine": "MyISAM",
        "transaction_isolation": "SERIALIZABLE",
        "autocommit": 0,
    }
    with private_server("mysql", odd) as server:
        place = Place(installed(server.new_database()))
        with session(place.server) as run:
            engines = run(
                f"SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = '{place.server.database}'"
            )
        assert engines == [("InnoDB",)]
        with place.open() as storage:
            door = Loyalty(points_program(rules.PointsPerYuan("1")), storage, clock=Clock(day(20)))
            bought = order(1)
            door.ingest([bought])
            assert claim_of(door, r"会员'\ 😀", bought).created
            assert door.member(r"会员'\ 😀").points > 0
            assert door.verify().ok


def test_mysql_closes_no_connection_that_is_still_trusted(mysql_database: Server) -> None:
    """Where idle transactions end with idle connections alone, a pooled one is replaced before it is given up."""
    place = Place(installed(mysql_database))
    with place.open(pool_size=1, idle_timeout_s=1) as storage:
        for pause_s in (0.0, 1.5):
            time.sleep(pause_s)
            with storage.transaction(readonly=True) as tx:
                tx.read([Key(MemberRecord, ("p", "m"))])
                rests_s = tx._tx._ground._link.rests_s
    assert rests_s == (0.8 if is_mysql_proper(mysql_database) else RESTS_S)


@pytest.mark.parametrize("kind", [MysqlStorage, AsyncMysqlStorage])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("'cryptography' package is required for sha256_password or caching_sha2_password auth methods", ConfigError),
        ("something else", RuntimeError),
    ],
)
def test_what_a_password_needs_is_said(
    monkeypatch: pytest.MonkeyPatch, kind: Any, said: str, expected: type[Exception]
) -> None:
    """MySQL 8's passwords cannot be sent in the clear; without the package for it, it is named, with the other way."""

    def connect(**_: Any) -> Any:
        raise RuntimeError(said)

    for driver in ("pymysql", "asyncmy"):
        monkeypatch.setattr(f"{driver}.connect", connect)
    storage = kind("mysql://u:p@localhost/shop")
    enter = (lambda: asyncio.run(opened(storage))) if kind is AsyncMysqlStorage else storage.transaction().__enter__
    with pytest.raises(expected) as caught:
        enter()
    assert (expected is ConfigError) == ("crossloyalty[mysql,crypto]" in str(caught.value))


def shown(error: BaseException) -> str:
    """Give everything a person or a log may see of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(pickle.loads(pickle.dumps(error)))


def test_no_password_is_shown(server_place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong password, a server that is not there and a store without schema: errors and logs never hold it."""
    caplog.set_level(logging.DEBUG)
    server = server_place.server
    elsewhere = attrs.evolve(server, host="127.0.0.1", port=1, user="somebody", password=PASSWORD)
    with runtime_user(server) as user:
        wrong = attrs.evolve(user, password=PASSWORD)
        run_sql(server, ["DROP TABLE crossloyalty_schema_version"])
        for place in (Place(elsewhere), Place(wrong), server_place):
            with place.open() as storage:
                assert PASSWORD not in repr(storage) + repr(vars(storage))
            for error in refusals(place):
                assert PASSWORD not in shown(error)
    assert PASSWORD not in caplog.text
