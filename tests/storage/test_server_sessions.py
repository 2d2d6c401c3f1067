"""Whatever a server, a role or a database has as its defaults: our sessions set what they need, or refuse to work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from builders import Clock, claim_of, day, order, points_program
from grants import runtime_user
from places import Place
from psycopg.conninfo import make_conninfo
from servers import Server
from stores import Run, installed, session

from crossloyalty import AsyncLoyalty, Loyalty
from crossloyalty.application.driving import drive
from crossloyalty.errors import ConfigError, CrossloyaltyError
from crossloyalty.storage._sql.link import Answer, Call
from crossloyalty.storage._sql.mysql_server import MysqlServer, Settings
from crossloyalty.storage.mysql import AsyncMysqlStorage, MysqlStorage
from crossloyalty.storage.postgresql import AsyncPostgresqlStorage, PostgresqlStorage

MEMBER: Final = r"会员'\ 😀"


def refused(*storages: Any) -> list[str]:
    """Give what storages say that are let at a store which they have to refuse; each has to say ConfigError."""

    async def enter(storage: Any) -> None:
        async with storage, storage.transaction(readonly=True):
            pass

    def enter_plainly(storage: Any) -> None:
        with storage, storage.transaction(readonly=True):
            pass

    said = []
    for storage in storages:
        with pytest.raises(CrossloyaltyError) as caught:
            asyncio.run(enter(storage)) if hasattr(storage, "__aenter__") else enter_plainly(storage)
        assert type(caught.value) is ConfigError
        said.append(str(caught.value))
    return said


def both_refuse(place: Place, **settings: Any) -> list[str]:
    """Give what the plain and the asynchronous storage say."""
    return refused(place.open(**settings), place.open_async(**settings))


def works(place: Place, first: int) -> None:
    """Claim over the plain and the asynchronous storage, with texts that any lax setting would spoil."""
    with place.open() as storage:
        door = Loyalty(points_program(), storage, clock=Clock(day(20)))
        bought = order(first)
        door.ingest([bought])
        assert claim_of(door, MEMBER, bought).created
        assert door.member(MEMBER).points == 100

    async def awaited() -> None:
        async with place.open_async() as storage:
            door = AsyncLoyalty(points_program(), storage, clock=Clock(day(20)))
            bought = order(first + 1)
            await door.ingest([bought])
            assert (await claim_of(door, MEMBER, bought)).created  # type: ignore[misc]
            assert (await door.member(MEMBER)).points == 200
            assert (await door.verify()).ok

    asyncio.run(awaited())


# -- PostgreSQL ------------------------------------------------------------------------------------------------------

ODD: Final = {
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "standard_conforming_strings": "off",
    "backslash_quote": "on",
    "client_encoding": "LATIN1",
    "bytea_output": "escape",
    "DateStyle": "'German, DMY'",
    "IntervalStyle": "sql_standard",
    "TimeZone": "'Asia/Kathmandu'",
    "extra_float_digits": "-15",
    "lc_messages": "'C'",
    "lock_timeout": "0",
    "statement_timeout": "50",  # also bounds the very statement that sets ours, so not less on a busy machine
    "idle_in_transaction_session_timeout": "1",
    "row_security": "off",
    "plan_cache_mode": "force_custom_plan",
    "enable_indexscan": "off",
    "quote_all_identifiers": "on",
    "transform_null_equals": "on",
    "synchronize_seqscans": "off",
}


@contextmanager
def set_for(database: Server, settings: dict[str, str]) -> Iterator[Run]:
    """Make settings the defaults of a database, until the block ends."""
    with session(database) as run:
        for name, value in settings.items():
            run(f"ALTER DATABASE {database.database} SET {name} = {value}")
        yield run
        run(f"ALTER DATABASE {database.database} RESET ALL")


def test_postgresql_with_its_oddest_defaults_is_set_right(postgresql_database: Server) -> None:
    """SERIALIZABLE, LATIN1, backslashes, no time-outs and tiny ones as defaults change nothing for our sessions."""
    place = Place(installed(postgresql_database))
    with set_for(place.server, ODD) as run:
        assert run("SELECT 1") == [(1,)]
        works(place, 1)
        with place.open() as storage, storage.transaction() as tx:
            (answer,) = drive(tx._tx._ground.send([Call("SELECT current_setting('transaction_isolation')")]))
            assert answer.rows == [("read committed",)]
            (answer,) = drive(tx._tx._ground.send([Call("SELECT current_setting('statement_timeout')")]))
            assert answer.rows != [("50ms",)]
    refuses_a_database_that_is_read_only(place)
    refuses_a_session_that_loses_commits(place)
    refuses_a_schema_that_is_elsewhere(place)


def refuses_a_database_that_is_read_only(place: Place) -> None:
    """Reading works there, as on a standby; writing is refused for good."""
    with set_for(place.server, {"default_transaction_read_only": "on"}), place.open() as storage:
        with storage.transaction(readonly=True) as tx:
            tx.read([])
        with pytest.raises(ConfigError, match="25006"):
            Loyalty(points_program(), storage, clock=Clock(day(20))).ingest([order(9)])


def refuses_a_session_that_loses_commits(place: Place) -> None:
    """Also when the connection string itself asks for it."""
    conninfo = make_conninfo(place.server.conninfo, options="-c synchronous_commit=off")
    for said in refused(PostgresqlStorage(conninfo), AsyncPostgresqlStorage(conninfo)):
        assert "synchronous_commit=off" in said


def refuses_a_schema_that_is_elsewhere(place: Place) -> None:
    """Where the search path does not lead to our tables, there are none."""
    with set_for(place.server, {"search_path": "nowhere"}):
        for said in both_refuse(place):
            assert "crossloyalty_schema_version" in said


# -- MySQL and MariaDB -----------------------------------------------------------------------------------------------


def test_mysql_with_an_odd_init_connect_is_set_right(start_private_server: Callable[..., Any]) -> None:
    """What a server runs for every user without all rights is put right; what it caps or relaxes is refused."""
    odd = (
        "SET NAMES latin1, autocommit = 0, sql_mode = 'NO_BACKSLASH_ESCAPES';"
        " SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"
    )
    caps = {
        "loose_maximum_idle_transaction_timeout": 3,
        "loose_maximum_max_execution_time": 3_000,
    }  # one on each server
    server = start_private_server("mysql", {"init_connect": odd, **caps})
    database = installed(server.new_database())
    quick = {"lock_timeout_s": 1, "statement_timeout_s": 2, "idle_timeout_s": 2}
    with runtime_user(database) as user, session(database) as run:
        with Place(user).open(**quick) as storage:
            door = Loyalty(points_program(), storage, clock=Clock(day(20)))
            bought = order(1)
            door.ingest([bought])
            assert claim_of(door, MEMBER, bought).created
        for said in both_refuse(Place(user)):
            assert "=3 and not 10" in said or "=3000 and not 30000" in said
        for level in (0, 2):
            run(f"SET GLOBAL innodb_flush_log_at_trx_commit = {level}")
            for said in both_refuse(Place(user), **quick):
                assert f"innodb_flush_log_at_trx_commit={level}" in said


def test_a_table_that_cannot_roll_back_is_refused(mysql_database: Server) -> None:
    """One table of ours under another engine than InnoDB would keep half a claim; a host's own may be as it likes."""
    place = Place(installed(mysql_database))
    with session(place.server) as run:
        run("CREATE TABLE crossloyalty_notes_of_the_host (a int) ENGINE=MyISAM")
        works(place, 1)
        run("ALTER TABLE crossloyalty_programs ENGINE=MyISAM")
        for said in both_refuse(place):
            assert "crossloyalty_programs" in said
            assert "MyISAM" in said
        run("ALTER TABLE crossloyalty_programs ENGINE=InnoDB")


@pytest.mark.parametrize("name", ["charset", "autocommit", "client_flag", "cursorclass", "conv", "use_unicode"])
def test_what_statements_are_spelled_by_is_ours(name: str) -> None:
    """`connect_args` that would change how texts and rows are read are refused when the storage is made."""
    for kind in (MysqlStorage, AsyncMysqlStorage):
        with pytest.raises(ConfigError, match=name):
            kind("mysql://root@localhost/database", connect_args={name: None})


class Scripted:
    """A link whose server answers what it likes."""

    def __init__(self, has: dict[str, object], kept: list[object]) -> None:
        self._answers = [[Answer(1, tuple(has.items()))], [Answer(1, (tuple(kept),))]]

    async def send(self, calls: object) -> list[Answer]:
        return self._answers.pop(0)


MODES: Final = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
KEPT: Final[list[tuple[list[object], str | None]]] = [
    ([MODES, 4, 10, 30, "utf8mb4"], None),
    ([f"{MODES},ONLY_FULL_GROUP_BY", 4, 10, 30, "utf8mb4"], None),
    ([f"{MODES},NO_BACKSLASH_ESCAPES", 4, 10, 30, "utf8mb4"], "sql_mode"),
    (["NO_ZERO_DATE", 4, 10, 30, "utf8mb4"], "sql_mode"),
    (["", 4, 10, 30, "utf8mb4"], "sql_mode"),
    ([MODES, 50, 10, 30, "utf8mb4"], "innodb_lock_wait_timeout=50"),
    ([MODES, 4, 0, 30, "utf8mb4"], "idle_transaction_timeout=0"),
    ([MODES, 4, 10, 0, "utf8mb4"], "max_statement_time=0"),
    ([MODES, 4, 10, 30, "latin1"], "latin1"),
    ([MODES, 4, 10, 30, "utf8mb3"], "utf8mb3"),
]


@pytest.mark.parametrize(("kept", "said"), KEPT)
def test_what_stands_between_may_not_change_settings(kept: list[object], said: str | None) -> None:
    """A proxy that answers for the server and keeps other settings than were made is refused by what it kept."""
    has = {"innodb_flush_log_at_trx_commit": "1", "idle_transaction_timeout": "0", "max_statement_time": "0"}
    server = MysqlServer(Settings("mysql://root@localhost/database"), lambda **_: None, lambda: None)
    looked: Any = server._assert_settings(Scripted(has, kept))  # type: ignore[arg-type]
    if said is None:
        drive(looked)
    else:
        with pytest.raises(ConfigError, match=said):
            drive(looked)
