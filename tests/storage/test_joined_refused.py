"""What cannot be joined is refused and told why, and what can be joined is left as the host has set it up."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from host_fixtures import Find, database_of
from hosts import emptied, host_database, kind_of, open_host
from servers import Server
from stands import Stand
from stores import run_sql, storage_of

from crossloyalty.application.ports import Insert, Replace
from crossloyalty.domain.records import SpendDayRecord
from crossloyalty.errors import ConfigError, Conflict
from crossloyalty.storage._sql.host_link import restyled
from crossloyalty.storage.postgresql import PostgresqlStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing._kit import fetch, member_root, store

__all__ = ["database_of"]

_ROOT = member_root("m")
_DAY = SpendDayRecord("kit-here", "m", "2026-11-01", 100)


@pytest.fixture
def stand(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Stand]:
    """Give the kind of host that a test is about."""
    where = database_of(kind_of(request.param))
    yield Stand(request.param, where)
    emptied(where)


@pytest.mark.parametrize(
    "stand",
    ["postgresql-psycopg", "postgresql-session-psycopg", "postgresql-async_session-asyncpg"],
    indirect=True,
)
def test_the_hosts_settings_stay(stand: Stand) -> None:
    """Joining changes nothing of the host's session, neither while it lasts nor afterwards."""
    asked = "SELECT name, setting FROM pg_settings WHERE source IN ('session', 'client') ORDER BY name"
    with stand.host("SET lock_timeout = 1234", "SET statement_timeout = 5678") as host:
        before = host.execute(asked)
        with host.joined().transaction() as tx:
            tx.write([Insert(_DAY)], roots=tx.lock([_ROOT]))
            if "async" not in stand.name:
                assert host.execute(asked) == before
        assert host.execute(asked) == before


def _refused(storage: Any) -> str:
    for readonly in (True, False):
        with pytest.raises(ConfigError) as raised, storage.transaction(readonly=readonly) as tx:
            tx.read([_ROOT])
    return str(raised.value)


@pytest.mark.parametrize("stand", ["postgresql-psycopg-autocommit", "mysql-pymysql-autocommit"], indirect=True)
def test_autocommit_is_refused(stand: Stand) -> None:
    """Without a transaction nothing is written, and the connection works on; with one it is joined."""
    with closing(open_host(stand.name, stand.where)) as host:
        assert "autocommit" in _refused(host.joined())
        with pytest.raises(ConfigError):
            store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        assert host.execute("SELECT COUNT(*) FROM crossloyalty_spend_days") == [(0,)]
        host.begin()
        store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        host.commit()


def test_autocommit_is_refused_on_sqlite(tmp_path: Path) -> None:
    """A savepoint would begin a transaction there, and letting it go would commit."""
    path = host_database(tmp_path / "host.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert "autocommit" in _refused(SqliteStorage(path).joined(connection))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_autocommit_of_sqlalchemy_is_refused(database_of: Find, kind: str) -> None:
    """Its AUTOCOMMIT is the driver's."""
    where = database_of(kind)
    url = f"sqlite:///{where}" if kind == "sqlite" else where.url("psycopg" if kind == "postgresql" else "pymysql")
    storage = SqliteStorage(where) if kind == "sqlite" else storage_of(where)
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        assert "autocommit" in _refused(storage.joined(connection))


def test_other_kinds_of_connections_are_refused(tmp_path: Path) -> None:
    """What cannot be joined is named, with what can; so is a connection to another kind of database or another file."""
    storage = SqliteStorage(tmp_path / "own.db")
    with pytest.raises(ConfigError, match=r"builtins\.dict cannot be joined: give .*AsyncSession.*Django"):
        storage.joined({})
    with closing(sqlite3.connect(":memory:")) as connection:
        with pytest.raises(ConfigError, match="leads to sqlite, the storage is for postgresql"):
            PostgresqlStorage("").joined(connection)
        assert "another file" in _refused(storage.joined(connection))
    with closing(sqlite3.connect(tmp_path / "others.db")) as connection:
        assert "another file" in _refused(storage.joined(connection))


def test_a_session_without_a_database_of_its_own_is_refused(tmp_path: Path) -> None:
    """A session that chooses a database for each table does not say which is meant."""
    from sqlalchemy.orm import Session

    with Session() as session, pytest.raises(ConfigError, match="give the connection"):
        SqliteStorage(tmp_path / "own.db").joined(session)


@pytest.mark.parametrize("name", ["postgresql-psycopg", "mysql-pymysql", "postgresql-async_session-asyncpg"])
def test_a_missing_schema_leaves_the_hosts_work(request: pytest.FixtureRequest, name: str) -> None:
    """The refusal says what to run, and the host's transaction goes on."""
    database: Server = request.getfixturevalue(f"{kind_of(name)}_database")
    run_sql(database, ["CREATE TABLE host_notes (note varchar(50))"])
    with Stand(name, database).host() as host:
        host.write("kept")
        for _ in range(2):
            with pytest.raises(ConfigError, match="install_sql"):
                store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        host.commit()
        assert host.notes() == ["kept"]


@pytest.mark.parametrize(
    ("first", "said"),
    [("SET SESSION sql_mode = ''", "STRICT_TRANS_TABLES"), ("SET NAMES latin1", "speaks latin1 and not utf8mb4")],
)
def test_a_session_that_alters_texts_is_refused(database_of: Find, first: str, said: str) -> None:
    """MySQL would cut long values off, or store question marks."""
    with Stand("mysql-pymysql", database_of("mysql")).host(first) as host:
        assert said in _refused(host.joined())


@pytest.mark.parametrize(
    "stand", ["mysql-pymysql", "mysql-mysqlclient", "mysql-aiomysql", "mysql-asyncmy"], indirect=True
)
def test_an_update_to_the_same_values_is_no_conflict(stand: Stand) -> None:
    """Where a driver counts only rows that changed, a row that is as it should be is told from one that is missing."""
    with stand.host() as host:
        assert host.execute("SELECT 1") == [(1,)]
        storage = host.joined()
        store(storage, [Insert(_DAY)], roots=[_ROOT])
        store(storage, [Replace(_DAY)], roots=[_ROOT])
        with pytest.raises(Conflict):
            store(storage, [Replace(_DAY._replace(day="2026-11-02"))], roots=[_ROOT])
        assert fetch(storage, _ROOT)[0].version == 2


def test_marks_are_spelled_for_the_driver() -> None:
    """One text serves every paramstyle that goes by position."""
    sql = "UPDATE t SET a = %s WHERE b = %s"
    assert restyled(sql, "%s", "pyformat") == sql
    assert restyled(sql, "%s", "numeric_dollar") == "UPDATE t SET a = $1 WHERE b = $2"
    assert restyled("SELECT ? + ?", "?", "format") == "SELECT %s + %s"
    assert restyled("SELECT ?", "?", "qmark") == "SELECT ?"
    with pytest.raises(ConfigError):
        restyled(sql, "%s", "named")


def test_a_thread_cannot_use_anothers_transaction(tmp_path: Path) -> None:
    """A joined transaction belongs to the thread that entered it."""
    stand = Stand("sqlite-sqlite3", host_database(tmp_path / "host.db"))
    with stand.host() as host, host.joined().transaction() as tx:
        raised: list[BaseException] = []

        def use() -> None:
            try:
                tx.lock([_ROOT])
            except ConfigError as error:
                raised.append(error)

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert len(raised) == 1
