"""Stores on real servers: the schema put into an empty database, and a storage over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pymysql
from servers import Server

from crossloyalty.storage.mysql import AsyncMysqlStorage, MysqlStorage
from crossloyalty.storage.postgresql import AsyncPostgresqlStorage, PostgresqlStorage

__all__ = ["Run", "async_storage_of", "installed", "is_mysql_proper", "mysql_url", "run_sql", "session", "storage_of"]

Run = Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def session(database: Server) -> Iterator[Run]:
    """Open one connection of our own, without a transaction; give what runs a statement and returns its rows."""
    opened: Any
    if database.kind == "postgresql":
        opened = psycopg.connect(database.conninfo, autocommit=True)
    else:
        opened = pymysql.connect(**database.pymysql, autocommit=True)
    with closing(opened), closing(opened.cursor()) as cursor:

        def run(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

        yield run


def is_mysql_proper(database: Server) -> bool:
    """Say whether a database is on MySQL itself and not on MariaDB or PostgreSQL."""
    with session(database) as run:
        return database.kind == "mysql" and "MariaDB" not in run("SELECT VERSION()")[0][0]


def run_sql(database: Server, statements: Sequence[str]) -> None:
    """Run statements one by one, in one transaction as far as the database has that."""
    with session(database) as run:
        run("BEGIN")
        for sql in statements:
            run(sql)
        run("COMMIT")


def installed(database: Server) -> Server:
    """Put the schema into an empty database."""
    kind = PostgresqlStorage if database.kind == "postgresql" else MysqlStorage
    run_sql(database, kind.install_sql())
    return database


def mysql_url(database: Server) -> str:
    """Name a database as `MysqlStorage` takes it."""
    return database.url()


def storage_of(database: Server, **settings: object) -> PostgresqlStorage | MysqlStorage:
    """Open a plain storage over a database that has the schema."""
    if database.kind == "postgresql":
        return PostgresqlStorage(database.conninfo, **settings)  # type: ignore[arg-type]
    return MysqlStorage(database.url(), **settings)  # type: ignore[arg-type]


def async_storage_of(database: Server, **settings: object) -> AsyncPostgresqlStorage | AsyncMysqlStorage:
    """Open an asynchronous storage over a database that has the schema."""
    if database.kind == "postgresql":
        return AsyncPostgresqlStorage(database.conninfo, **settings)  # type: ignore[arg-type]
    return AsyncMysqlStorage(database.url(), **settings)  # type: ignore[arg-type]
