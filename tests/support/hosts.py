"""Hosts with transactions of their own, over every driver and wrapper that `joined` takes; see `testing.Host`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from servers import Server
from stores import installed, run_sql

from crossloyalty.application.ports import AsyncStorage, Storage
from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.versions import install_sql
from crossloyalty.storage.mysql import AsyncMysqlStorage, MysqlStorage
from crossloyalty.storage.postgresql import AsyncPostgresqlStorage, PostgresqlStorage
from crossloyalty.storage.sqlite import SqliteStorage

__all__ = ["HOSTS", "BaseHost", "emptied", "host_database", "kind_of", "open_host"]

_NOTES = "CREATE TABLE host_notes (note varchar(50))"
Where = Server | Path


def host_database(where: Where) -> Where:
    """Put the schema and a table of the host's own into an empty database."""
    if isinstance(where, Path):
        handle = sqlite3.connect(where, isolation_level=None)
        for sql in ("PRAGMA journal_mode=WAL", _NOTES, *install_sql(SQLITE)):
            handle.execute(sql)
        handle.close()
    else:
        run_sql(installed(where), [_NOTES])
    return where


def storage_for(where: Where, *, is_async: bool = False) -> Any:
    """Give the storage whose `joined` is asked; it opens no connection to the server."""
    if isinstance(where, Path):
        return SqliteStorage(where)
    if where.kind == "postgresql":
        return AsyncPostgresqlStorage(where.conninfo) if is_async else PostgresqlStorage(where.conninfo)
    return AsyncMysqlStorage(where.url()) if is_async else MysqlStorage(where.url())


def emptied(where: Where) -> None:
    """Take everything out of it; nobody may be at work in it."""
    statements = [
        f"DELETE FROM {name}" for name in ("host_notes", *(SQLITE.prefix + each.table for each in SHAPES.values()))
    ]
    if isinstance(where, Path):
        with closing(sqlite3.connect(where, isolation_level=None)) as handle:
            for sql in statements:
                handle.execute(sql)
    else:
        run_sql(where, statements)


class BaseHost:
    """What all kinds have in common: SQL of the host's own, run by `execute`."""

    def __init__(self, where: Where) -> None:
        self.where = where

    def execute(self, sql: str) -> Sequence[Any]:
        """Run one statement of the host's own and give its rows."""
        raise NotImplementedError

    @property
    def connection(self) -> Any:
        """What the host gives to `joined`."""
        raise NotImplementedError

    def begin(self) -> None:
        """See `Host.begin`; most drivers begin by themselves."""

    def commit(self) -> None:
        """See `Host.commit`."""
        self.connection.commit()

    def rollback(self) -> None:
        """See `Host.rollback`."""
        with suppress(Exception):  # the link may be lost
            self.connection.rollback()

    def close(self) -> None:
        """See `Host.close`."""
        with suppress(Exception):
            self.connection.close()

    def write(self, note: str) -> None:
        """See `Host.write`."""
        self.execute(f"INSERT INTO host_notes VALUES ('{note}')")

    def notes(self) -> list[str]:
        """See `Host.notes`."""
        return [note for (note,) in self.execute("SELECT note FROM host_notes ORDER BY note")]

    def joined(self) -> Storage:
        """See `Host.joined`."""
        storage: Storage = storage_for(self.where).joined(self.connection)
        return storage

    def lose(self) -> None:
        """See `Host.lose`: the server ends the session, or SQLite is told to roll back at our next insert."""
        if isinstance(self.where, Path):
            self.execute(
                "CREATE TEMP TRIGGER planted BEFORE INSERT ON crossloyalty_tags"
                " BEGIN SELECT RAISE(ROLLBACK, 'planted'); END"
            )
            return
        asked = "pg_backend_pid()" if self.where.kind == "postgresql" else "connection_id()"
        [(number,)] = self.execute(f"SELECT {asked}")
        run_sql(
            self.where,
            [f"SELECT pg_terminate_backend({number}, 5000)" if self.where.kind == "postgresql" else f"KILL {number}"],
        )


class DbapiHost(BaseHost):
    """A driver's own connection; with `explicit` in autocommit mode, where the host says BEGIN and COMMIT itself."""

    def __init__(self, where: Where, connect: Callable[[Any], Any], *, explicit: bool = False) -> None:
        self._connection = connect(where)
        self._explicit = explicit
        super().__init__(where)

    @property
    def connection(self) -> Any:
        """See `BaseHost.connection`."""
        return self._connection

    def execute(self, sql: str) -> Sequence[Any]:
        """See `BaseHost.execute`."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql)
            return _tuples(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def begin(self) -> None:
        """See `Host.begin`."""
        if self._explicit:
            self.execute("BEGIN")

    def commit(self) -> None:
        """See `Host.commit`."""
        if self._explicit:
            self.execute("COMMIT")
        else:
            self._connection.commit()

    def rollback(self) -> None:
        """See `Host.rollback`."""
        if not self._explicit:
            super().rollback()
            return
        with suppress(Exception):
            self.execute("ROLLBACK")


class SqlAlchemyHost(BaseHost):
    """A connection or a session of SQLAlchemy."""

    def __init__(self, where: Where, driver: str, *, session: bool) -> None:
        import sqlalchemy
        from sqlalchemy.orm import Session

        self._engine = sqlalchemy.create_engine(_url(where, driver), poolclass=sqlalchemy.pool.NullPool)
        self._connection = Session(self._engine) if session else self._engine.connect()
        self._session = session
        super().__init__(where)

    @property
    def connection(self) -> Any:
        """See `BaseHost.connection`."""
        return self._connection

    def execute(self, sql: str) -> Sequence[Any]:
        """See `BaseHost.execute`."""
        import sqlalchemy

        result: Any = self._connection.execute(sqlalchemy.text(sql))
        return list(map(tuple, result.all())) if result.returns_rows else []

    def close(self) -> None:
        """See `Host.close`."""
        super().close()
        self._engine.dispose()


class AwaitedHost(BaseHost):
    """
    A connection that is awaited, in a loop of its own.

    Args:
        connect: Opens it, inside the loop.
    """

    def __init__(self, where: Where, connect: Callable[[Any], Awaitable[Any]]) -> None:
        self._runner: asyncio.Runner | None = asyncio.Runner()
        self._connection = self._run(connect(where))
        super().__init__(where)

    def _run(self, what: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await what

        if self._runner is not None:
            return self._runner.run(awaited())
        return asyncio.run(awaited())  # a transaction that is used when all is over

    @property
    def connection(self) -> Any:
        """See `BaseHost.connection`."""
        return self._connection

    def execute(self, sql: str) -> Sequence[Any]:
        """See `BaseHost.execute`."""

        async def run() -> Sequence[Any]:
            if type(self._connection).__module__.startswith("sqlalchemy"):
                import sqlalchemy

                result = await self._connection.execute(sqlalchemy.text(sql))
                return list(map(tuple, result.all())) if result.returns_rows else []
            cursor = self._connection.cursor()
            cursor = await cursor if hasattr(cursor, "__await__") else cursor
            await cursor.execute(sql)
            return [tuple(row) for row in await cursor.fetchall()] if cursor.description else []

        rows: Sequence[Any] = self._run(run())
        return rows

    def commit(self) -> None:
        """See `Host.commit`."""
        self._run(self._connection.commit())

    def rollback(self) -> None:
        """See `Host.rollback`."""
        with suppress(Exception):
            self._run(self._connection.rollback())

    def close(self) -> None:
        """See `Host.close`."""

        async def close() -> None:
            closed = self._connection.close()
            if hasattr(closed, "__await__"):
                await closed
            engine = getattr(self._connection, "planted_engine", None)
            if engine is not None:
                await engine.dispose()
            await asyncio.sleep(0)

        with suppress(Exception):
            self._run(close())
        if self._runner is not None:
            self._runner.close()
        self._runner = None

    def joined(self) -> Storage:
        """See `Host.joined`."""
        return Spelled(storage_for(self.where, is_async=True).joined(self._connection), self._run)


class Spelled:
    """An asynchronous storage, spelled plain: each call runs the loop until it is answered."""

    def __init__(self, storage: AsyncStorage, run: Callable[[Awaitable[Any]], Any]) -> None:
        self.storage = storage
        self._run = run

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Any]:
        """See `Storage.transaction`."""
        context = self.storage.transaction(readonly=readonly)
        tx = self._run(context.__aenter__())
        try:
            yield _SpelledTransaction(tx, self._run)
        except BaseException as error:
            self._run(context.__aexit__(type(error), error, error.__traceback__))
            raise
        self._run(context.__aexit__(None, None, None))


class _SpelledTransaction:
    def __init__(self, tx: Any, run: Callable[[Awaitable[Any]], Any]) -> None:
        self._tx = tx
        self._run = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **kwargs: self._run(getattr(self._tx, name)(*args, **kwargs))


class DjangoHost(BaseHost):
    """Django's connection inside atomic()."""

    def __init__(self, where: Where) -> None:
        from hosts_django import connected

        self._connection = connected(where)
        self._atomic: Any = None
        super().__init__(where)

    @property
    def connection(self) -> Any:
        """See `BaseHost.connection`."""
        return self._connection

    def execute(self, sql: str) -> Sequence[Any]:
        """See `BaseHost.execute`."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def begin(self) -> None:
        """See `Host.begin`."""
        from django.db import transaction

        self._atomic = transaction.atomic(using=self._connection.alias)
        self._atomic.__enter__()

    def commit(self) -> None:
        """See `Host.commit`."""
        atomic, self._atomic = self._atomic, None
        atomic.__exit__(None, None, None)

    def rollback(self) -> None:
        """See `Host.rollback`."""
        if self._atomic is not None:
            self._connection.needs_rollback = True
            with suppress(Exception):
                self.commit()

    def close(self) -> None:
        """See `Host.close`."""
        from hosts_django import forget

        self.rollback()
        forget(self._connection)


def _url(where: Where, driver: str) -> str:
    return f"sqlite{f'+{driver}' if driver else ''}:///{where}" if isinstance(where, Path) else where.url(driver)


def _tuples(rows: Sequence[Any]) -> Sequence[Any]:
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in rows]


# Rows of other shapes than ours: hosts have them.


def _sqlite(path: Path) -> Any:
    connection = sqlite3.connect(path, timeout=1)
    connection.row_factory = sqlite3.Row
    return connection


def _sqlite_autocommit(path: Path) -> Any:
    return sqlite3.connect(path, timeout=1, isolation_level=None)


def _psycopg(server: Server) -> Any:
    import psycopg
    from psycopg.rows import dict_row

    return psycopg.connect(server.conninfo, row_factory=dict_row, cursor_factory=psycopg.ClientCursor)


def _psycopg_autocommit(server: Server) -> Any:
    import psycopg

    return psycopg.connect(server.conninfo, autocommit=True)


def _psycopg2(server: Server) -> Any:
    import psycopg2.extras

    return psycopg2.connect(server.conninfo, cursor_factory=psycopg2.extras.RealDictCursor)


def _pymysql(server: Server) -> Any:
    import pymysql

    return pymysql.connect(**server.pymysql, cursorclass=pymysql.cursors.DictCursor)


def _pymysql_autocommit(server: Server) -> Any:
    import pymysql

    return pymysql.connect(**server.pymysql, autocommit=True)


def _mysqldb() -> str:
    if pytest.importorskip("MySQLdb").__name__ != "MySQLdb":
        pytest.skip("mysqlclient is not installed")
    return "mysqldb"


def _mysqlclient(server: Server) -> Any:
    # Has to be compiled, so it is no requirement of the tests; the server is tested through the other drivers too.
    MySQLdb = pytest.importorskip("MySQLdb")
    if MySQLdb.__name__ != "MySQLdb":
        pytest.skip("mysqlclient is not installed")
    arguments = {name: value for name, value in server.pymysql.items() if value is not None}
    return MySQLdb.connect(**arguments, charset="utf8mb4")


async def _psycopg_async(server: Server) -> Any:
    import psycopg

    return await psycopg.AsyncConnection.connect(server.conninfo)


async def _aiomysql(server: Server) -> Any:
    import aiomysql

    arguments = server.pymysql
    arguments["db"] = arguments.pop("database")
    return await aiomysql.connect(**arguments, charset="utf8mb4")


async def _asyncmy(server: Server) -> Any:
    import asyncmy

    return await asyncmy.connect(**server.pymysql)


def _async_sqlalchemy(driver: str, *, session: bool) -> Callable[[Where], Awaitable[Any]]:
    async def connect(where: Where) -> Any:
        from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
        from sqlalchemy.pool import NullPool

        engine = create_async_engine(_url(where, driver), poolclass=NullPool)
        if session:
            return AsyncSession(engine)
        return await engine.connect()

    return connect


HOSTS: dict[str, Callable[[Any], BaseHost]] = {
    "sqlite-sqlite3": lambda where: DbapiHost(where, _sqlite),
    "sqlite-sqlite3-autocommit": lambda where: DbapiHost(where, _sqlite_autocommit, explicit=True),
    "sqlite-connection": lambda where: SqlAlchemyHost(where, "", session=False),
    "sqlite-session": lambda where: SqlAlchemyHost(where, "", session=True),
    "sqlite-async_session-aiosqlite": lambda where: AwaitedHost(where, _async_sqlalchemy("aiosqlite", session=True)),
    "sqlite-django": DjangoHost,
    "postgresql-psycopg": lambda where: DbapiHost(where, _psycopg),
    "postgresql-psycopg-autocommit": lambda where: DbapiHost(where, _psycopg_autocommit, explicit=True),
    "postgresql-psycopg-async": lambda where: AwaitedHost(where, _psycopg_async),
    "postgresql-psycopg2": lambda where: DbapiHost(where, _psycopg2),
    "postgresql-connection-psycopg": lambda where: SqlAlchemyHost(where, "psycopg", session=False),
    "postgresql-session-psycopg": lambda where: SqlAlchemyHost(where, "psycopg", session=True),
    "postgresql-session-psycopg2": lambda where: SqlAlchemyHost(where, "psycopg2", session=True),
    "postgresql-async_connection-asyncpg": lambda where: AwaitedHost(
        where, _async_sqlalchemy("asyncpg", session=False)
    ),
    "postgresql-async_session-asyncpg": lambda where: AwaitedHost(where, _async_sqlalchemy("asyncpg", session=True)),
    "postgresql-async_session-psycopg": lambda where: AwaitedHost(where, _async_sqlalchemy("psycopg", session=True)),
    "postgresql-django": DjangoHost,
    "mysql-pymysql": lambda where: DbapiHost(where, _pymysql),
    "mysql-pymysql-autocommit": lambda where: DbapiHost(where, _pymysql_autocommit, explicit=True),
    "mysql-mysqlclient": lambda where: DbapiHost(where, _mysqlclient),
    "mysql-aiomysql": lambda where: AwaitedHost(where, _aiomysql),
    "mysql-asyncmy": lambda where: AwaitedHost(where, _asyncmy),
    "mysql-connection-pymysql": lambda where: SqlAlchemyHost(where, "pymysql", session=False),
    "mysql-session-mysqldb": lambda where: SqlAlchemyHost(where, _mysqldb(), session=True),
    "mysql-async_connection-aiomysql": lambda where: AwaitedHost(where, _async_sqlalchemy("aiomysql", session=False)),
    "mysql-async_session-asyncmy": lambda where: AwaitedHost(where, _async_sqlalchemy("asyncmy", session=True)),
    "mysql-django": DjangoHost,
}


def kind_of(name: str) -> str:
    """Say which database a kind of host is for."""
    return name.partition("-")[0]


def open_host(name: str, where: Where) -> BaseHost:
    """Open one more connection."""
    return HOSTS[name](where)
