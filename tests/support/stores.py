"""Stores on real servers: the schema put into an empty database, and a storage over it."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pymysql
from servers import Server

from crossloyalty.storage.mysql import AsyncMysqlStorage, MysqlStorage
from crossloyalty.storage.postgresql import AsyncPostgresqlStorage, PostgresqlStorage

__all__ = ["async_storage_of", "installed", "mysql_url", "run_sql", "storage_of"]


def run_sql(database: Server, statements: Sequence[str]) -> None:
    """Run statements one by one."""
    if database.kind == "postgresql":
        with psycopg.connect(database.conninfo) as connection:
            for sql in statements:
                connection.execute(sql)  # type: ignore[call-overload]
    else:
        handle = pymysql.connect(**database.pymysql, autocommit=True)
        with handle, handle.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)


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
