"""What a server must be set to is asserted with the first connection, and nobody's password is ever shown."""

from __future__ import annotations

import asyncio
import logging
import pickle
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
from stores import installed, run_sql, session

from crossloyalty import Loyalty, rules
from crossloyalty.errors import ConfigError, CrossloyaltyError

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
